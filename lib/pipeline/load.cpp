#include "lib/data/preprocess_json.h"
#include "lib/data/preprocess_text.h"
#include "lib/import/formats/formats.h"
#include "lib/pipeline/pipeline.h"
#include "lib/prepare/prepare.h"
#include "lib/qnn/qnn.h"
#include "lib/quantize/as_is.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace mlir;

namespace burin {

namespace {
PreprocessFlags flagsOf(const std::vector<PreprocessHint>& hints) {
  PreprocessFlags flags;
  auto add = [](std::vector<std::string>& list, const std::string& input, const std::string& value) {
    if (!value.empty()) list.push_back(input + ":" + value);
  };
  for (const PreprocessHint& hint : hints) {
    add(flags.mean, hint.input, hint.mean);
    add(flags.scale, hint.input, hint.scale);
    add(flags.pixel, hint.input, hint.pixel);
  }
  return flags;
}

std::string describe(const PreprocessHint& hint) {
  std::string text;
  for (const auto& [flag, value] :
       {std::pair("--mean", hint.mean), {"--scale", hint.scale}, {"--pixel", hint.pixel}})
    if (!value.empty()) text += fmt::format(" {} {}", flag, value);
  return fmt::format("input '{}' is fed with{}, as {} says", hint.input, text, hint.source);
}

Status applyPreprocessFlags(nn::GraphOp graph, const PreprocessFlags& flags, bool mayOverride) {
  if (!flags.any()) return {};
  BURIN_ASSIGN(std::vector<InputSpec> specs, inputSpecs(graph));
  BURIN_ASSIGN(auto resolved, resolvePreprocess(flags, specs));
  for (size_t i = 0; i < specs.size(); ++i) {
    if (!resolved[i]) continue;
    if (specs[i].preprocess && !mayOverride) BURIN_CHECK(checkSamePreprocess(specs[i], *resolved[i]));
    storePreprocess(graph, specs[i].name, *resolved[i]);
  }
  return {};
}
} // namespace

Result<Network> loadNetwork(const std::string& path, const LoadOptions& options) {
  Network network;
  bool mayOverride = options.overridePreprocess;
  if (nn::isModuleFile(path)) {
    BURIN_ASSIGN(network.module, nn::loadModule(path));
  } else {
    network.module.context = nn::makeContext();
    BURIN_ASSIGN(ImportedModule imported, importModel(path, options.import, *network.module.context));
    network.module.op = std::move(imported.module);
    network.warnings = imported.info.warnings;
    quantize::markIntegerInputs(network.module.graph());
    const char* unless = options.preprocess.any() ? ", unless flags say otherwise" : "";
    for (const PreprocessHint& hint : imported.info.preprocess)
      network.notes.push_back(describe(hint) + unless);
    // What the file says, then what the user says.
    if (Status status = applyPreprocessFlags(network.module.graph(), flagsOf(imported.info.preprocess), true);
        !status)
      return tl::unexpected(inFile(status.error(), path));
    mayOverride = true;
  }
  if (Status status = applyPreprocessFlags(network.module.graph(), options.preprocess, mayOverride); !status)
    return tl::unexpected(inFile(status.error(), path));
  return network;
}

Result<std::vector<InputSpec>> inputSpecs(nn::GraphOp graph) {
  std::vector<InputSpec> specs;
  for (nn::InputOp input : graph.getOps<nn::InputOp>()) {
    InputSpec spec;
    rt::TensorType type = nn::typeOf(input.getY());
    spec.name = input.getName().str();
    spec.type = elementTypeOf(type.dtype);
    spec.shape.assign(type.shape.dim, type.shape.dim + type.shape.rank);
    if (auto integers = quantize::inputScale(input))
      spec.affine = rt::Affine{integers->scale, integers->zeroPoint};
    if (auto stored = input.getPreprocessAttr()) {
      auto text = dyn_cast_or_null<StringAttr>(stored.get("json"));
      auto json = nlohmann::json::parse(text ? text.getValue().str() : "", nullptr, false);
      BURIN_ASSIGN(spec.preprocess, preprocessFromJson(json));
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

void storePreprocess(nn::GraphOp graph, const std::string& name, const rt::Preprocess& preprocess) {
  Builder b(graph.getContext());
  for (nn::InputOp input : graph.getOps<nn::InputOp>())
    if (input.getName() == name)
      input.setPreprocessAttr(
          b.getDictionaryAttr(b.getNamedAttr("json", b.getStringAttr(preprocessToJson(preprocess).dump()))));
}

std::vector<std::string> assumePreprocess(nn::GraphOp graph) {
  std::vector<std::string> notes;
  auto specs = inputSpecs(graph);
  if (!specs) return notes;
  for (const InputSpec& spec : *specs) {
    if (spec.preprocess) continue;
    auto assumed = defaultPreprocess(spec.shape);
    if (!assumed) continue;
    storePreprocess(graph, spec.name, *assumed);
    notes.push_back(fmt::format("input '{}' has no preprocessing; pictures are fed as {}. Give --mean, "
                                "--scale and --pixel as in training",
                                spec.name, describe(*assumed)));
  }
  return notes;
}

std::string networkHash(ModuleOp module) {
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(module->clone());
  assumePreprocess(*copy->getOps<nn::GraphOp>().begin());
  return nn::moduleHash(*copy);
}

Result<bool> prepareToQuantize(nn::Module& module) {
  BURIN_CHECK(prepare(*module.op));
  if (!quantize::quantizesActivations(*module.op)) return false;
  BURIN_ASSIGN(module.op, quantize::withoutQuantization(*module.op));
  BURIN_CHECK(prepare(*module.op));
  return true;
}

} // namespace burin
