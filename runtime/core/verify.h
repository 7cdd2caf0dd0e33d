// Turns a FlatBuffer stage into a Graph, checking everything a kernel relies on.
#pragma once

#include "runtime/core/program.h"

namespace burin::fb {
struct Stage;
}

namespace burin::rt {

// The weights blob, and how many bytes may still be copied out of the file: FlatBuffers lets any number of
// tables share one vector, so that without a bound a small file could fill any memory.
struct LoadSource {
  const uint8_t* weights = nullptr;
  uint64_t weightsBytes = 0;
  uint64_t copyBytes = 0;

  bool mayCopy(uint64_t bytes) {
    if (bytes > copyBytes) return false;
    copyBytes -= bytes;
    return true;
  }
};
constexpr uint64_t kTableBytes = 32; // about what a small table takes in the file

// False with `error` when any index, shape, offset, type or op is invalid. Afterwards: tensors lie inside the
// arena or the weights; ops read only tensors that exist before them; operand types satisfy the op's shape
// rule.
bool loadGraph(const fb::Stage& stage, LoadSource& source, Graph& graph, std::string& error);

} // namespace burin::rt
