// Weights packed for the tile kernels: output channels cut into blocks of whole vectors, each block's weights
// in the order in which a tile reads them.
#pragma once

#include "runtime/ops/conv_tile.h"

#include <cstring>
#include <memory>
#include <vector>

namespace burin::rt {

// Zeroed memory on a cache line boundary.
class AlignedBuffer {
public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes);
  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

private:
  std::unique_ptr<uint8_t[]> memory_;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

constexpr size_t kCacheLine = 64;
inline size_t roundUp(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

struct OutputBlock {
  int64_t firstChannel; // of the whole op
  int channels;         // valid ones; more than (vectors - 1) * lanes
  int vectors;
  int64_t group;
  size_t weights; // byte offset of the packed weights
  size_t lanes;   // index of its first lane in arrays of one value per lane (bias, scale)
};

// How output channels, kernel positions and channels map to packed memory.
struct PackLayout {
  const TileEngine* engine = nullptr;
  int64_t segments = 0; // kernel positions, times planes of split weights
  int64_t length = 0;   // valid elements per segment
  int64_t steps = 0;    // per segment, the last one padded with zero weights
  std::vector<OutputBlock> blocks;
  size_t weightBytes = 0;
  size_t laneCount = 0;

  PackLayout() = default;
  PackLayout(const TileEngine& engine, int64_t groups, int64_t groupOutputs, int64_t segments,
             int64_t length);
};

// Packs one block; value(channel, segment, element) is a weight as the engine's element type E (its signed
// form).
template <class E, class Value>
void packBlock(const PackLayout& layout, const OutputBlock& block, uint8_t* packed, const Value& value) {
  const int lanes = layout.engine->lanes, group = layout.engine->group;
  E* out = reinterpret_cast<E*>(packed + block.weights);
  for (int64_t segment = 0; segment < layout.segments; ++segment)
    for (int64_t first = 0; first < layout.steps * group; first += group)
      for (int lane = 0; lane < block.vectors * lanes; ++lane)
        for (int i = 0; i < group; ++i, ++out) {
          const bool valid = lane < block.channels && first + i < layout.length;
          *out = valid ? static_cast<E>(value(block.firstChannel + lane, segment, first + i)) : E{0};
        }
}

// Packs everything; the element type follows from the engine.
template <class Value>
void packWeights(const PackLayout& layout, uint8_t* packed, const Value& value) {
  for (const OutputBlock& block : layout.blocks) {
    if (layout.engine->element == RowElement::F32)
      packBlock<float>(layout, block, packed, value);
    else if (layout.engine->element == RowElement::U8)
      packBlock<int8_t>(layout, block, packed, value);
    else
      packBlock<int16_t>(layout, block, packed, value);
  }
}

// One value per lane, 4 bytes each (bias, scale); lanes without a channel get 0.
template <class T, class Value>
void packLanes(const PackLayout& layout, uint8_t* packed, const Value& value) {
  static_assert(sizeof(T) == 4, "lanes hold 32-bit values");
  for (const OutputBlock& block : layout.blocks)
    for (int lane = 0; lane < block.channels; ++lane) {
      const T item = static_cast<T>(value(block.firstChannel + lane));
      std::memcpy(packed + (block.lanes + static_cast<size_t>(lane)) * 4, &item, 4);
    }
}

} // namespace burin::rt
