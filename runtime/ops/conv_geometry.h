// Shapes of a convolution, normalised to three spatial axes (the leading ones have length 1).
#pragma once

#include "runtime/core/op.h"

#include <array>
#include <cstdint>
#include <string>

namespace burin::rt {

constexpr int kSpatial = 3;
using Spatial = std::array<int64_t, kSpatial>;

struct ConvGeometry {
  int64_t batch = 1, channels = 1, outputs = 1, groups = 1;
  Spatial in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, padBegin{0, 0, 0};

  int64_t groupChannels() const { return channels / groups; }
  int64_t groupOutputs() const { return outputs / groups; }
  int64_t kernelPositions() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t inputPixels() const { return in[0] * in[1] * in[2]; }     // of one sample
  int64_t outputPixels() const { return out[0] * out[1] * out[2]; } // of one sample
  bool isDepthwise() const { return groups == channels && outputs == channels; }
  bool isPointwise() const; // 1x1 kernel without padding, any stride
};

// Element strides of an activation ([N, C, spatial]) or of weights ([O, I, kernel]) on the normalised axes.
struct ConvStrides {
  int64_t outer = 0, inner = 0;
  Spatial spatial{};
  int64_t at(const Spatial& position) const {
    return position[0] * spatial[0] + position[1] * spatial[1] + position[2] * spatial[2];
  }
};
ConvStrides convStrides(const Tensor& tensor);

// Checks operands 0 (x [N,C,spatial]) and 1 (w [O,C/groups,kernel]), whose shapes are valid, and the
// attributes.
bool parseConv(const Signature& signature, ConvGeometry& geometry, std::string& error);

// The same for a transposed convolution (w [C,O/groups,kernel]).
bool parseConvTranspose(const Signature& signature, ConvGeometry& geometry, std::string& error);

// The result's logical shape; `rank` is the rank of x.
Shape convResultShape(const ConvGeometry& geometry, int rank);

// Row-major walk over a box of spatial positions. Returns false after the last one.
inline bool nextPosition(const Spatial& extent, Spatial& position) {
  for (int i = kSpatial - 1; i >= 0; --i) {
    if (++position[i] < extent[i]) return true;
    position[i] = 0;
  }
  return false;
}

inline Spatial positionAt(const Spatial& extent, int64_t index) {
  return {index / (extent[1] * extent[2]), index / extent[2] % extent[1], index % extent[2]};
}

} // namespace burin::rt
