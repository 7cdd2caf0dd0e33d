// Pieces that rules of several files share.
#pragma once

#include "lib/import/mxnet/node.h"
#include "lib/import/windowed_ops.h"

namespace burin::mxnet {

// softmax over one axis, or of x flattened to [N, rest].
Value softmaxOver(Node& n, Value x, int64_t axis);
Value softmaxPerSample(Node& n, Value x);

} // namespace burin::mxnet
