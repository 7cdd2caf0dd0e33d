// A program as a graph: variables that are written more than once become one tensor per value.
#pragma once

#include "lib/import/flat_graph.h"
#include "lib/import/paddle/program.h"

namespace burin::paddle {

struct FlatProgram {
  FlatGraph graph; // nodes, inputs and outputs; the caller adds rules and constants
  std::vector<const paddlepb::OpDesc*> descs; // of each node
};

Result<FlatProgram> flatten(const Program& program);

} // namespace burin::paddle
