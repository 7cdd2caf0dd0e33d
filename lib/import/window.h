// Sliding windows of convolution and pooling, and channels-last tensors at the border of nn's channels-first
// ops.
#pragma once

#include "lib/import/rule_context.h"

namespace burin {

struct Window {
  Ints kernel, strides, dilations;
  Ints pads;  // begin of every spatial axis, then end
  Ints sizes; // of the output's spatial axes

  // Strides and dilations of 1, no pads.
  static Window of(const Ints& kernel);
};

// How the number of windows is rounded.
enum class Rounding {
  Floor,
  Ceil,       // a last window may lie in the end padding
  CeilInside, // a last window that would start in the end padding is dropped
};

// Sets pads and size of one axis so that the output has ceil(in / stride) entries; an odd pad goes to the
// end, or to the front for `upper` false.
void padSame(Window& window, size_t axis, int64_t in, bool upper = true);
// The size of one axis from the pads that are there.
void sizeFromPads(Window& window, size_t axis, int64_t in, Rounding rounding = Rounding::Floor);

// Windows whose numbers keep all arithmetic far from overflow: kernel, strides, dilations positive. An error
// of the node otherwise.
bool checkWindow(RuleContext& context, const Window& window);
// An error of the node when some output size is not positive; `in` has the input's spatial sizes.
bool checkWindowFits(RuleContext& context, const Window& window, const Ints& in);

// The attributes of nn's pooling ops.
nn::AttrList poolAttrs(RuleContext& context, const Window& window);

// [N, spatial..., C] <-> [N, C, spatial...]
Value channelsFirst(RuleContext& context, Value x);
Value channelsLast(RuleContext& context, Value x);

} // namespace burin
