// Depthwise convolution: every channel on its own, vectorised over channels. Kernel positions ("taps") are
// taken in groups of as many as one multiply-add instruction sums.
//
// A tile is a few slots by one block of channels. A slot is what one or two sets of sums cover: several
// pixels side by side where the block is narrower than a set, and twice as many where taps are shared: under
// a kernel three wide with stride 1, the columns p .. p + 3 of a kernel row serve the neighbouring outputs p
// and p + 1.
#pragma once

#include "runtime/ops/conv_geometry.h"
#include "runtime/ops/conv_tile.h"

namespace burin::rt {

constexpr int kMaxDepthwiseSlots = 8;
constexpr int kMaxDepthwiseLanes = 64;

struct DepthwiseCall {
  const uint8_t* const* rows; // rows[tap * rowStep + pixel]
  int64_t rowStep;
  int pixels; // 1 .. slots * slotPixels; neighbours in one output row where taps are shared
  int64_t tapGroups;
  int64_t offset;         // of the block's channels in a row, bytes
  const uint8_t* weights; // of the block
  const uint8_t* start;   // first values of a set of sums
  TileStore store;
  uint8_t* out;      // Raw: all sums, [slot][set][lane]
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
  bool flipsSign;  // U8: reads signed bytes in place of unsigned ones
  bool masks;      // blocks may have fewer channels; otherwise they overlap and rows have at least one block
  bool sharesTaps; // a group is a kernel row of three taps; sets are those of pixels p and p + 1
  int blockChannels;
  int lanes;                    // of a set: parts * blockChannels
  int taps;                     // row elements one lane of weights multiplies
  int groupCost;                // instructions per tap group and slot, to choose between engines
  int (*indexOfLane)(int lane); // part * blockChannels + channel of a sum
  int slots;                    // largest number of slots
  DepthwiseFunction tile[kMaxDepthwiseSlots + 1];

  int elementBytes() const { return element == RowElement::F32 ? 4 : element == RowElement::I16 ? 2 : 1; }
  int parts() const { return lanes / blockChannels; }
  int sets() const { return sharesTaps ? 2 : 1; }
  int slotPixels() const { return parts() * sets(); }
};

// The engines of an instruction set for one kind of operands.
struct DepthwiseEngines {
  const DepthwiseEngine* list = nullptr;
  int count = 0;
};
DepthwiseEngines portableDepthwiseEngines(bool isInteger);
DepthwiseEngines floatDepthwiseEngines(Isa isa);
DepthwiseEngines integerDepthwiseEngines(Isa isa, DType x, DType w);

// Null without an error where only other kernels apply.
std::unique_ptr<Kernel> makeDepthwiseFast(const Node& node, const ConvGeometry& geometry,
                                          const KernelConfig& config);
std::unique_ptr<Kernel> makeQDepthwiseFast(const Node& node, const ConvGeometry& geometry,
                                           const KernelConfig& config, std::string& error);

} // namespace burin::rt
