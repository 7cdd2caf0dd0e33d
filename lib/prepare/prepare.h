// Rewrites the imported graph into the graph that will be executed: the same results in float (up to
// rounding), fewer and bigger ops. Calibration observes exactly the tensors that are left.
#pragma once

#include "lib/nn/builder.h"

namespace burin {

struct PrepareOptions {
  bool foldScales = true;         // batch norm and per-channel constants into weights
  bool fuseActivations = true;    // clamps into the op that feeds them
  bool recogniseFunctions = true; // decomposed activations and normalisations
  bool moveTransposes = true;     // reshapes and transposes merged, cancelled, sunk
};

// Deterministic and idempotent: a prepared module is left as it is. Ends with nn names for every value.
Status prepare(mlir::ModuleOp module, const PrepareOptions& options = {});

// Gives every tensor of the graph a unique name: the source's where there is one, a graph output's name to
// the value behind it, and "<nearest source name>/<op>" to tensors that the rewrites made.
void nameValues(nn::GraphOp graph);

} // namespace burin
