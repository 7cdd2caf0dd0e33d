// Sliding windows of convolution and pooling: what ONNX lets a model leave to be worked out.
#pragma once

#include "lib/import/onnx/node_context.h"
#include "lib/import/window.h"

namespace burin::onnx {

// Reads kernel_shape (or takes `kernel` when given), strides, dilations, pads, auto_pad and ceil_mode for an
// input [N, C, spatial...]. Null when the node is invalid; the error is in the context.
std::optional<Window> readWindow(NodeContext& context, Value x, const Ints& kernel = {});

// An attribute with one entry per spatial axis; `fallback` fills it when absent.
std::optional<Ints> perSpatialAxis(NodeContext& context, const char* name, size_t count, int64_t fallback);

} // namespace burin::onnx
