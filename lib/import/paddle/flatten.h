// A program as a graph: variables that are written more than once become one tensor per value.
#pragma once

#include "lib/import/flat_graph.h"
#include "lib/import/paddle/program.h"

#include <deque>

namespace burin::paddle {

struct FlatProgram {
  FlatGraph graph; // nodes, inputs and outputs; the caller adds rules and constants
  std::vector<const paddlepb::OpDesc*> descs; // of each node
  std::deque<paddlepb::OpDesc> written;       // operators that stand in no file: they end branches
};

// Conditional blocks are laid out among the others: what they overwrite is selected by their condition.
Result<FlatProgram> flatten(const Program& program, int64_t maxNodes);

} // namespace burin::paddle
