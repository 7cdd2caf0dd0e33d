// Sliding windows of convolution and pooling.
#pragma once

#include "lib/import/rule_context.h"

namespace burin {

struct Window {
  Ints kernel, strides, dilations;
  Ints pads;  // begin of every spatial axis, then end
  Ints sizes; // of the output's spatial axes
};

// Pads of one axis such that the output has ceil(in / stride) entries; an odd pad goes to the end when
// `upper`.
void padSame(Window& window, size_t axis, int64_t in, bool upper);
// The output's size from the pads that are there; below 1 when the window does not fit.
void sizeByPads(Window& window, size_t axis, int64_t in, bool ceilMode);

// The attributes of nn.max_pool and nn.avg_pool.
nn::AttrList poolAttrs(const RuleContext& context, const Window& window);

} // namespace burin
