#include "lib/import/graph_plan.h"

#include <fmt/format.h>
#include <queue>
#include <unordered_map>

namespace burin {

namespace {
class Planner {
public:
  Planner(const std::vector<PlanNode>& nodes, const NameSet& known) : nodes_(nodes), known_(known) {}

  Result<GraphPlan> run(const std::vector<std::string>& outputs) {
    for (int i = 0; i < count(); ++i)
      for (std::string_view output : nodes_[i].outputs)
        if (!output.empty() && !producer_.emplace(output, i).second)
          return fail(Error{ErrorCode::Input,
                            {},
                            nodes_[i].label,
                            fmt::format("tensor '{}' is produced twice", output),
                            "the graph is invalid; export it again"});
    readers_.resize(nodes_.size());
    waiting_.assign(nodes_.size(), -1);
    for (const std::string& output : outputs) need(output);
    while (!pending_.empty()) {
      int node = pending_.back();
      pending_.pop_back();
      visit(node);
    }
    return ordered();
  }

private:
  int count() const { return static_cast<int>(nodes_.size()); }
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
    for (std::string_view name : NameSet(nodes_[node].reads.begin(), nodes_[node].reads.end()))
      if (int before = need(name); before >= 0) {
        readers_[before].push_back(node);
        ++waiting_[node];
      }
  }
  Result<GraphPlan> ordered() {
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    size_t needed = 0;
    for (int i = 0; i < count(); ++i) {
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
    for (int i = 0; i < count(); ++i)
      if (waiting_[i] > 0)
        return fail(Error{ErrorCode::Input,
                          {},
                          nodes_[i].label,
                          "the graph has a cycle through this node",
                          "the graph is invalid; export it again"});
    return fail(ErrorCode::Internal, "the graph could not be ordered");
  }

  const std::vector<PlanNode>& nodes_;
  const NameSet& known_;
  std::unordered_map<std::string_view, int> producer_;
  std::vector<std::vector<int>> readers_;
  std::vector<int> waiting_; // producers still to run; -1: not needed
  std::vector<int> pending_;
  GraphPlan plan_;
};
} // namespace

Result<GraphPlan> planGraph(const std::vector<PlanNode>& nodes, const std::vector<std::string>& outputs,
                            const NameSet& known) {
  return Planner(nodes, known).run(outputs);
}

} // namespace burin
