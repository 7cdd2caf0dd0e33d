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

const onnxpb::TensorShapeProto* declaredShape(const TypeProto* type) {
  return type && type->has_tensor_type() && type->tensor_type().has_shape() ? &type->tensor_type().shape()
                                                                            : nullptr;
}

// A dimension of 0 is how some exporters write an unknown one.
bool isFixed(const onnxpb::TensorShapeProto::Dimension& dim) {
  return dim.has_dim_value() && dim.dim_value() > 0;
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

Error GraphImporter::unknownTensor(const std::string& flag, const std::string& name) const {
  std::vector<std::string> names = tensorNames();
  return Error{ErrorCode::Usage,
               {},
               {},
               fmt::format("{}: the model has no tensor '{}'", flag, name),
               "tensors with names like it: " + joined(nearNames(name, names), ", ")};
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
    if (!existing.contains(name)) return tl::unexpected(unknownTensor("--outputs", name));
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
    if (!existing.contains(name)) return tl::unexpected(unknownTensor("--inputs", name));
    if (!seen.insert(name).second) continue;
    const TypeProto* type = nullptr;
    for (const auto& info : graph.value_info())
      if (info.name() == name && info.has_type()) type = &info.type();
    inputs.push_back({name, type});
  }
  return inputs;
}

namespace {
// Names without a value of their own: dimension names the user has fixed through another input.
using DimNames = std::map<std::string, int64_t>;

std::string dimLabel(const onnxpb::TensorShapeProto::Dimension& dim, int index) {
  return dim.dim_param().empty() ? fmt::format("dimension {}", index)
                                 : fmt::format("dimension {} ('{}')", index, dim.dim_param());
}

void addDimNames(const onnxpb::TensorShapeProto* shape, const std::vector<int64_t>& dims, DimNames& names) {
  if (!shape || shape->dim_size() != static_cast<int>(dims.size())) return;
  for (int i = 0; i < shape->dim_size(); ++i)
    if (!shape->dim(i).dim_param().empty()) names.emplace(shape->dim(i).dim_param(), dims[i]);
}

// The declared shape with -1 for what stays open; `open` gets the labels of those.
std::vector<int64_t> fixShape(const onnxpb::TensorShapeProto& shape, const DimNames& names,
                              std::vector<std::string>& open) {
  std::vector<int64_t> dims;
  for (int i = 0; i < shape.dim_size(); ++i) {
    const auto& dim = shape.dim(i);
    auto named = names.find(dim.dim_param());
    if (isFixed(dim))
      dims.push_back(dim.dim_value());
    else if (!dim.dim_param().empty() && named != names.end())
      dims.push_back(named->second);
    else if (i == 0)
      dims.push_back(1);
    else
      dims.push_back(-1), open.push_back(dimLabel(dim, i));
  }
  return dims;
}
} // namespace

// A shape may also be given for an input that no output needs.
Status GraphImporter::checkShapeFlags(size_t neededInputs) const {
  BURIN_ASSIGN(std::vector<GraphInput> all, graphInputs());
  std::vector<std::string> names;
  for (const GraphInput& input : all) names.push_back(input.name);
  for (const auto& [name, dims] : options_.inputShapes) {
    if (name.empty() ? neededInputs == 1 : contains(names, name)) continue;
    return fail(ErrorCode::Usage,
                name.empty() ? std::string("--input-shapes: the model has several inputs, name them")
                             : fmt::format("--input-shapes: the model has no input '{}'", name),
                "its inputs are " + joined(names, ", "));
  }
  return {};
}

// All open dimensions are reported in one error, with one flag that fixes them.
Result<std::map<std::string, std::vector<int64_t>>>
GraphImporter::inputShapes(const std::vector<GraphInput>& inputs) {
  auto flagOf = [&](const GraphInput& input) {
    auto it = options_.inputShapes.find(input.name);
    return it == options_.inputShapes.end() && inputs.size() == 1 ? options_.inputShapes.find("") : it;
  };
  BURIN_CHECK(checkShapeFlags(inputs.size()));
  DimNames named;
  for (const GraphInput& input : inputs)
    if (auto flag = flagOf(input); flag != options_.inputShapes.end())
      addDimNames(declaredShape(input.type), flag->second, named);

  std::map<std::string, std::vector<int64_t>> shapes;
  std::vector<std::string> problems, flags;
  for (const GraphInput& input : inputs) {
    if (auto flag = flagOf(input); flag != options_.inputShapes.end()) {
      shapes[input.name] = flag->second;
      continue;
    }
    const auto* declared = declaredShape(input.type);
    if (declared && declared->dim_size() > rt::kMaxRank)
      return fail(Error{ErrorCode::Unsupported,
                        {},
                        "input '" + input.name + "'",
                        fmt::format("has {} dimensions", declared->dim_size()),
                        fmt::format("at most {} are supported", rt::kMaxRank)});
    std::vector<std::string> open;
    std::vector<int64_t> dims = declared ? fixShape(*declared, named, open) : std::vector<int64_t>{1, -1};
    if (!declared)
      problems.push_back(fmt::format("input '{}' has no shape", input.name));
    else if (!open.empty())
      problems.push_back(fmt::format("input '{}': {} {} not fixed", input.name, joined(open, ", "),
                                     open.size() == 1 ? "is" : "are"));
    if (!declared || !open.empty()) flags.push_back(fmt::format("{}:{}", input.name, dimsText(dims)));
    shapes[input.name] = dims;
  }
  if (problems.empty()) return shapes;
  return fail(ErrorCode::Usage, joined(problems, "; "),
              fmt::format("give --input-shapes \"{}\" with a number for every N", joined(flags, ",")));
}

Result<mlir::Value> GraphImporter::makeInput(const GraphInput& input, const std::vector<int64_t>& dims) {
  std::string where = "input '" + input.name + "'";
  if (input.type && input.type->value_case() != TypeProto::kTensorType &&
      input.type->value_case() != TypeProto::VALUE_NOT_SET)
    return fail(Error{ErrorCode::Unsupported,
                      {},
                      where,
                      "is a sequence, map, optional or sparse tensor",
                      "only tensors can enter a program; cut behind it with --inputs"});
  rt::TensorType type;
  if (input.type && input.type->has_tensor_type()) {
    auto dtype = elementType(input.type->tensor_type().elem_type());
    if (!dtype) return tl::unexpected(atOp(dtype.error(), where));
    type.dtype = *dtype;
    if (input.type->tensor_type().elem_type() == onnxpb::TensorProto::DOUBLE)
      warn(fmt::format("{} is double; programs compute in float32", where));
  }
  const auto* declared = declaredShape(input.type);
  for (int i = 0; declared && i < declared->dim_size(); ++i)
    if (isFixed(declared->dim(i)) &&
        (declared->dim_size() != static_cast<int>(dims.size()) || declared->dim(i).dim_value() != dims[i])) {
      warn(fmt::format("{} is fixed in the model; --input-shapes overrides it with {}", where,
                       dimsText(dims)));
      break;
    }
  if (dims.size() > rt::kMaxRank)
    return fail(Error{ErrorCode::Unsupported,
                      {},
                      where,
                      fmt::format("has {} dimensions", dims.size()),
                      fmt::format("at most {} are supported", rt::kMaxRank)});
  double elements = 1;
  for (int64_t d : dims) type.shape.push(d), elements *= static_cast<double>(d);
  if (elements > static_cast<double>(int64_t(1) << 40))
    return fail(Error{ErrorCode::Input,
                      {},
                      where,
                      fmt::format("its shape {} is too big", dimsText(dims)),
                      "fix it with --input-shapes"});
  return builder_.input(input.name, type);
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
  std::vector<GraphInput> needed;
  for (GraphInput& input : all) {
    auto bound = options_.boundInputs.find(input.name);
    if (bound != options_.boundInputs.end())
      scope.values[input.name] = ImportValue(boundConstant(input, bound->second));
    else if (plan.used.contains(input.name))
      needed.push_back(std::move(input));
    else
      warn(fmt::format("input '{}' is used by no output and left out", input.name));
  }
  BURIN_ASSIGN(auto shapes, inputShapes(needed));
  for (const GraphInput& input : needed) {
    auto value = makeInput(input, shapes.at(input.name));
    if (!value && value.error().code != ErrorCode::Unsupported) return tl::unexpected(value.error());
    if (!value) report_.addUse(value.error());
    scope.values[input.name] = value ? ImportValue(*value) : ImportValue::unavailable({});
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
