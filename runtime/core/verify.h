// Turns a FlatBuffer stage into a Graph, checking everything a kernel relies on.
#pragma once

#include "runtime/core/program.h"

namespace burin::fb {
struct Stage;
}

namespace burin::rt {

// False with `error` when any index, shape, offset, type or op is invalid. Afterwards: tensors lie inside the
// arena or the weights; ops read only tensors that exist before them; operand types satisfy the op's shape
// rule.
bool loadGraph(const fb::Stage& stage, const uint8_t* weights, uint64_t weightsBytes, Graph& graph,
               std::string& error);

} // namespace burin::rt
