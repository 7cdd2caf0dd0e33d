// Calls of functions, replaced by the function's nodes.
#include "lib/import/tensorflow/graph.h"
#include "lib/import/tensorflow/operators.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace burin::tensorflow {

namespace {
constexpr int kMaxDepth = 100; // of calls in calls

Error damaged(const std::string& node, const std::string& message) {
  return Error{ErrorCode::Input, {}, node, message, "the model is damaged; export it again"};
}

// A function's body while it is inlined; the main graph has no function.
struct Scope {
  std::string prefix; // "call/"
  const tfpb::FunctionDef* function = nullptr;
  std::unordered_map<std::string, std::string> arguments; // to tensors outside
  const AttributeMap* call = nullptr;
  std::unordered_map<std::string, const tfpb::NodeDef*> nodes;
  int depth = 0;
};

class Inliner {
public:
  Inliner(const tfpb::GraphDef& graph, int64_t maxNodes) : graph_(graph), maxNodes_(maxNodes) {
    for (const auto& function : graph.library().function())
      functions_.emplace(function.signature().name(), &function);
  }

  Result<std::vector<GraphNode>> run() {
    Scope main;
    for (const tfpb::NodeDef& node : graph_.node()) BURIN_CHECK(add(node, main));
    BURIN_CHECK(decideConditionals());
    return std::move(nodes_);
  }

  Result<std::vector<GraphNode>> runCall(const GraphNode& call, const std::string& name, int& results) {
    const tfpb::FunctionDef* function = functionNamed(name);
    if (!function) return fail(damaged(call.name, fmt::format("its function '{}' is not in the file", name)));
    results = function->signature().output_arg_size();
    BURIN_CHECK(inlineCall(call, *function, 0));
    BURIN_CHECK(decideConditionals());
    return std::move(nodes_);
  }

private:
  Status add(const tfpb::NodeDef& def, const Scope& scope) {
    GraphNode node{scope.prefix + def.name(), def.op(), {}, {}, {}, &def, scope.call};
    work_ += 1 + static_cast<int64_t>(def.input_size());
    if (work_ > 8 * maxNodes_ || static_cast<int64_t>(nodes_.size()) >= maxNodes_)
      return fail(Error{ErrorCode::Unsupported,
                        {},
                        node.name,
                        fmt::format("the graph has more than {} nodes with its functions inlined", maxNodes_),
                        "cut it with --outputs"});
    for (const std::string& input : def.input()) {
      if (input.starts_with("^")) {
        if (!scope.arguments.contains(input.substr(1)))
          node.control.push_back(scope.prefix + input.substr(1));
        continue;
      }
      BURIN_ASSIGN(std::string tensor, resolve(input, scope));
      node.inputs.push_back(std::move(tensor));
    }
    if (const tfpb::FunctionDef* function = calledBy(node)) return inlineCall(node, *function, scope.depth);
    if ((node.type == "If" || node.type == "StatelessIf") && !node.inputs.empty())
      conditionals_.push_back({nodes_.size(), scope.depth});
    nodes_.push_back(std::move(node));
    return {};
  }

  // The tensor that an input names: "node:1" in the main graph, "node:output:1" or an argument in a function.
  Result<std::string> resolve(const std::string& input, const Scope& scope) {
    if (!scope.function) return withoutZero(input);
    if (auto argument = scope.arguments.find(input); argument != scope.arguments.end())
      return argument->second;
    size_t first = input.find(':'), second = first == std::string::npos ? first : input.find(':', first + 1);
    std::string name = input.substr(0, first);
    if (auto argument = scope.arguments.find(name); argument != scope.arguments.end())
      return argument->second;
    auto node = scope.nodes.find(name);
    if (node == scope.nodes.end())
      return fail(damaged(scope.prefix + name, fmt::format("no node of function '{}' makes '{}'",
                                                           scope.function->signature().name(), input)));
    int64_t index = 0;
    if (second != std::string::npos) {
      const char* end = input.data() + input.size();
      if (std::from_chars(input.data() + second + 1, end, index).ptr != end || index < 0 || index > 65535)
        return fail(damaged(scope.prefix + name, fmt::format("'{}' names no output", input)));
    }
    if (first != std::string::npos)
      index += outputOffset(
          *node->second,
          input.substr(first + 1, second == std::string::npos ? std::string::npos : second - first - 1));
    return tensorName(scope.prefix + name, index);
  }

  // Where the outputs of that name begin among all outputs of a node.
  int64_t outputOffset(const tfpb::NodeDef& node, const std::string& output) {
    if (auto function = functions_.find(node.op()); function != functions_.end()) {
      const auto& results = function->second->signature().output_arg();
      for (int i = 0; i < results.size(); ++i)
        if (results[i].name() == output) return i;
    }
    std::vector<std::string> names = outputNames(node.op());
    auto found = std::find(names.begin(), names.end(), output);
    return found == names.end() ? 0 : found - names.begin();
  }

  const tfpb::FunctionDef* functionNamed(const std::string& name) const {
    auto it = functions_.find(name);
    return it == functions_.end() ? nullptr : it->second;
  }
  const tfpb::FunctionDef* calledBy(const GraphNode& node) const {
    if (node.type != "PartitionedCall" && node.type != "StatefulPartitionedCall")
      return functionNamed(node.type);
    const tfpb::AttrValue* f = findAttribute(node, "f");
    return f ? functionNamed(f->func().name()) : nullptr;
  }

  // The body's nodes, and an identity for each result under the call's name.
  Status inlineCall(const GraphNode& call, const tfpb::FunctionDef& function, int depth) {
    const auto& signature = function.signature();
    if (depth >= kMaxDepth)
      return fail(Error{ErrorCode::Unsupported,
                        {},
                        call.name,
                        "functions call each other too deeply",
                        "recursive functions are not supported"});
    if (static_cast<size_t>(signature.input_arg_size()) != call.inputs.size())
      return fail(
          damaged(call.name, fmt::format("its function '{}' has {} arguments, it gives {}", signature.name(),
                                         signature.input_arg_size(), call.inputs.size())));
    Scope scope{call.name + "/", &function, {}, &call.def->attr(), {}, depth + 1};
    for (int i = 0; i < signature.input_arg_size(); ++i)
      scope.arguments[signature.input_arg(i).name()] = call.inputs[static_cast<size_t>(i)];
    for (const tfpb::NodeDef& node : function.node_def()) scope.nodes.emplace(node.name(), &node);
    for (const tfpb::NodeDef& node : function.node_def()) BURIN_CHECK(add(node, scope));
    for (int i = 0; i < signature.output_arg_size(); ++i) {
      auto result = function.ret().find(signature.output_arg(i).name());
      if (result == function.ret().end())
        return fail(damaged(call.name, fmt::format("its function '{}' does not return '{}'", signature.name(),
                                                   signature.output_arg(i).name())));
      BURIN_ASSIGN(std::string tensor, resolve(result->second, scope));
      nodes_.push_back(
          {call.name, "Identity", {tensor}, call.control, {tensorName(call.name, i)}, call.def, call.call});
    }
    return {};
  }

  // If nodes, one layer after the other: a branch may hold further ones.
  Status decideConditionals() {
    while (!conditionals_.empty()) {
      std::vector<std::pair<size_t, int>> layer = std::exchange(conditionals_, {});
      ConstantConditions conditions(nodes_);
      std::vector<std::optional<bool>> values;
      for (auto [index, depth] : layer) values.push_back(conditions.valueOf(nodes_[index].inputs.front()));
      for (size_t i = 0; i < layer.size(); ++i)
        if (values[i]) BURIN_CHECK(takeBranch(layer[i].first, layer[i].second, *values[i]));
    }
    return {};
  }

  Status takeBranch(size_t index, int depth, bool condition) {
    GraphNode node = nodes_[index];
    const tfpb::AttrValue* branch = findAttribute(node, condition ? "then_branch" : "else_branch");
    const tfpb::FunctionDef* function = branch ? functionNamed(branch->func().name()) : nullptr;
    if (!function) return fail(damaged(node.name, "its branch is no function of the model"));
    nodes_[index].type = "NoOp";
    nodes_[index].outputs = {""};
    node.inputs.erase(node.inputs.begin());
    return inlineCall(node, *function, depth);
  }

  const tfpb::GraphDef& graph_;
  const int64_t maxNodes_;
  std::unordered_map<std::string, const tfpb::FunctionDef*> functions_;
  std::vector<GraphNode> nodes_;
  std::vector<std::pair<size_t, int>> conditionals_; // index and depth
  int64_t work_ = 0;                                 // nodes and their inputs, those of calls included
};
} // namespace

std::string tensorName(const std::string& node, int64_t output) {
  return output == 0 ? node : fmt::format("{}:{}", node, output);
}

std::string withoutZero(const std::string& tensor) {
  return tensor.ends_with(":0") ? tensor.substr(0, tensor.size() - 2) : tensor;
}

std::pair<std::string, int> splitTensor(const std::string& tensor) {
  size_t colon = tensor.rfind(':');
  int index = 0;
  const char* end = tensor.data() + tensor.size();
  if (colon == std::string::npos || colon + 1 == tensor.size() ||
      std::from_chars(tensor.data() + colon + 1, end, index).ptr != end || index < 0)
    return {tensor, 0};
  return {tensor.substr(0, colon), index};
}

const tfpb::AttrValue* findAttribute(const GraphNode& node, const std::string& name) {
  auto it = node.def->attr().find(name);
  if (it == node.def->attr().end()) return nullptr;
  if (it->second.value_case() != tfpb::AttrValue::kPlaceholder) return &it->second;
  if (!node.call) return nullptr;
  auto outer = node.call->find(it->second.placeholder());
  return outer == node.call->end() ? nullptr : &outer->second;
}

Result<std::vector<GraphNode>> flattenCall(const tfpb::GraphDef& graph, const GraphNode& call,
                                           const std::string& function, int64_t maxNodes, int& results) {
  BURIN_ASSIGN(std::vector<GraphNode> nodes, Inliner(graph, maxNodes).runCall(call, function, results));
  decideSwitches(nodes);
  return nodes;
}

Result<std::vector<GraphNode>> flatten(const tfpb::GraphDef& graph, int64_t maxNodes) {
  BURIN_ASSIGN(std::vector<GraphNode> nodes, Inliner(graph, maxNodes).run());
  decideSwitches(nodes);
  return nodes;
}

} // namespace burin::tensorflow
