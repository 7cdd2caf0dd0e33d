// Networks that change their own variables: streaming models with a state inside.
#include "lib/import/tensorflow/graph.h"

#include <unordered_set>

namespace burin::tensorflow {

namespace {
bool changesVariable(const std::string& type) {
  return type.starts_with("Assign") || type.starts_with("ResourceApply") ||
         type.starts_with("ResourceScatter") || type.starts_with("Apply") ||
         (type.starts_with("Scatter") && type != "ScatterNd");
}
} // namespace

std::vector<const GraphNode*> updatesBefore(const std::vector<GraphNode>& nodes,
                                            const std::vector<std::string>& inputs,
                                            const std::vector<std::string>& outputs) {
  // A call's results are several nodes of one name.
  std::unordered_multimap<std::string, const GraphNode*> byName;
  for (const GraphNode& node : nodes) byName.emplace(node.name, &node);
  std::vector<std::string> pending;
  std::unordered_set<std::string> seen;
  auto need = [&](const std::string& name) {
    if (seen.insert(name).second) pending.push_back(name);
  };
  for (const std::string& input : inputs) seen.insert(splitTensor(input).first);
  for (const std::string& output : outputs) need(splitTensor(output).first);
  std::vector<const GraphNode*> updates;
  while (!pending.empty()) {
    auto [first, last] = byName.equal_range(pending.back());
    pending.pop_back();
    for (auto it = first; it != last; ++it) {
      if (changesVariable(it->second->type)) updates.push_back(it->second);
      for (const std::string& input : it->second->inputs) need(splitTensor(input).first);
      for (const std::string& before : it->second->control) need(before);
    }
  }
  return updates;
}

} // namespace burin::tensorflow
