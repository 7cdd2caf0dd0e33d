// Kernel, stride, pad and dilation of convolutions and poolings, which Caffe writes in several ways.
#pragma once

#include "lib/import/caffe/layer_context.h"
#include "lib/import/window.h"

namespace burin::caffe {

// For `count` spatial axes, all but the output sizes. Nothing when the layer is invalid; the error is in its
// context. `global` leaves the kernel out.
std::optional<Window> readWindow(LayerContext& c, size_t count, bool global = false);

} // namespace burin::caffe
