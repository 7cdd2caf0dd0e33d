#include "lib/import/onnx/graph_importer.h"

#include "lib/import/onnx/importer.h"
#include "lib/import/onnx/operators.h"

#include <fmt/format.h>

namespace burin::onnx {

using onnxpb::FunctionProto;
using onnxpb::GraphProto;
using onnxpb::NodeProto;

namespace {
NameSet capturedNames(const NodeProto& node);

void addFreeNames(const GraphProto& graph, NameSet& free) {
  NameSet defined;
  for (const auto& input : graph.input()) defined.insert(input.name());
  for (const auto& tensor : graph.initializer()) defined.insert(tensor.name());
  for (const NodeProto& node : graph.node())
    for (const std::string& output : node.output()) defined.insert(output);
  auto use = [&](std::string_view name) {
    if (!name.empty() && !defined.contains(name)) free.insert(name);
  };
  for (const NodeProto& node : graph.node()) {
    for (const std::string& input : node.input()) use(input);
    for (std::string_view name : capturedNames(node)) use(name);
  }
  for (const auto& output : graph.output()) use(output.name());
}

constexpr int kMaxDepth = 48; // of subgraphs and function calls in each other

std::string functionKey(const std::string& domain, const std::string& name, const std::string& overload) {
  return (domain == "ai.onnx" ? std::string() : domain) + "\n" + name + "\n" + overload;
}

OpsetMap readOpsets(const google::protobuf::RepeatedPtrField<onnxpb::OperatorSetIdProto>& imports) {
  OpsetMap opsets;
  for (const auto& import : imports) {
    int64_t& version = opsets[import.domain() == "ai.onnx" ? std::string() : import.domain()];
    version = std::max(version, import.version());
  }
  return opsets;
}
} // namespace

std::string nodeLabel(const NodeProto& node) {
  std::string name = !node.name().empty() ? node.name()
                     : node.output_size() ? node.output(0)
                                          : std::string("unnamed");
  return fmt::format("{} ({})", name, node.op_type());
}

GraphImporter::GraphImporter(const onnxpb::ModelProto& model, std::shared_ptr<const void> owner,
                             const std::string& folder, const ImportOptions& options,
                             nn::GraphBuilder& builder, ImportInfo& info)
    : ImportSession(builder, options, info), model_(model),
      tensors_(builder, std::move(owner), folder, options.allowNonFinite),
      opsets_(readOpsets(model.opset_import())), nodeBudget_(options.maxNodes + model.graph().node_size()) {
  if (model.opset_import().empty()) opsets_[""] = 1; // the first IR versions had none
  for (const FunctionProto& function : model.functions()) {
    std::string key = functionKey(function.domain(), function.name(), function.overload());
    functions_.emplace(key, &function);
    functionOpsets_.emplace(key, readOpsets(function.opset_import()));
  }
  for (const auto& [domain, version] : opsets_)
    info.opset +=
        (info.opset.empty() ? "" : ", ") + (domain.empty() ? "" : domain + " ") + std::to_string(version);
  if (opsets_.contains("") && opsets_.at("") > kNewestOnnxOpset)
    warn(fmt::format("opset {} is newer than the newest one known, {}; operators are read as in {}",
                     opsets_.at(""), kNewestOnnxOpset, kNewestOnnxOpset));
}

//===-- names
//----------------------------------------------------------------------------------------------------===//

Result<const ImportValue*> GraphImporter::lookup(const std::string& name, const Scope& scope) {
  for (const Scope* s = &scope; s; s = s->parent) {
    if (auto it = s->values.find(name); it != s->values.end()) return &it->second;
    auto it = s->initializers.find(name);
    if (it == s->initializers.end()) continue;
    ImportValue& constant = constants_[it->second];
    if (!constant.isTensor()) {
      BURIN_ASSIGN(mlir::Value value, tensors_.read(*it->second, s->prefix + name));
      constant = ImportValue(value);
    }
    return &constant;
  }
  return nullptr;
}

Result<std::vector<ImportValue>> GraphImporter::gatherInputs(const NodeProto& node, const Scope& scope,
                                                             bool& available) {
  std::vector<ImportValue> inputs;
  for (const std::string& name : node.input()) {
    if (name.empty()) {
      inputs.emplace_back();
      continue;
    }
    auto value = lookup(name, scope);
    if (!value && value.error().code == ErrorCode::Unsupported) {
      report_.addUse(value.error());
      available = false;
      inputs.emplace_back();
      continue;
    }
    if (!value) return tl::unexpected(value.error());
    if (!*value)
      return fail(Error{ErrorCode::Input,
                        {},
                        nodeLabel(node),
                        fmt::format("its input '{}' is produced by no node, input or initializer", name),
                        "the graph is invalid; export it again"});
    if ((*value)->kind == ImportValue::Kind::Unavailable) {
      if (!(*value)->reason.empty())
        report_.addUse(Error{ErrorCode::Unsupported, {}, nodeLabel(node), (*value)->reason, {}});
      available = false;
    }
    inputs.push_back(**value);
  }
  return inputs;
}

namespace {
// Names that the subgraphs of `node` use from outside.
NameSet capturedNames(const NodeProto& node) {
  NameSet names;
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) addFreeNames(attribute.g(), names);
    for (const GraphProto& graph : attribute.graphs()) addFreeNames(graph, names);
  }
  return names;
}

std::vector<PlanNode> planNodes(const NodeList& nodes) {
  std::vector<PlanNode> list;
  for (const NodeProto& node : nodes) {
    NameSet captured = capturedNames(node);
    PlanNode plan{
        nodeLabel(node), {captured.begin(), captured.end()}, {node.output().begin(), node.output().end()}};
    plan.reads.insert(plan.reads.end(), node.input().begin(), node.input().end());
    list.push_back(std::move(plan));
  }
  return list;
}
} // namespace

Result<const GraphPlan*> GraphImporter::planOf(const void* key, const NodeList& nodes,
                                               const std::vector<std::string>& outputs,
                                               const NameSet& known) {
  auto it = plans_.find(key);
  if (it == plans_.end()) {
    BURIN_ASSIGN(GraphPlan plan, planGraph(planNodes(nodes), outputs, known));
    it = plans_.emplace(key, std::move(plan)).first;
  }
  return &it->second;
}

//===-- nodes
//----------------------------------------------------------------------------------------------------===//

Status GraphImporter::runNodes(const NodeList& nodes, const GraphPlan& plan, Scope& scope) {
  for (int index : plan.order) BURIN_CHECK(runNode(nodes[index], scope));
  return {};
}

namespace {
void bindUnavailable(const NodeProto& node, Scope& scope) {
  for (const std::string& output : node.output())
    if (!output.empty()) scope.values.emplace(output, ImportValue::unavailable({}));
}
} // namespace

Status GraphImporter::runNode(const NodeProto& node, Scope& scope) {
  if (--nodeBudget_ < 0)
    return fail(Error{ErrorCode::Unsupported,
                      {},
                      nodeLabel(node),
                      "unrolling loops and functions gives too many nodes",
                      "export the loop with fewer iterations"});
  const FunctionProto* function = findFunction(node);
  bool available = true;
  BURIN_ASSIGN(std::vector<ImportValue> inputs, gatherInputs(node, scope, available));
  if (!function && !findOperator(node.domain(), node.op_type())) {
    std::string name = qualifiedName(node.domain(), node.op_type());
    report_.addOperator(name, scope.prefix + nodeLabel(node), remedyFor(name));
    available = false;
  }
  if (!available) {
    bindUnavailable(node, scope);
    return {};
  }
  return function ? runFunction(*function, node, std::move(inputs), scope)
                  : runOperator(node, std::move(inputs), scope);
}

namespace {
// Checks the number and the kinds of a node's inputs against its row.
void checkInputs(NodeContext& context, const OperatorRow& row) {
  int given = 0;
  for (int i = 0; i < context.inputCount(); ++i)
    if (context.input(i).kind != ImportValue::Kind::Absent) given = i + 1;
  if (given > row.maxInputs)
    return context.invalid(fmt::format("has {} inputs, at most {} are allowed", given, row.maxInputs));
  if (row.structured) {
    if (given < row.minInputs) context.invalid(fmt::format("needs at least {} inputs", row.minInputs));
    return;
  }
  for (int i = 0; i < row.minInputs; ++i)
    if (i >= context.inputCount() || context.input(i).kind == ImportValue::Kind::Absent)
      return context.invalid(fmt::format("its input {} is missing", i));
  for (int i = 0; i < context.inputCount(); ++i)
    if (!context.has(i) && context.input(i).kind != ImportValue::Kind::Absent)
      return context.invalid(fmt::format("its input {} is a sequence or optional, not a tensor", i));
}
} // namespace

Status GraphImporter::runOperator(const NodeProto& node, std::vector<ImportValue> inputs, Scope& scope) {
  const OperatorRow& row = *findOperator(node.domain(), node.op_type());
  std::string domain = node.domain() == "ai.onnx" ? std::string() : node.domain();
  auto version = scope.opsets->find(domain);
  int64_t opset = version == scope.opsets->end() ? 1 : version->second;
  NodeContext context(*this, scope, node, std::move(inputs), row, opset);
  if (opset < row.since)
    context.unsupported(fmt::format("opset {} is too old for this operator", opset),
                        fmt::format("convert the model to opset {} or newer", std::max(row.since, 7)));
  if (!context.failed()) checkInputs(context, row);
  if (!context.failed()) row.rule(context);
  if (context.failed()) {
    if (context.error()->code != ErrorCode::Unsupported) return tl::unexpected(*context.error());
    report_.addUse(*context.error());
    bindUnavailable(node, scope);
    return {};
  }
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty()) continue;
    std::optional<ImportValue> made = context.output(i);
    scope.values.emplace(node.output(i), made ? std::move(*made)
                                              : ImportValue::unavailable(fmt::format(
                                                    "uses output {} ('{}') of {}, which is not supported", i,
                                                    node.output(i), nodeLabel(node))));
  }
  return {};
}

//===-- functions and bodies
//-------------------------------------------------------------------------------------===//

const FunctionProto* GraphImporter::findFunction(const NodeProto& node) const {
  auto it = functions_.find(functionKey(node.domain(), node.op_type(), node.overload()));
  return it == functions_.end() ? nullptr : it->second;
}

Status GraphImporter::runFunction(const FunctionProto& function, const NodeProto& node,
                                  std::vector<ImportValue> inputs, Scope& outer) {
  if (outer.depth >= kMaxDepth)
    return fail(Error{ErrorCode::Input,
                      {},
                      nodeLabel(node),
                      "functions call each other too deeply",
                      "the model is invalid"});
  AttributeMap attributes;
  for (const auto& attribute : function.attribute_proto()) attributes[attribute.name()] = &attribute;
  for (const auto& attribute : node.attribute()) {
    const onnxpb::AttributeProto* given = &attribute;
    if (!attribute.ref_attr_name().empty()) {
      if (!outer.attributes || !outer.attributes->contains(attribute.ref_attr_name())) continue;
      given = outer.attributes->at(attribute.ref_attr_name());
    }
    attributes[attribute.name()] = given;
  }
  std::string callName = !node.name().empty() ? node.name()
                         : node.output_size() ? node.output(0)
                                              : function.name();
  Scope scope;
  scope.prefix = outer.prefix + callName + "/";
  scope.opsets = &functionOpsets_.at(functionKey(function.domain(), function.name(), function.overload()));
  if (scope.opsets->empty()) scope.opsets = outer.opsets;
  scope.attributes = &attributes;
  scope.depth = outer.depth + 1;
  NameSet known;
  for (int i = 0; i < function.input_size(); ++i) {
    known.insert(function.input(i));
    ImportValue value = i < static_cast<int>(inputs.size()) ? std::move(inputs[i]) : ImportValue();
    scope.values.emplace(function.input(i), std::move(value));
  }
  std::vector<std::string> outputs(function.output().begin(), function.output().end());
  BURIN_ASSIGN(const GraphPlan* plan, planOf(&function, function.node(), outputs, known));
  BURIN_CHECK(runNodes(function.node(), *plan, scope));
  for (int i = 0; i < std::min(node.output_size(), function.output_size()); ++i) {
    if (node.output(i).empty()) continue;
    BURIN_ASSIGN(const ImportValue* value, lookup(function.output(i), scope));
    if (!value)
      return fail(Error{ErrorCode::Input,
                        {},
                        nodeLabel(node),
                        fmt::format("the function does not produce '{}'", function.output(i)),
                        {}});
    // The caller's name is the one in the model's graph.
    if (value->isTensor() && !nn::isConstant(value->tensor) && !nn::valueName(value->tensor).empty() &&
        nn::valueName(value->tensor).starts_with(scope.prefix)) {
      mlir::Operation* op = value->tensor.getDefiningOp();
      std::vector<std::string> names;
      for (mlir::Value v : op->getResults())
        names.push_back(v == value->tensor ? outer.prefix + node.output(i) : nn::valueName(v));
      nn::setNames(op, names);
    }
    outer.values.emplace(node.output(i), *value);
  }
  return {};
}

Result<std::vector<ImportValue>> GraphImporter::runBody(const GraphProto& body, const Scope& parent,
                                                        const std::string& prefix,
                                                        const std::vector<ImportValue>& inputs) {
  if (parent.depth >= kMaxDepth)
    return fail(ErrorCode::Input, "graphs are nested too deeply", "the model is invalid");
  Scope scope;
  scope.parent = &parent;
  scope.prefix = prefix;
  scope.opsets = parent.opsets;
  scope.attributes = parent.attributes;
  scope.depth = parent.depth + 1;
  NameSet known;
  for (const auto& tensor : body.initializer())
    scope.initializers[tensor.name()] = &tensor, known.insert(tensor.name());
  for (int i = 0; i < body.input_size(); ++i) {
    known.insert(body.input(i).name());
    if (i < static_cast<int>(inputs.size())) scope.values.emplace(body.input(i).name(), inputs[i]);
  }
  std::vector<std::string> outputs;
  for (const auto& output : body.output()) outputs.push_back(output.name());
  BURIN_ASSIGN(const GraphPlan* plan, planOf(&body, body.node(), outputs, known));
  BURIN_CHECK(runNodes(body.node(), *plan, scope));
  std::vector<ImportValue> results;
  for (const std::string& output : outputs) {
    BURIN_ASSIGN(const ImportValue* value, lookup(output, scope));
    if (!value)
      return fail(ErrorCode::Input, fmt::format("nothing produces output '{}' of its body", output),
                  "the graph is invalid");
    results.push_back(*value);
  }
  return results;
}

} // namespace burin::onnx
