// Layers of 16-bit activations with 64-bit sums [ACC-WIDE], on the fast kernels of 32-bit sums: these hold a
// short sum of products, or that of the products of one byte of each activation, x = 256 * high + low.
#pragma once

#include "runtime/core/op.h"

namespace burin::rt {

// Null where that does not hold, or where `narrow` (the op's own factory) has no fast kernel. `terms`:
// products of a sum; `axis`: that of the result's channels.
std::unique_ptr<Kernel> makeWideLayer(const Node& node, int64_t terms, int axis, const KernelConfig& config,
                                      KernelFactory narrow);

} // namespace burin::rt
