// F16 and BF16 tensors for kernels that compute in f32: operands are widened before the kernel runs, its
// results rounded to nearest even afterwards. Constants are widened once.
#pragma once

#include "runtime/core/op.h"

namespace burin::rt {

// True when an operand or result is F16 or BF16 and the op computes with elements: ops that only move or
// convert them take any element type.
bool needsHalfAdaptor(const Node& node);

// Bytes of f32 copies a run of `node` needs. Nodes run one after the other, so all adaptors of a session can
// share one workspace of the largest size.
size_t halfWorkspaceBytes(const Node& node);

// Makes `make`'s kernel for an f32 image of the node and wraps it. `workspace` has halfWorkspaceBytes(node)
// bytes, is aligned to 64 and outlives the kernel.
std::unique_ptr<Kernel> makeHalfKernel(const Node& node, const KernelConfig& config, KernelFactory make,
                                       uint8_t* workspace, std::string& error);

} // namespace burin::rt
