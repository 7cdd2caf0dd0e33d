// A symbol as a graph of named tensors.
#pragma once

#include "lib/import/flat_graph.h"
#include "lib/import/mxnet/params.h"
#include "lib/import/mxnet/symbol.h"

#include <set>

namespace burin::mxnet {

struct FlatSymbol {
  FlatGraph graph;                        // the caller adds rules and constants
  std::vector<const SymbolNode*> symbols; // of each node
};

Result<FlatSymbol> flatten(const Symbol& symbol, const Parameters& parameters);

} // namespace burin::mxnet
