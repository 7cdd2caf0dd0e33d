// The main graph's borders: inputs with fixed shapes, cuts, outputs.
#include "lib/import/onnx/graph_importer.h"
#include "lib/import/onnx/importer.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace burin::onnx {

using onnxpb::GraphProto;
using onnxpb::NodeProto;
using onnxpb::TypeProto;

namespace {
bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

} // namespace

NameSet GraphImporter::knownNames(const GraphProto& graph) const {
  NameSet known;
  for (const auto& input : graph.input()) known.insert(input.name());
  for (const auto& tensor : graph.initializer()) known.insert(tensor.name());
  for (const auto& name : options_.inputs) known.insert(name);
  for (const auto& [name, tensor] : options_.boundInputs) known.insert(name);
  return known;
}

std::vector<std::string> GraphImporter::tensorNames() const {
  const GraphProto& graph = model_.graph();
  std::vector<std::string> names;
  for (const NodeProto& node : graph.node())
    for (const std::string& output : node.output())
      if (!output.empty()) names.push_back(output);
  for (const auto& input : graph.input()) names.push_back(input.name());
  return names;
}

Result<std::vector<std::string>> GraphImporter::outputNames() const {
  std::vector<std::string> outputs;
  if (options_.outputs.empty()) {
    for (const auto& output : model_.graph().output())
      if (!contains(outputs, output.name())) outputs.push_back(output.name());
    if (outputs.empty())
      return fail(ErrorCode::Input, "the graph has no outputs", "name some with --outputs");
    return outputs;
  }
  std::vector<std::string> names = tensorNames();
  std::set<std::string> existing(names.begin(), names.end());
  for (const std::string& name : options_.outputs) {
    if (!existing.contains(name)) return tl::unexpected(unknownTensor("--outputs", name, names));
    if (!contains(outputs, name)) outputs.push_back(name);
  }
  return outputs;
}

// The graph's inputs without initializers, then the cuts.
Result<std::vector<GraphImporter::GraphInput>> GraphImporter::graphInputs() const {
  const GraphProto& graph = model_.graph();
  std::set<std::string> constants;
  for (const auto& tensor : graph.initializer()) constants.insert(tensor.name());
  std::vector<GraphInput> inputs;
  std::set<std::string> seen;
  for (const auto& input : graph.input()) {
    if (constants.contains(input.name()) && !contains(options_.inputs, input.name())) continue;
    if (!seen.insert(input.name()).second)
      return fail(ErrorCode::Input, fmt::format("the graph has two inputs '{}'", input.name()),
                  "the graph is invalid; export it again");
    inputs.push_back({input.name(), input.has_type() ? &input.type() : nullptr});
  }
  if (options_.inputs.empty()) return inputs;
  std::vector<std::string> names = tensorNames();
  std::set<std::string> existing(names.begin(), names.end());
  for (const std::string& name : options_.inputs) {
    if (!existing.contains(name)) return tl::unexpected(unknownTensor("--inputs", name, names));
    if (!seen.insert(name).second) continue;
    const TypeProto* type = nullptr;
    for (const auto& info : graph.value_info())
      if (info.name() == name && info.has_type()) type = &info.type();
    inputs.push_back({name, type});
  }
  return inputs;
}

Result<DeclaredInput> GraphImporter::declarationOf(const GraphInput& input) {
  std::string where = "input '" + input.name + "'";
  DeclaredInput declared{input.name, rt::DType::F32, {}};
  if (!input.type || input.type->value_case() == TypeProto::VALUE_NOT_SET) return declared;
  if (input.type->value_case() != TypeProto::kTensorType)
    return fail(Error{ErrorCode::Unsupported,
                      {},
                      where,
                      "is a sequence, map, optional or sparse tensor",
                      "only tensors can enter a program; cut behind it with --inputs"});
  auto dtype = elementType(input.type->tensor_type().elem_type());
  if (!dtype) return tl::unexpected(atOp(dtype.error(), where));
  declared.dtype = *dtype;
  if (input.type->tensor_type().elem_type() == onnxpb::TensorProto::DOUBLE)
    warn(fmt::format("{} is double; programs compute in float32", where));
  if (!input.type->tensor_type().has_shape()) return declared;
  declared.dims.emplace();
  for (const auto& dim : input.type->tensor_type().shape().dim())
    declared.dims->push_back({dim.has_dim_value() ? dim.dim_value() : -1, dim.dim_param()});
  return declared;
}

mlir::Value GraphImporter::boundConstant(const GraphInput& input, const BoundTensor& tensor) {
  rt::TensorType type = tensor.type;
  // Files of arrays have no bfloat16: its bits come as u16.
  if (type.dtype == rt::DType::U16 && input.type && input.type->has_tensor_type() &&
      input.type->tensor_type().elem_type() == onnxpb::TensorProto::BFLOAT16)
    type.dtype = rt::DType::BF16;
  return builder_.constant(type, tensor.bytes, input.name);
}

Status GraphImporter::bindInputs(const GraphPlan& plan, Scope& scope) {
  BURIN_ASSIGN(std::vector<GraphInput> all, graphInputs());
  std::vector<DeclaredInput> needed;
  std::vector<std::string> others;
  for (const GraphInput& input : all) {
    auto bound = options_.boundInputs.find(input.name);
    if (bound == options_.boundInputs.end() && plan.used.contains(input.name)) {
      auto declared = declarationOf(input);
      if (declared) {
        needed.push_back(std::move(*declared));
        continue;
      }
      if (declared.error().code != ErrorCode::Unsupported) return tl::unexpected(declared.error());
      report_.addUse(declared.error());
      scope.values[input.name] = ImportValue::unavailable({});
    }
    others.push_back(input.name);
    if (bound != options_.boundInputs.end())
      scope.values[input.name] = ImportValue(boundConstant(input, bound->second));
    else if (!plan.used.contains(input.name))
      warn(fmt::format("input '{}' is used by no output and left out", input.name));
  }
  BURIN_ASSIGN(auto shapes, resolveInputShapes(needed, others, *this));
  for (size_t i = 0; i < needed.size(); ++i) {
    BURIN_ASSIGN(mlir::Value value, makeInput(needed[i], shapes[i], *this));
    scope.values[needed[i].name] = ImportValue(value);
  }
  return {};
}

Result<mlir::OwningOpRef<mlir::ModuleOp>> GraphImporter::finish(const std::vector<std::string>& outputs,
                                                                Scope& scope) {
  std::vector<mlir::Value> values;
  std::vector<std::string> names;
  for (const std::string& name : outputs) {
    BURIN_ASSIGN(const ImportValue* value, lookup(name, scope));
    if (!value)
      return fail(Error{ErrorCode::Input,
                        {},
                        "output '" + name + "'",
                        "no node, input or initializer produces it",
                        "the graph is invalid; choose other outputs with --outputs"});
    if (!value->isTensor() && (value->kind != ImportValue::Kind::Unavailable || !value->reason.empty()))
      report_.addUse(Error{ErrorCode::Unsupported,
                           {},
                           "output '" + name + "'",
                           value->reason.empty() ? std::string("is a sequence or optional, not a tensor")
                                                 : value->reason,
                           "choose other outputs with --outputs"});
    values.push_back(value->tensor);
    names.push_back(name);
    if (value->count) values.push_back(value->count), names.push_back(name + "/count");
  }
  if (!report_.empty()) return tl::unexpected(report_.error());
  return builder_.finish(values, names);
}

Result<mlir::OwningOpRef<mlir::ModuleOp>> GraphImporter::run() {
  const GraphProto& graph = model_.graph();
  NameSet known = knownNames(graph);
  Scope scope;
  scope.opsets = &opsets_;
  NameSet constants;
  for (const auto& tensor : graph.initializer()) {
    if (!constants.insert(tensor.name()).second)
      return fail(ErrorCode::Input, fmt::format("two initializers are called '{}'", tensor.name()),
                  "the graph is invalid; export it again");
    if (!contains(options_.inputs, tensor.name())) scope.initializers[tensor.name()] = &tensor;
  }
  if (graph.sparse_initializer_size())
    warn("sparse initializers are not supported; what uses them will fail");
  for (const NodeProto& node : graph.node())
    for (const std::string& output : node.output())
      if (known.contains(output) && !contains(options_.inputs, output) &&
          !options_.boundInputs.contains(output))
        return fail(Error{ErrorCode::Input,
                          {},
                          nodeLabel(node),
                          fmt::format("tensor '{}' is also an input or initializer", output),
                          "the graph is invalid; export it again"});
  BURIN_ASSIGN(std::vector<std::string> outputs, outputNames());
  BURIN_ASSIGN(const GraphPlan* plan, planOf(&graph, graph.node(), outputs, known));
  BURIN_CHECK(bindInputs(*plan, scope));
  BURIN_CHECK(runNodes(graph.node(), *plan, scope));
  return finish(outputs, scope);
}

} // namespace burin::onnx
