// Which nodes of a graph are needed, and in which order they can run.
#pragma once

#include "lib/support/error.h"

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace burin {

using NameSet = std::unordered_set<std::string_view>;

struct PlanNode {
  std::string label;                            // for errors
  std::vector<std::string_view> reads, outputs; // empty names count for nothing
};

struct GraphPlan {
  std::vector<int> order; // indices of the needed nodes; the file's order wherever that is valid
  NameSet used;           // every name that a needed node or an output reads
};

// `known` are names that exist without any node (inputs, stored tensors, cuts); a name that nothing provides
// may come from an enclosing graph and is checked when it is read. Errors: a tensor produced twice, a cycle.
// The result's names live as long as `nodes`' and `outputs`'.
Result<GraphPlan> planGraph(const std::vector<PlanNode>& nodes, const std::vector<std::string>& outputs,
                            const NameSet& known);

} // namespace burin
