#include "lib/compile/compile.h"
#include "lib/pipeline/quantize.h"

#include <fmt/format.h>

using namespace mlir;

namespace burin {

namespace {
// Ranges of picture inputs follow from their preprocessing: every value of 0..255 must be kept.
std::map<std::string, std::pair<double, double>> pictureRanges(nn::GraphOp graph) {
  std::map<std::string, std::pair<double, double>> ranges;
  auto specs = inputSpecs(graph);
  if (!specs) return ranges;
  for (const InputSpec& spec : *specs) {
    if (!spec.preprocess) continue;
    double low = 0, high = 0;
    for (int c = 0; c < rt::channelCount(spec.preprocess->pixel); ++c)
      for (float p : {0.0f, 255.0f}) {
        double y = (p - spec.preprocess->mean[c]) * spec.preprocess->scale[c];
        low = std::min(low, y);
        high = std::max(high, y);
      }
    ranges[spec.name] = {low, high};
  }
  return ranges;
}

Result<quantize::QuantPlan> makePlan(nn::GraphOp graph, const std::string& hash,
                                     const CompileOptions& options) {
  if (options.plan) {
    if (options.plan->graphHash != hash)
      return fail(ErrorCode::Input,
                  "the quant plan belongs to another graph (hash " + options.plan->graphHash +
                      ", this graph is " + hash + ")",
                  "save a new plan with 'burin compile --save-plan'");
    if (options.plan->target != options.target.name)
      return fail(ErrorCode::Usage,
                  "the quant plan is for target '" + options.plan->target + "', not '" + options.target.name +
                      "'",
                  "give --target " + options.plan->target);
    return *options.plan;
  }
  if (!options.table)
    return fail(ErrorCode::Usage, "int8 needs ranges",
                "give --calibration net.cali, --plan plan.json, or use 'burin quantize' with --data");
  quantize::PlanOptions planOptions;
  planOptions.scheme = options.scheme.value_or(options.target.defaultScheme);
  planOptions.inputRanges = pictureRanges(graph);
  if (!options.target.scheme(planOptions.scheme)) {
    std::string has;
    for (Scheme s : {Scheme::Symmetric, Scheme::Asymmetric})
      if (options.target.scheme(s)) has += std::string(has.empty() ? "" : ", ") + nameOf(s);
    return fail(
        ErrorCode::Usage,
        fmt::format("target {} has no {} activations", options.target.name, nameOf(planOptions.scheme)),
        "it has: " + has);
  }
  return quantize::buildPlan(graph, hash, *options.table, options.target, planOptions);
}

// The model's own integers and scales; the plan only reports them.
Result<Quantized> quantizeAsIs(ModuleOp module, const CompileOptions& options) {
  if (options.plan)
    return fail(ErrorCode::Usage, "--plan and --precision as-is exclude each other",
                "a quantized model brings its own scales; leave --plan out");
  BURIN_ASSIGN(quantize::AsIs taken, quantize::takeAsIs(module, networkHash(module), options.target));
  nn::GraphOp graph = *taken.module->getOps<nn::GraphOp>().begin();
  BURIN_ASSIGN(quantize::QuantizedGraph graphOut,
               quantize::applyPlan(graph, taken.plan, options.target, taken.stored));
  return Quantized{std::move(graphOut.module), std::move(taken.plan), std::move(graphOut.notes)};
}
} // namespace

Result<Quantized> quantizeNetwork(ModuleOp module, const CompileOptions& options) {
  if (options.precision == "as-is") return quantizeAsIs(module, options);
  nn::GraphOp graph = *module.getOps<nn::GraphOp>().begin();
  // A model with integer weights only: they are real numbers here, and get integers like all others.
  BURIN_ASSIGN(OwningOpRef<ModuleOp> real, quantize::withRealConstants(module));
  if (real) graph = *real->getOps<nn::GraphOp>().begin();
  BURIN_ASSIGN(quantize::QuantPlan plan, makePlan(graph, networkHash(module), options));
  BURIN_ASSIGN(quantize::QuantizedGraph quantized, quantize::applyPlan(graph, plan, options.target));
  return Quantized{std::move(quantized.module), std::move(plan), std::move(quantized.notes)};
}

Result<Compiled> compileNetwork(ModuleOp module, const CompileOptions& options) {
  Compiled compiled;
  compile::Options lowering;
  lowering.target = options.target.name;
  lowering.precision = options.precision;
  lowering.source = options.source;
  lowering.keepAllTensors = options.keepAllTensors;
  if (options.precision == "f32" || options.precision == "f16" || options.precision == "bf16") {
    // Stored weights become real once, not at every run: fast kernels pack constants only.
    BURIN_ASSIGN(OwningOpRef<ModuleOp> real, quantize::withRealConstants(module));
    BURIN_ASSIGN(compiled.program, compile::compileModule(real ? *real : module, lowering));
    return compiled;
  }
  BURIN_ASSIGN(Quantized quantized, quantizeNetwork(module, options));
  compiled.plan = std::move(quantized.plan);
  compiled.notes = std::move(quantized.notes);
  BURIN_ASSIGN(compiled.program, compile::compileModule(*quantized.module, lowering));
  return compiled;
}

} // namespace burin
