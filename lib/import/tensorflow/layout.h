// data_format, padding, strides: what convolutions and pools of TensorFlow share.
#pragma once

#include "lib/import/tensorflow/operators.h"
#include "lib/import/window.h"

namespace burin::tensorflow {

// data_format of a node ("NHWC" where it is left out).
bool isChannelsLast(Attributes& attributes);
// The node's tensor with channels in front, and back.
Value enter(RuleContext& context, Attributes& attributes, Value x);
Value leave(RuleContext& context, Attributes& attributes, Value y);

// The spatial entries of an attribute with one entry per axis in data_format order (absent: all 1). The other
// entries have to be 1.
std::optional<Ints> spatialEntries(RuleContext& context, Attributes& attributes, const char* name,
                                   int64_t rank);

// Window over a tensor [N, C, spatial...], from strides, dilations, padding and explicit_paddings.
std::optional<Window> readWindow(RuleContext& context, Attributes& attributes, const Ints& dims,
                                 const Ints& kernel);

} // namespace burin::tensorflow
