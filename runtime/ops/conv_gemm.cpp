#include "runtime/ops/conv_gemm.h"

#include <algorithm>

namespace burin::rt {

namespace {

// Weights of a slice are read once per tile: together with the rows they should stay in a first-level cache
// of 32 KiB.
constexpr int64_t kSliceBytes = 24 << 10;
// Weights above this size come from the third-level cache for each chunk of rows, so chunks grow to make up
// for it.
constexpr size_t kLargeWeights = 512 << 10;
constexpr int64_t kSmallChunk = 48, kLargeChunk = 240;
constexpr int kTasksPerThread = 4;

int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Integer sums the engine did not finish itself.
void finishSums(const IntegerOutput& output, const OutputBlock& block, const uint8_t* sums, int64_t stride,
                int rows, uint8_t* out, int64_t outStride) {
  for (int r = 0; r < rows; ++r)
    output.storeRow(reinterpret_cast<const int32_t*>(sums + r * stride), block.firstChannel, block.channels,
                    out + r * outStride);
}

} // namespace

GemmPlan::GemmPlan(PackLayout layout, int64_t rows, int threads) : layout_(std::move(layout)), rows_(rows) {
  const int64_t most = layout_.engine->rows[layout_.engine->vectors];
  const int64_t wanted =
      divideUp(layout_.weightBytes > kLargeWeights ? kLargeChunk : kSmallChunk, most) * most;
  chunks_ = std::max<int64_t>(divideUp(rows, wanted), 1);
  if (threads > 1) {
    const int64_t tasks = int64_t{threads} * kTasksPerThread;
    const int64_t blocks = static_cast<int64_t>(layout_.blocks.size());
    if (chunks_ < tasks) splits_ = std::min(blocks, divideUp(tasks, chunks_));
    if (chunks_ * splits_ < threads)
      chunks_ = std::min(std::max<int64_t>(rows / layout_.engine->rows[1], 1), int64_t{threads});
  }
  chunkRows_ = divideUp(rows, chunks_);
  for (int v = 1; v <= layout_.engine->vectors; ++v) planSlices(v, slices_[v]);
}

// Slices are contiguous in (segment, step) order: the canonical order of a float chain.
void GemmPlan::planSlices(int vectors, std::vector<Slice>& slices) const {
  const int64_t segmentBytes = layout_.steps * layout_.engine->stepBytes(vectors);
  if (segmentBytes * layout_.segments <= 2 * kSliceBytes || chunkRows_ <= layout_.engine->rows[vectors]) {
    slices.push_back({0, layout_.segments, 0, layout_.steps});
    return;
  }
  if (segmentBytes <= kSliceBytes) {
    const int64_t count = divideUp(segmentBytes * layout_.segments, kSliceBytes);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = layout_.segments * i / count, last = layout_.segments * (i + 1) / count;
      if (first < last) slices.push_back({first, last - first, 0, layout_.steps});
    }
    return;
  }
  const int64_t unit = layout_.engine->stepUnit, units = layout_.steps / unit;
  const int64_t count = std::min(divideUp(segmentBytes, kSliceBytes), units);
  for (int64_t segment = 0; segment < layout_.segments; ++segment)
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = units * i / count * unit, last = units * (i + 1) / count * unit;
      slices.push_back({segment, 1, first, last - first});
    }
}

size_t GemmPlan::scratchBytes() const {
  const size_t chunk = static_cast<size_t>(chunkRows_);
  const size_t table = static_cast<size_t>(layout_.segments) * chunk * sizeof(uint8_t*);
  // Engines that work on whole units of rows read partial sums of rows that are not there.
  const size_t partial = roundUp(chunk, static_cast<size_t>(layout_.engine->rowUnit * 2)) *
                         static_cast<size_t>(layout_.engine->vectors * layout_.engine->lanes) * 4;
  return roundUp(table, kCacheLine) + roundUp(partial, kCacheLine);
}

void GemmPlan::run(int64_t index, const RowSource& source, const GemmOperands& operands,
                   uint8_t* scratch) const {
  const int64_t chunk = index / splits_, split = index % splits_;
  const int64_t first = chunkBegin(chunk), count = chunkBegin(chunk + 1) - first;
  if (count == 0) return;
  const uint8_t** table = reinterpret_cast<const uint8_t**>(scratch);
  const size_t tableBytes = static_cast<size_t>(layout_.segments * chunkRows_) * sizeof(uint8_t*);
  source.fill(first, count, table);
  if (layout_.engine->begin) layout_.engine->begin();
  const int64_t blocks = static_cast<int64_t>(layout_.blocks.size());
  for (int64_t b = blocks * split / splits_; b < blocks * (split + 1) / splits_; ++b)
    runBlock(layout_.blocks[static_cast<size_t>(b)], operands, first, count, table,
             scratch + roundUp(tableBytes, kCacheLine));
  if (layout_.engine->end) layout_.engine->end();
}

void GemmPlan::runBlock(const OutputBlock& block, const GemmOperands& o, int64_t first, int64_t count,
                        const uint8_t* const* table, uint8_t* partial) const {
  const TileEngine& engine = *layout_.engine;
  const int64_t tiles = divideUp(count, engine.rows[block.vectors]);
  const int64_t tileRows = divideUp(divideUp(count, tiles), engine.rowUnit) * engine.rowUnit;
  const int64_t elementBytes = engine.elementBytes(), stepElements = engine.group;
  const int64_t partialStride = int64_t{4} * engine.lanes * block.vectors;
  uint8_t* out = o.out + first * o.outStride + block.firstChannel * o.outElementBytes;
  const std::vector<Slice>& slices = slices_[block.vectors];
  const uint8_t* weights = o.weights + block.weights;
  TileCall call{};
  call.rowStep = count;
  call.channels = block.channels;
  call.scale = o.scale ? reinterpret_cast<const float*>(o.scale + block.lanes * 4) : nullptr;
  call.low = o.low;
  call.high = o.high;
  call.bytes = o.bytes;
  for (size_t s = 0; s < slices.size(); ++s) {
    const Slice& slice = slices[s];
    const bool isLast = s + 1 == slices.size();
    call.segments = slice.segments;
    call.steps = slice.steps;
    call.offset = block.group * o.groupBytes + slice.step * engine.group * engine.elementBytes();
    call.weights = weights;
    call.store = isLast ? o.store : TileStore::Raw;
    const int64_t validElements =
        divideUp(layout_.length, stepElements) * stepElements - slice.step * stepElements;
    call.rowBytes = std::min(slice.steps * stepElements, validElements) * elementBytes;
    for (int64_t row = 0; row < count; row += tileRows) {
      const int rows = static_cast<int>(std::min(tileRows, count - row));
      call.rowCount = rows;
      call.rows = table + slice.segment * count + row;
      call.start = s == 0 ? o.bias + block.lanes * 4 : partial + row * partialStride;
      call.startStride = s == 0 ? 0 : partialStride;
      const bool isRaw = call.store == TileStore::Raw;
      call.out = isRaw ? partial + row * partialStride : out + row * o.outStride;
      call.outStride = isRaw ? partialStride : o.outStride;
      engine.tile[block.vectors][rows](call);
      if (isRaw && isLast)
        finishSums(*o.output, block, call.out, partialStride, rows, out + row * o.outStride, o.outStride);
    }
    weights += slice.segments * slice.steps * engine.stepBytes(block.vectors);
  }
}

} // namespace burin::rt
