// A model as most frameworks store it: a flat list of nodes over named tensors. A format fills one of these,
// the rest (cuts, order, shapes, the report of everything unsupported) is the same for all.
#pragma once

#include "lib/import/interface.h"

#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace burin {

struct FlatNode {
  std::string name, type;                   // an unnamed node goes by its first output
  std::vector<std::string> inputs, outputs; // tensor names, each output's its own; "": left out
};

struct FlatGraph {
  std::vector<FlatNode> nodes;
  std::vector<DeclaredInput> inputs;
  std::vector<std::string> outputs;
  // Stored tensors by name. Asked once for each that a needed node reads.
  std::unordered_set<std::string> constants;
  std::function<Result<Value>(const std::string& name)> constant;
  // Is there a rule for this operator; and, without one, what to do instead (may be empty)?
  std::function<bool(const FlatNode& node)> hasRule;
  std::function<std::string(const std::string& type)> remedy;
  // What the rule of node `index` sees; left out: a RuleContext.
  std::function<std::unique_ptr<RuleContext>(size_t index, NodeFacts facts)> context;
  // Runs the rule of node `index`.
  std::function<void(size_t index, RuleContext& context)> rule;
};

Result<mlir::OwningOpRef<mlir::ModuleOp>> importFlatGraph(const FlatGraph& graph, ImportSession& session);

// Runs what the graph's outputs need on tensors given by name, for bodies of functions. A result is null
// where the session's report says why.
Result<std::vector<Value>> runFlatGraph(const FlatGraph& graph, ImportSession& session,
                                        std::unordered_map<std::string, Value> values);

} // namespace burin
