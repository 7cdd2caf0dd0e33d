// Matrix products on the tile kernels of convolution: rows of the left matrix are pixels, columns of the
// right one are output channels.
#pragma once

#include "runtime/ops/matmul_reference.h"

namespace burin::rt {

// Null without an error where only the reference kernel applies.
std::unique_ptr<Kernel> makeMatMulFast(const Node& node, const MatMulLayout& layout,
                                       const KernelConfig& config);
std::unique_ptr<Kernel> makeQMatMulFast(const Node& node, const MatMulLayout& layout,
                                        const KernelConfig& config, std::string& error);

} // namespace burin::rt
