// Reading a convolution's constant operands for packing.
#pragma once

#include "runtime/ops/conv_arithmetic.h"
#include "runtime/ops/conv_geometry.h"
#include "runtime/ops/conv_tile.h"

#include <algorithm>

namespace burin::rt {

inline bool isConstantOrAbsent(const Node& node, int input) {
  return !node.input(input) || node.in(input).constant;
}

// Weights by (output channel, kernel position in row-major order, channel of the group), for w
// [O,C/groups,kernel] or, transposed, [C,O/groups,kernel].
template <class T>
class WeightReader {
public:
  WeightReader(const Tensor& w, const ConvGeometry& g, bool transposed)
      : data_(w.as<const T>()), transposed_(transposed), groupChannels_(g.groupChannels()),
        groupOutputs_(g.groupOutputs()), strides_(convStrides(w)) {
    Spatial k{};
    do offsets_.push_back(strides_.at(k));
    while (nextPosition(g.kernel, k));
  }
  T at(int64_t channel, int64_t position, int64_t inner) const {
    const T* at = data_ + offsets_[static_cast<size_t>(position)];
    if (!transposed_) return at[channel * strides_.outer + inner * strides_.inner];
    const int64_t group = channel / groupOutputs_;
    return at[(group * groupChannels_ + inner) * strides_.outer + channel % groupOutputs_ * strides_.inner];
  }

private:
  const T* data_;
  bool transposed_;
  int64_t groupChannels_, groupOutputs_;
  ConvStrides strides_;
  std::vector<int64_t> offsets_;
};

// Calls body(reader) for 8-bit weights of either sign.
template <class Body>
void withByteWeights(const Tensor& w, const ConvGeometry& g, bool transposed, const Body& body) {
  if (w.dtype() == DType::I8)
    body(WeightReader<int8_t>(w, g, transposed));
  else
    body(WeightReader<uint8_t>(w, g, transposed));
}

inline float floatBias(const Node& node, int64_t channel) {
  const Tensor* bias = node.input(2);
  return bias ? bias->as<const float>()[channel * bias->stride[0]] : 0.0f;
}
inline uint32_t integerBias(const Node& node, int64_t channel) {
  const Tensor* bias = node.input(2);
  return bias ? static_cast<uint32_t>(bias->as<const int32_t>()[channel * bias->stride[0]]) : 0;
}

// A weight less its zero point has up to 9 bits. For engines with 8-bit weights it is the sum of planes, each
// its own set of segments: plane p takes what 8 bits can hold of what the planes before it left.
inline int32_t planeOf(int32_t weight, int64_t plane) {
  auto clamp = [](int32_t value) { return std::min(std::max(value, int32_t{INT8_MIN}), int32_t{INT8_MAX}); };
  for (; plane > 0; --plane) weight -= clamp(weight);
  return clamp(weight);
}

// How many planes the weights need.
int weightPlanes(const Tensor& w, const std::vector<int32_t>& zero, RowElement element);

// What the integer kernels need to know about their operands besides the shape.
struct IntegerOperands {
  int32_t xZero = 0;
  std::vector<int32_t> wZero; // per output channel
  int planes = 1;
};
bool readIntegerOperands(const Node& node, int64_t outputs, RowElement element, IntegerOperands& operands,
                         std::string& error);

// Memory of `count` values of an engine's element type, all `value`.
void fillElements(RowElement element, uint8_t* memory, size_t bytes, int32_t value);

} // namespace burin::rt
