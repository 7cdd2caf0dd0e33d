// Convolutions on tile kernels.
#pragma once

#include "runtime/ops/conv_geometry.h"

namespace burin::rt {

// Null without an error where only the reference kernel applies (weights that are no constants, no engine).
std::unique_ptr<Kernel> makeConvFast(const Node& node, const ConvGeometry& geometry, bool transposed,
                                     const KernelConfig& config);
std::unique_ptr<Kernel> makeQConvFast(const Node& node, const ConvGeometry& geometry, bool transposed,
                                      const KernelConfig& config, std::string& error);

} // namespace burin::rt
