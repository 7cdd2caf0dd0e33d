// Scales and zero points of stored tensors, and of the weights that an executor of QDQ graphs needs to arrive
// at our multipliers.
#pragma once

#include "lib/nn/nn.h"

#include <optional>

namespace burin::onnx_export {

bool isQuantized(mlir::Value v);
bool hasChannelScales(mlir::Value v);
// One scale, or one per channel (axis 1).
std::vector<float> scalesOf(mlir::Value v);
int64_t zeroPointOf(mlir::Value v);
// The scale that stands for all channels where weights take up the rest.
float baseScale(mlir::Value v);

// Scales of a convolution's or product's weights, one or one per output channel, seen from the one scale of
// the input and of the result: scales per channel of those move into the weights'. Executors multiply by x *
// w / y in float32 and in this order. Nothing when the scale of an input with scales per channel cannot be
// told.
std::optional<std::vector<float>> weightScales(mlir::Operation& op);

} // namespace burin::onnx_export
