// Small networks for the tests of this folder.
#pragma once

#include "lib/nn/builder.h"

namespace burin::quantize::test {

// Attributes of a convolution that neither steps nor pads.
inline auto plainConvolution(nn::GraphBuilder& builder, int64_t groups = 1) {
  return builder.attrs()
      .ints("strides", {1, 1})
      .ints("dilations", {1, 1})
      .ints("pads", {0, 0, 0, 0})
      .i("groups", groups);
}

} // namespace burin::quantize::test
