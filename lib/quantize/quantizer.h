// Applies a quant plan: a prepared float graph becomes the graph that the target executes.
#pragma once

#include "lib/quantize/as_is.h"

namespace burin::quantize {

struct QuantizedGraph {
  mlir::OwningOpRef<mlir::ModuleOp> module; // nn + qnn, in the context of the float graph
  std::vector<std::string> notes;           // what fell back to float and why, one sentence each
};

// Fails when the plan names no range for a tensor it wants in integers.
// `stored` are the integers of a model that is quantized already.
Result<QuantizedGraph> applyPlan(nn::GraphOp graph, const QuantPlan& plan, const Target& target,
                                 const StoredConstants& stored = StoredConstants());

} // namespace burin::quantize
