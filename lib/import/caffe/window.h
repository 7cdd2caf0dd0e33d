// Kernel, stride, pad and dilation of convolutions and poolings, which Caffe writes in several ways.
#pragma once

#include "lib/import/caffe/layer_context.h"

namespace burin::caffe {

struct Window {
  Ints kernel, strides, dilations, pads; // one entry per spatial axis; pads on both sides
};

// For `count` spatial axes. Nothing when the layer is invalid; the error is in its context. `global` leaves
// the kernel out.
std::optional<Window> readWindow(LayerContext& c, size_t count, bool global = false);

Ints bothSides(const Ints& pads); // begin of every axis, then end

} // namespace burin::caffe
