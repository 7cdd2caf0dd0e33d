// Depthwise convolution: every channel on its own, vectorised over channels. A tile is P output pixels by one
// block of channels; kernel positions ("taps") are taken in groups of as many as one multiply-add instruction
// sums.
#pragma once

#include "runtime/ops/conv_geometry.h"
#include "runtime/ops/conv_tile.h"

namespace burin::rt {

constexpr int kMaxDepthwisePixels = 4;
constexpr int kMaxDepthwiseChannels = 64; // of a block

struct DepthwiseCall {
  const uint8_t* const* rows; // P pointers per tap, those of the next tap at rowStep
  int64_t rowStep;
  int64_t tapGroups;
  int64_t offset;         // of the block's channels in a row, bytes
  const uint8_t* weights; // of the block
  const uint8_t* start;   // first values of the sums, one block
  TileStore store;
  uint8_t* out;
  int64_t outStride; // bytes between pixels
  int channels;      // valid channels of the block
  const float* scale;
  float low, high;
  ByteOutput bytes;
};
using DepthwiseFunction = void (*)(const DepthwiseCall& call);

struct DepthwiseEngine {
  const char* name;
  RowElement element;
  bool flipsSign; // U8: reads signed bytes in place of unsigned ones
  bool masks;     // blocks may have fewer channels; otherwise they overlap and rows have at least one block
  int blockChannels;
  int taps;   // per group
  int pixels; // largest P
  // Which channel of its block the sum at `lane` belongs to.
  int (*channelOfLane)(int lane);
  DepthwiseFunction tile[kMaxDepthwisePixels + 1];

  int elementBytes() const { return element == RowElement::F32 ? 4 : element == RowElement::I16 ? 2 : 1; }
};

const DepthwiseEngine* portableDepthwiseEngine(bool isInteger);
const DepthwiseEngine* floatDepthwiseEngine(Isa isa);
const DepthwiseEngine* integerDepthwiseEngine(Isa isa, DType x, DType w);

// Null without an error where only other kernels apply.
std::unique_ptr<Kernel> makeDepthwiseFast(const Node& node, const ConvGeometry& geometry,
                                          const KernelConfig& config);
std::unique_ptr<Kernel> makeQDepthwiseFast(const Node& node, const ConvGeometry& geometry,
                                           const KernelConfig& config, std::string& error);

} // namespace burin::rt
