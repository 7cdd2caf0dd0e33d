#include "tests/node/node_case.h"

#include "lib/nn/module_io.h"
#include "lib/pipeline/pipeline.h"
#include "lib/prepare/prepare.h"
#include "tests/node/stored_tensor.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace burin::node_tests {

namespace {
constexpr int kMaxBindingRounds = 6;

struct Stored {
  onnxpb::ModelProto model;
  std::string bytes;
  std::vector<StoredTensor> inputs, outputs;
  const StoredTensor* input(const std::string& name) const {
    auto it =
        std::find_if(inputs.begin(), inputs.end(), [&](const StoredTensor& t) { return t.name == name; });
    return it == inputs.end() ? nullptr : &*it;
  }
};

std::string outsideType(const onnxpb::TypeProto& type) {
  if (type.has_sequence_type()) return "a sequence as input or output";
  if (type.has_optional_type()) return "an optional as input or output";
  if (type.has_tensor_type() && type.tensor_type().elem_type() == onnxpb::TensorProto::STRING)
    return "strings";
  return {};
}

// Folders whose stored output contradicts what networks need.
std::string disputedFolder(const std::string& folder) {
  if (folder.ends_with("/test_maxunpool_export_with_output_shape"))
    return "its indices count in the inferred shape, those that MaxPool makes count in output_shape";
  return {};
}

// What keeps a graph outside of any compiler to static tensor programs, or "".
std::string outsideFeature(const onnxpb::GraphProto& graph) {
  for (const auto& value : graph.input())
    if (std::string found = outsideType(value.type()); !found.empty()) return found;
  for (const auto& value : graph.output())
    if (std::string found = outsideType(value.type()); !found.empty()) return found;
  static const std::set<std::string> random{"RandomNormal",      "RandomUniform", "RandomNormalLike",
                                            "RandomUniformLike", "Bernoulli",     "Multinomial"};
  for (const auto& node : graph.node()) {
    if (node.domain() == "ai.onnx.preview.training") return "training";
    if (random.contains(node.op_type())) return "random numbers";
    if (node.op_type() == "Dropout" && node.input_size() > 2 && !node.input(2).empty())
      return "random numbers";
    for (const auto& attribute : node.attribute())
      if (attribute.name() == "training_mode" && attribute.i() == 1) return "training";
  }
  return {};
}

Result<Stored> readFolder(const std::string& folder, mlir::MLIRContext& context) {
  Stored stored;
  BURIN_ASSIGN(stored.bytes, readBytes(folder + "/model.onnx"));
  if (!stored.model.ParseFromString(stored.bytes))
    return fail(ErrorCode::Input, "model.onnx cannot be parsed");
  const std::string set = folder + "/test_data_set_0/";
  const auto& graph = stored.model.graph();
  for (int i = 0; i < graph.input_size(); ++i) {
    std::string path = fmt::format("{}input_{}.pb", set, i);
    if (!std::filesystem::exists(path)) continue;
    BURIN_ASSIGN(StoredTensor tensor, readStored(path, graph.input(i), context));
    stored.inputs.push_back(std::move(tensor));
  }
  for (int i = 0; i < graph.output_size(); ++i) {
    BURIN_ASSIGN(StoredTensor tensor,
                 readStored(fmt::format("{}output_{}.pb", set, i), graph.output(i), context));
    stored.outputs.push_back(std::move(tensor));
  }
  if (stored.outputs.empty()) return fail(ErrorCode::Input, "no stored outputs");
  return stored;
}

// Makes `candidates` constants of the graph; false when nothing is left to bind. Values that decide shapes
// are integers and short lists of floats (scales, regions). Float data are never bound: they have to be run.
bool bindMore(const Stored& stored, const std::set<std::string>& candidates, bool floats,
              ImportOptions& options) {
  bool any = false;
  for (const StoredTensor& tensor : stored.inputs) {
    if (!candidates.contains(tensor.name) || options.boundInputs.contains(tensor.name)) continue;
    if (tensor.type.shape.rank > 1 || (rt::isFloat(tensor.type.dtype) && !floats)) continue;
    bool dataLeft = std::any_of(stored.inputs.begin(), stored.inputs.end(), [&](const StoredTensor& other) {
      return other.name != tensor.name && !options.boundInputs.contains(other.name);
    });
    bool floatVector = rt::isFloat(tensor.type.dtype) && tensor.type.shape.rank == 1;
    if (floatVector && !dataLeft) continue;
    options.boundInputs[tensor.name] = {tensor.type, tensor.bytes};
    options.inputShapes.erase(tensor.name);
    any = true;
  }
  return any;
}

// First with nothing bound; then, as long as it fails, the inputs that the importer asks for, integers first;
// at last all short integer inputs.
Result<ImportedModule> importBinding(const Stored& stored, ImportOptions& options,
                                     mlir::MLIRContext& context) {
  for (const StoredTensor& tensor : stored.inputs) {
    const rt::Shape& shape = tensor.type.shape;
    options.inputShapes[tensor.name] = std::vector<int64_t>(shape.dim, shape.dim + shape.rank);
  }
  std::set<std::string> all, unknown;
  for (const StoredTensor& tensor : stored.inputs) all.insert(tensor.name);
  options.unknownInputs = &unknown;
  std::span<const char> bytes(stored.bytes.data(), stored.bytes.size());
  auto result = importOnnxBytes(bytes, "", options, context);
  for (int round = 0; !result && round < kMaxBindingRounds; ++round) {
    if (!bindMore(stored, unknown, false, options) && !bindMore(stored, unknown, true, options) &&
        !bindMore(stored, all, false, options))
      break;
    unknown.clear();
    result = importOnnxBytes(bytes, "", options, context);
  }
  options.unknownInputs = nullptr;
  return result;
}

Result<std::vector<Array>> runInputs(const Executable& executable, const Stored& stored) {
  std::vector<Array> arrays;
  for (const InputSpec& spec : executable.inputs()) {
    const StoredTensor* tensor = stored.input(spec.name);
    if (!tensor)
      return fail(ErrorCode::Input, "the program has an input '" + spec.name + "' without stored data");
    arrays.push_back(arrayOf(*tensor));
  }
  return arrays;
}

// A result with a static maximum comes with the number of its valid rows (or columns): i64 [1].
bool isCountOf(const rt::Tensor& count, const rt::Shape& valid) {
  if (count.dtype() != rt::DType::I64 || count.shape().elements() != 1) return false;
  return std::count(valid.dim, valid.dim + valid.rank, *count.as<const int64_t>()) > 0;
}

std::vector<std::string> outputNames(mlir::ModuleOp module) {
  std::vector<std::string> names;
  module.walk([&](nn::OutputOp output) {
    if (auto attribute = output->getAttrOfType<mlir::ArrayAttr>("names"))
      for (auto name : attribute.getAsRange<mlir::StringAttr>()) names.push_back(name.str());
  });
  return names;
}

// The outputs are the stored ones in their order, "<name>/count" behind each that has only a greatest size.
// Nothing when all is as stored.
std::optional<std::string> wrongOutput(const Runner& runner, mlir::ModuleOp module, const Stored& stored) {
  std::vector<std::string> names = outputNames(module);
  size_t i = 0;
  for (const StoredTensor& wanted : stored.outputs) {
    if (i == runner.outputCount()) return fmt::format("there is no output {}", wanted.name);
    bool counted = i + 1 < names.size() && names[i + 1] == wanted.name + "/count";
    if (auto why = difference(wanted, runner.outputTensor(i++), counted)) return why;
    if (counted && !isCountOf(runner.outputTensor(i++), wanted.type.shape))
      return fmt::format("{}: the number of valid elements is wrong", wanted.name);
  }
  if (i == runner.outputCount()) return std::nullopt;
  return fmt::format("{} outputs, expected {}", runner.outputCount(), stored.outputs.size());
}

Outcome& failAt(Outcome& outcome, const char* stage, const std::string& reason) {
  outcome.stage = stage;
  outcome.reason = reason;
  return outcome;
}

void compileAndCompare(mlir::ModuleOp module, const Stored& stored, Outcome& outcome) {
  if (auto status = prepare(module); !status) return void(failAt(outcome, "prepare", status.error().text()));
  auto compiled = compileNetwork(module, {});
  if (!compiled) return void(failAt(outcome, "compile", compiled.error().text()));
  auto executable = Executable::fromProgram(compiled->program);
  if (!executable) return void(failAt(outcome, "compile", executable.error().text()));
  auto inputs = runInputs(*executable, stored);
  if (!inputs) return void(failAt(outcome, "run", inputs.error().text()));
  auto runner = Runner::create(*executable, {});
  if (!runner) return void(failAt(outcome, "run", runner.error().text()));
  if (auto status = (*runner)->run(*inputs); !status)
    return void(failAt(outcome, "run", status.error().text()));
  if (auto why = wrongOutput(**runner, module, stored)) failAt(outcome, "compare", *why);
}
} // namespace

Outcome runCase(const std::string& folder) {
  Outcome outcome;
  auto context = nn::makeContext();
  onnxpb::ModelProto model;
  if (auto bytes = readBytes(folder + "/model.onnx"); bytes && model.ParseFromString(*bytes))
    outcome.outside = outsideFeature(model.graph());
  if (outcome.outside.empty()) outcome.outside = disputedFolder(folder);
  auto stored = readFolder(folder, *context);
  if (!stored) return failAt(outcome, "data", stored.error().text());
  ImportOptions options;
  options.allowNonFinite = true;
  auto imported = importBinding(*stored, options, *context);
  for (const auto& [name, tensor] : options.boundInputs) outcome.bound.push_back(name);
  if (!imported) return failAt(outcome, "import", imported.error().text());
  compileAndCompare(*imported->module, *stored, outcome);
  return outcome;
}

nlohmann::ordered_json toJson(const Outcome& outcome) {
  return {{"stage", outcome.stage},
          {"reason", outcome.reason},
          {"outside", outcome.outside},
          {"bound", outcome.bound}};
}

Outcome fromJson(const nlohmann::json& json) {
  return {json["stage"], json["reason"], json["outside"], json["bound"].get<std::vector<std::string>>()};
}

} // namespace burin::node_tests
