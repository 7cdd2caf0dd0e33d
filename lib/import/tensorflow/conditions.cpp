// Conditions that are constant, and the branches they leave.
#include "lib/import/tensorflow/graph.h"

#include <deque>
#include <unordered_set>

namespace burin::tensorflow {

namespace {
constexpr int kMaxDepth = 64; // of logic around a constant

std::optional<bool> constantOf(const GraphNode& node) {
  const tfpb::AttrValue* value = findAttribute(node, "value");
  if (!value || value->value_case() != tfpb::AttrValue::kTensor) return std::nullopt;
  const tfpb::TensorProto& tensor = value->tensor();
  if (tensor.dtype() != 10) return std::nullopt;
  if (tensor.tensor_content().size() == 1) return tensor.tensor_content()[0] != 0;
  return tensor.bool_val_size() == 1 ? std::optional(tensor.bool_val(0)) : std::nullopt;
}
} // namespace

ConstantConditions::ConstantConditions(const std::vector<GraphNode>& nodes) : nodes_(nodes) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].outputs.empty()) producer_.emplace(nodes[i].name, i);
    for (const std::string& output : nodes[i].outputs) producer_.emplace(output, i);
  }
}

std::optional<bool> ConstantConditions::valueOf(const std::string& tensor, int depth) {
  if (depth > kMaxDepth) return std::nullopt;
  auto [known, isNew] = known_.try_emplace(tensor); // nothing until it is computed: a cycle has no value
  if (isNew)
    if (auto it = producer_.find(tensor); it != producer_.end()) {
      std::optional<bool> value = compute(nodes_[it->second], depth);
      known_[tensor] = value;
      return value;
    }
  return known->second;
}

std::optional<bool> ConstantConditions::compute(const GraphNode& node, int depth) {
  if (node.type == "Const") return constantOf(node);
  auto input = [&](size_t i) {
    return i < node.inputs.size() ? valueOf(node.inputs[i], depth + 1) : std::optional<bool>();
  };
  std::optional<bool> a = input(0);
  if (node.type == "Identity" || node.type == "PlaceholderWithDefault") return a;
  if (node.type == "LogicalNot") return a ? std::optional(!*a) : std::nullopt;
  if (node.type != "LogicalAnd" && node.type != "LogicalOr") return std::nullopt;
  std::optional<bool> b = input(1);
  const bool deciding = node.type == "LogicalOr"; // one side alone decides with this value
  if ((a && *a == deciding) || (b && *b == deciding)) return deciding;
  return a && b ? std::optional(!deciding) : std::nullopt;
}

namespace {
// Which tensors and nodes only a branch not taken would make. Follows TensorFlow's rule: a node is dead when
// any of its inputs is, a Merge when all are.
class DeadBranches {
public:
  explicit DeadBranches(std::vector<GraphNode>& nodes) : nodes_(nodes) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      for (const std::string& input : nodes[i].inputs) {
        readers_[input].push_back(i);
        readOutputs_[splitTensor(input).first].insert(input);
      }
      for (const std::string& before : nodes[i].control) followers_[before].push_back(i);
    }
  }

  void run() {
    ConstantConditions conditions(nodes_);
    std::vector<std::pair<size_t, bool>> decided;
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i].type == "Switch" && nodes_[i].inputs.size() == 2)
        if (auto condition = conditions.valueOf(nodes_[i].inputs[1])) decided.emplace_back(i, *condition);
    if (decided.empty()) return;
    for (auto [i, condition] : decided) {
      kill(tensorName(nodes_[i].name, condition ? 0 : 1));
      nodes_[i].type = "Identity";
      nodes_[i].inputs.resize(1);
      nodes_[i].outputs = {tensorName(nodes_[i].name, condition ? 1 : 0)};
    }
    while (!pending_.empty()) {
      size_t node = pending_.front();
      pending_.pop_front();
      visit(node);
    }
    finish();
  }

private:
  void kill(const std::string& tensor) {
    if (!deadTensors_.insert(tensor).second) return;
    if (auto it = readers_.find(tensor); it != readers_.end())
      pending_.insert(pending_.end(), it->second.begin(), it->second.end());
  }
  void visit(size_t index) {
    const GraphNode& node = nodes_[index];
    if (node.type == "Merge")
      for (const std::string& input : node.inputs)
        if (!deadTensors_.contains(input)) return;
    if (!deadNodes_.insert(index).second) return;
    for (const std::string& output : node.outputs) kill(output);
    // The outputs of ordinary nodes are not listed: those that are read are known by their readers.
    if (node.outputs.empty())
      for (const std::string& output : readOutputs_[node.name]) kill(output);
    if (auto it = followers_.find(node.name); it != followers_.end())
      pending_.insert(pending_.end(), it->second.begin(), it->second.end());
  }
  void finish() {
    std::vector<GraphNode> alive;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (deadNodes_.contains(i)) continue;
      GraphNode& node = nodes_[i];
      if (node.type == "Merge") {
        std::erase_if(node.inputs, [&](const std::string& input) { return deadTensors_.contains(input); });
        if (node.inputs.size() == 1) node.type = "Identity", node.outputs = {node.name};
      }
      alive.push_back(std::move(node));
    }
    nodes_ = std::move(alive);
  }

  std::vector<GraphNode>& nodes_;
  std::unordered_map<std::string, std::vector<size_t>> readers_, followers_;
  std::unordered_map<std::string, std::unordered_set<std::string>> readOutputs_; // by node
  std::unordered_set<std::string> deadTensors_;
  std::unordered_set<size_t> deadNodes_;
  std::deque<size_t> pending_;
};
} // namespace

void decideSwitches(std::vector<GraphNode>& nodes) { DeadBranches(nodes).run(); }

} // namespace burin::tensorflow
