#include "cli/command.h"

#include "lib/export/export.h"
#include "lib/pipeline/quantize.h"
#include "lib/support/file.h"

#include <fmt/format.h>

namespace burin::cli {

namespace {
struct Flags {
  std::string model, output, format = "onnx", calibration, plan, activations = "u8";
  CommonFlags common;
  ModelFlags model_;
  TargetFlags target;
};

// The graph as the compiler would quantize it.
Result<std::string> exportQuantized(nn::Module& module, const Flags& f) {
  BURIN_ASSIGN(CompileOptions options, f.target.options());
  BURIN_CHECK(prepareFor(f.target.precision, module, f.common));
  CalibrationTable table;
  quantize::QuantPlan plan;
  if (!f.calibration.empty()) {
    BURIN_ASSIGN(table, loadTable(f.calibration));
    options.table = &table;
  }
  if (!f.plan.empty()) {
    BURIN_ASSIGN(std::string text, readTextFile(f.plan));
    BURIN_ASSIGN(plan, quantize::planFromJson(text, f.plan));
    options.plan = &plan;
  }
  BURIN_ASSIGN(Quantized quantized, quantizeNetwork(*module.op, options));
  for (const std::string& note : quantized.notes) f.common.note("note: " + note);
  nn::Module result;
  result.op = std::move(quantized.module);
  return exportOnnx(result.graph(), {.signedActivations = f.activations == "s8"});
}

Status run(const Flags& f) {
  const bool quantized = f.format == "onnx-qdq";
  if (!quantized && f.format != "onnx")
    return fail(ErrorCode::Usage, "unknown format '" + f.format + "'", "use onnx or onnx-qdq");
  const bool asIs = f.target.precision == "as-is";
  if (quantized && !asIs && f.target.precision != "int8")
    return fail(ErrorCode::Usage, "--format onnx-qdq holds integers, not " + f.target.precision,
                "give --precision int8 or as-is");
  if (quantized && asIs && !(f.calibration.empty() && f.plan.empty()))
    return fail(ErrorCode::Usage, "--precision as-is keeps the model's own scales",
                "leave --calibration and --plan out");
  if (quantized && !asIs && f.calibration.empty() == f.plan.empty())
    return fail(ErrorCode::Usage, "--format onnx-qdq needs the ranges of the tensors",
                "give one of --calibration net.cali and --plan plan.json, or --precision as-is for a model "
                "that is quantized already");
  if (!quantized && !(f.calibration.empty() && f.plan.empty()))
    return fail(ErrorCode::Usage, "--calibration and --plan do nothing for a float export",
                "use --format onnx-qdq");
  BURIN_ASSIGN(nn::Module module, loadWithWarnings(f.model, f.model_, f.common));
  auto bytes = quantized ? exportQuantized(module, f) : exportOnnx(module.graph());
  if (!bytes) return tl::unexpected(inFile(bytes.error(), f.model));
  BURIN_CHECK(writeFile(f.output, *bytes));
  if (f.common.json)
    printJson(Json{{"bytes", bytes->size()}, {"format", f.format}});
  else
    f.common.note(fmt::format("{}: {} bytes", f.output, bytes->size()));
  return {};
}
} // namespace

void addExport(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.cli.add_subcommand("export", "a module to another framework's format");
  command->add_option("model", flags->model, "module from 'burin import', or a model file")->required();
  command->add_option("-o,--output", flags->output, "file to write")->required();
  command->add_option("--format", flags->format, "onnx (float) or onnx-qdq (quantized; default onnx)");
  command->add_option("--calibration", flags->calibration, "table from 'burin calibrate', for onnx-qdq");
  command->add_option("--plan", flags->plan, "quant plan from --save-plan, for onnx-qdq");
  command->add_option("--activations", flags->activations, "u8 or s8: how onnx-qdq stores them (default u8)")
      ->check(CLI::IsMember({"u8", "s8"}));
  flags->target.add(*command, "int8");
  flags->model_.add(*command);
  flags->common.add(*command, false);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
