#include "lib/import/onnx/graph_plan.h"

#include <fmt/format.h>
#include <queue>
#include <unordered_map>

namespace burin::onnx {

using onnxpb::GraphProto;
using onnxpb::NodeProto;

namespace {
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

std::string describe(const NodeProto& node) {
  std::string name = !node.name().empty() ? node.name()
                     : node.output_size() ? node.output(0)
                                          : std::string("unnamed");
  return fmt::format("{} ({})", name, node.op_type());
}

class Planner {
public:
  Planner(const NodeList& nodes, const NameSet& known) : nodes_(nodes), known_(known) {}

  Result<GraphPlan> run(const std::vector<std::string>& outputs) {
    for (int i = 0; i < nodes_.size(); ++i)
      for (const std::string& output : nodes_[i].output())
        if (!output.empty() && !producer_.emplace(output, i).second)
          return fail(Error{ErrorCode::Input,
                            {},
                            describe(nodes_[i]),
                            fmt::format("tensor '{}' is produced twice", output),
                            "the graph is invalid; export it again"});
    readers_.resize(static_cast<size_t>(nodes_.size()));
    waiting_.assign(static_cast<size_t>(nodes_.size()), -1);
    for (const std::string& output : outputs) need(output);
    while (!pending_.empty()) {
      int node = pending_.back();
      pending_.pop_back();
      visit(node);
    }
    return ordered();
  }

private:
  // Index of the node that has to run before `name` can be read, or -1.
  int producerOf(std::string_view name) const {
    if (name.empty() || known_.contains(name)) return -1;
    auto it = producer_.find(name);
    return it == producer_.end() ? -1 : it->second;
  }
  int need(std::string_view name) {
    if (!name.empty()) plan_.used.insert(name);
    int node = producerOf(name);
    if (node >= 0 && waiting_[node] < 0) {
      waiting_[node] = 0;
      pending_.push_back(node);
    }
    return node;
  }
  void visit(int node) {
    NameSet names = capturedNames(nodes_[node]);
    for (const std::string& input : nodes_[node].input()) names.insert(input);
    for (std::string_view name : names)
      if (int before = need(name); before >= 0) {
        readers_[before].push_back(node);
        ++waiting_[node];
      }
  }
  Result<GraphPlan> ordered() {
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    size_t needed = 0;
    for (int i = 0; i < nodes_.size(); ++i) {
      needed += waiting_[i] >= 0;
      if (waiting_[i] == 0) ready.push(i);
    }
    while (!ready.empty()) {
      int node = ready.top();
      ready.pop();
      plan_.order.push_back(node);
      for (int reader : readers_[node])
        if (--waiting_[reader] == 0) ready.push(reader);
    }
    if (plan_.order.size() == needed) return std::move(plan_);
    for (int i = 0; i < nodes_.size(); ++i)
      if (waiting_[i] > 0)
        return fail(Error{ErrorCode::Input,
                          {},
                          describe(nodes_[i]),
                          "the graph has a cycle through this node",
                          "the graph is invalid; export it again"});
    return fail(ErrorCode::Internal, "the graph could not be ordered");
  }

  const NodeList& nodes_;
  const NameSet& known_;
  std::unordered_map<std::string_view, int> producer_;
  std::vector<std::vector<int>> readers_;
  std::vector<int> waiting_; // producers still to run; -1: not needed
  std::vector<int> pending_;
  GraphPlan plan_;
};
} // namespace

NameSet capturedNames(const NodeProto& node) {
  NameSet names;
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) addFreeNames(attribute.g(), names);
    for (const GraphProto& graph : attribute.graphs()) addFreeNames(graph, names);
  }
  return names;
}

Result<GraphPlan> planGraph(const NodeList& nodes, const std::vector<std::string>& outputs,
                            const NameSet& known) {
  return Planner(nodes, known).run(outputs);
}

} // namespace burin::onnx
