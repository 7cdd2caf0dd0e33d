// Convolution and transposed convolution as loops over logical indices: any strides, any groups.
#pragma once

#include "runtime/ops/conv_arithmetic.h"
#include "runtime/ops/conv_geometry.h"

namespace burin::rt {

// Operands of one convolution; strides carry the memory layout.
template <class Arithmetic>
struct ConvOperands {
  ConvGeometry geometry;
  Arithmetic arithmetic;
  const typename Arithmetic::X* x;
  const typename Arithmetic::W* w;
  ConvStrides xStrides, wStrides, yStrides;
};

// One output: kernel positions in row-major order, then the input channels of the group.
template <class Arithmetic>
typename Arithmetic::Accumulator convolveAt(const ConvOperands<Arithmetic>& o, int64_t sample,
                                            int64_t channel, const Spatial& position,
                                            typename Arithmetic::Accumulator sum) {
  const ConvGeometry& g = o.geometry;
  const int64_t groupChannels = g.groupChannels();
  const int64_t firstChannel = channel / g.groupOutputs() * groupChannels;
  Spatial k{};
  do {
    Spatial from;
    bool inside = true;
    for (int i = 0; i < kSpatial; ++i) {
      from[i] = position[i] * g.stride[i] + k[i] * g.dilation[i] - g.padBegin[i];
      inside = inside && from[i] >= 0 && from[i] < g.in[i];
    }
    const auto* w = o.w + channel * o.wStrides.outer + o.wStrides.at(k);
    const auto* x =
        inside ? o.x + sample * o.xStrides.outer + firstChannel * o.xStrides.inner + o.xStrides.at(from)
               : nullptr;
    for (int64_t c = 0; c < groupChannels; ++c)
      sum = o.arithmetic.step(x ? x[c * o.xStrides.inner] : o.arithmetic.padding(), w[c * o.wStrides.inner],
                              channel, sum);
  } while (nextPosition(g.kernel, k));
  return sum;
}

// One output of the transposed convolution: only kernel positions that meet the stride's grid contribute; on
// the grid but outside the input they contribute padding, as the equal convolution over each phase of the
// stride would.
template <class Arithmetic>
typename Arithmetic::Accumulator convolveTransposedAt(const ConvOperands<Arithmetic>& o, int64_t sample,
                                                      int64_t channel, const Spatial& position,
                                                      typename Arithmetic::Accumulator sum) {
  const ConvGeometry& g = o.geometry;
  const int64_t groupChannels = g.groupChannels();
  const int64_t firstChannel = channel / g.groupOutputs() * groupChannels;
  const int64_t groupOutput = channel % g.groupOutputs();
  Spatial k{};
  do {
    Spatial from;
    bool inside = true, onGrid = true;
    for (int i = 0; i < kSpatial; ++i) {
      const int64_t scaled = position[i] + g.padBegin[i] - k[i] * g.dilation[i];
      onGrid = onGrid && scaled % g.stride[i] == 0;
      from[i] = scaled / g.stride[i];
      inside = inside && from[i] >= 0 && from[i] < g.in[i];
    }
    if (!onGrid) continue;
    const auto* w = o.w + firstChannel * o.wStrides.outer + groupOutput * o.wStrides.inner + o.wStrides.at(k);
    const auto* x =
        inside ? o.x + sample * o.xStrides.outer + firstChannel * o.xStrides.inner + o.xStrides.at(from)
               : nullptr;
    for (int64_t c = 0; c < groupChannels; ++c)
      sum = o.arithmetic.step(x ? x[c * o.xStrides.inner] : o.arithmetic.padding(), w[c * o.wStrides.outer],
                              channel, sum);
  } while (nextPosition(g.kernel, k));
  return sum;
}

// All outputs. start(channel) gives the first value of a chain, finish(sum, channel, offset) stores its
// result.
template <bool Transposed, class Arithmetic, class Start, class Finish>
void convolve(ThreadPool& pool, const ConvOperands<Arithmetic>& o, const Start& start, const Finish& finish) {
  const ConvGeometry& g = o.geometry;
  const int64_t rows = g.out[0] * g.out[1];
  pool.parallelFor(g.batch * g.outputs * rows, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t index = begin; index < end; ++index) {
      const int64_t sample = index / rows / g.outputs, channel = index / rows % g.outputs;
      Spatial position{index % rows / g.out[1], index % g.out[1], 0};
      for (; position[2] < g.out[2]; ++position[2]) {
        const auto sum = Transposed ? convolveTransposedAt(o, sample, channel, position, start(channel))
                                    : convolveAt(o, sample, channel, position, start(channel));
        finish(sum, channel,
               sample * o.yStrides.outer + channel * o.yStrides.inner + o.yStrides.at(position));
      }
    }
  });
}

// Reference kernels of nn.conv / nn.conv_transpose and qnn.conv / qnn.conv_transpose.
std::unique_ptr<Kernel> makeConvReference(const Node& node, const ConvGeometry& geometry, bool transposed,
                                          std::string& error);
std::unique_ptr<Kernel> makeQConvReference(const Node& node, const ConvGeometry& geometry, bool transposed,
                                           std::string& error);

} // namespace burin::rt
