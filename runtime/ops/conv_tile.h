// The one micro-kernel all fast convolutions and matrix products are built from: a tile of R rows (output
// pixels, or rows of the left matrix) by V vectors of output channels. Rows are reached through pointers, one
// per row and segment (kernel position), so padding is a pointer to a row of zeros and nothing is copied.
//
// Weights of a block of V * lanes output channels are packed [segment][step][vector][lane][group]: one step
// multiplies `group` neighbouring elements of a row with the block.
#pragma once

#include "runtime/core/op.h"

#include <cstdint>

namespace burin::rt {

constexpr int kMaxTileVectors = 4;
constexpr int kMaxTileRows = 32;

// What to do with the sums of a tile.
enum class TileStore : uint8_t {
  Raw,   // as they are, rows of V * lanes accumulators
  Float, // clamp, store floats
  Bytes, // integer sums: round half to even(float(sum) * scale), add the zero point, clamp, store bytes
};

// TileStore::Bytes. Every |scale| is below 1, so a scaled sum fits 32 bits and no clamp is needed before
// rounding. Results are computed as signed bytes; an unsigned result is one whose zero point and limits are
// shifted by -128, and whose sign bit is flipped at the end.
struct ByteOutput {
  int16_t zeroPoint = 0;
  int8_t low = INT8_MIN, high = INT8_MAX;
  uint8_t flip = 0;
};

struct TileCall {
  const uint8_t* const* rows; // R pointers; those of the next segment follow at rowStep
  int64_t rowStep;
  int rowCount; // R
  int64_t segments;
  int64_t steps;    // per segment
  int64_t rowBytes; // bytes of a row that may be read per segment; steps beyond them have zero weights
  int64_t offset;   // bytes added to every row pointer
  const uint8_t* weights;
  const uint8_t* start; // V * lanes first values of the sums ...
  int64_t startStride;  // ... of each row, this many bytes apart (0: all rows start at the bias)
  TileStore store;
  uint8_t* out;
  int64_t outStride;  // bytes between rows of the output
  int channels;       // valid channels of the block, <= V * lanes
  const float* scale; // Bytes: V * lanes values
  float low, high;    // Float
  ByteOutput bytes;
};
using TileFunction = void (*)(const TileCall& call);

// How activations are held for an engine.
enum class RowElement : uint8_t { F32, U8, I16 };

struct TileEngine {
  const char* name;
  RowElement element;
  int lanes;                     // output channels per vector
  int group;                     // row elements per step
  int vectors;                   // largest V
  int rows[kMaxTileVectors + 1]; // largest R for each V
  TileFunction tile[kMaxTileVectors + 1][kMaxTileRows + 1];

  int rowUnit = 1;  // tiles begin at multiples of this many rows of a chunk
  int stepUnit = 1; // segments are padded to a multiple of this many steps
  // Called by a thread before and after a series of tiles; null where the machine has no state to set up.
  void (*begin)() = nullptr;
  void (*end)() = nullptr;

  int elementBytes() const { return element == RowElement::F32 ? 4 : element == RowElement::I16 ? 2 : 1; }
  int accumulatorBytes() const { return 4; }
  // Packed weights have the width of the row elements.
  int64_t stepBytes(int blockVectors) const { return int64_t{lanes} * group * elementBytes() * blockVectors; }
};

// In plain C++, on every machine.
const TileEngine* portableTileEngine(bool isInteger);

// The best engine of an instruction set, or null where only reference kernels exist.
const TileEngine* floatTileEngine(Isa isa);

// What a choice between engines depends on.
struct TileProblem {
  DType x, w;
  int64_t rows;   // of the whole product
  int64_t length; // elements per segment
};
const TileEngine* integerTileEngine(Isa isa, const TileProblem& problem);

} // namespace burin::rt
