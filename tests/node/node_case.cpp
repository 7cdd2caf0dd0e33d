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

// Operators whose result has as many rows as the data say.
const std::set<std::string>& dataDependentOperators() {
  static const std::set<std::string> names{"NonZero", "NonMaxSuppression", "Unique", "Compress"};
  return names;
}

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
  if (type.has_sequence_type()) return "sequence";
  if (type.has_optional_type()) return "optional";
  if (type.has_tensor_type() && type.tensor_type().elem_type() == onnxpb::TensorProto::STRING)
    return "string";
  return {};
}

// What keeps a folder outside of any compiler to static tensor programs, or "".
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
    if (node.op_type().starts_with("Sequence") || node.op_type() == "SplitToSequence") return "sequence";
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

bool isDataDependent(const onnxpb::GraphProto& graph) {
  return std::any_of(graph.node().begin(), graph.node().end(),
                     [](const auto& node) { return dataDependentOperators().contains(node.op_type()); });
}

// A result with a static maximum is followed by the number of its valid rows (or columns): i64 [1].
bool isCountOf(const rt::Tensor& count, const rt::Shape& valid) {
  if (count.dtype() != rt::DType::I64 || count.shape().elements() != 1) return false;
  return std::count(valid.dim, valid.dim + valid.rank, *count.as<const int64_t>()) > 0;
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
  bool prefix = isDataDependent(stored.model.graph());
  const size_t made = (*runner)->outputCount(), wanted = stored.outputs.size();
  if (made != wanted && !(prefix && made == wanted + 1))
    return void(failAt(outcome, "compare", fmt::format("{} outputs, expected {}", made, wanted)));
  for (size_t i = 0; i < stored.outputs.size(); ++i)
    if (auto why = difference(stored.outputs[i], (*runner)->outputTensor(i), prefix)) {
      failAt(outcome, "compare", *why);
      return;
    }
  if (made > wanted && !isCountOf((*runner)->outputTensor(wanted), stored.outputs[0].type.shape))
    failAt(outcome, "compare", "the number of valid elements is wrong");
}
} // namespace

Outcome runCase(const std::string& folder) {
  Outcome outcome;
  auto context = nn::makeContext();
  onnxpb::ModelProto model;
  if (auto bytes = readBytes(folder + "/model.onnx"); bytes && model.ParseFromString(*bytes))
    outcome.outside = outsideFeature(model.graph());
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
