// Every tile engine this machine can run, also those the machine's own choice would skip, against plain
// loops.
#if defined(__x86_64__)
#include "runtime/kernels/x86/conv_tile_tables.h"

#include "runtime/kernels/x86/isa.h"
#include "runtime/numerics/rounding.h"
#include "runtime/ops/conv_gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace burin::rt {
namespace {

std::vector<const TileEngine*> tileEngines() {
  std::vector<const TileEngine*> list{portableTileEngine(false), portableTileEngine(true)};
  const x86::CpuFeatures& cpu = x86::cpuFeatures();
  if (cpu.avx2) list.insert(list.end(), {&x86::kFloatAvx2, &x86::kMaddAvx2});
  if (cpu.avxVnni) list.push_back(&x86::kVnniAvx2);
  if (cpu.avx512) list.push_back(&x86::kFloatAvx512);
  if (cpu.avx512Vnni) list.insert(list.end(), {&x86::kVnniAvx512, &x86::kEmulatedAmx});
  if (cpu.amxInt8) list.push_back(&x86::kAmx);
  return list;
}

std::vector<const DepthwiseEngine*> depthwiseEngines() {
  std::vector<const DepthwiseEngine*> list;
  auto add = [&](const DepthwiseEngine* engines, int count) {
    for (int i = 0; i < count; ++i) list.push_back(engines + i);
  };
  add(portableDepthwiseEngines(false).list, 1);
  add(portableDepthwiseEngines(true).list, 1);
  const x86::CpuFeatures& cpu = x86::cpuFeatures();
  if (cpu.avx2) add(&x86::kFloatDepthwise256, 1);
  if (cpu.avx2) add(&x86::kDepthwiseMadd256, 1);
  if (cpu.avxVnni) add(x86::kDepthwiseVnni256, 2);
  if (cpu.avx512) add(x86::kFloatDepthwise512, 4);
  if (cpu.avx512Vnni) add(x86::kDepthwiseVnni512, 6);
  if (cpu.avx512Vnni) add(x86::kSignedDepthwiseVnni512, 6);
  return list;
}

// Random element i of a row or of weights, as stored and as a number.
struct Element {
  std::mt19937 random{7};
  RowElement kind;
  bool signedBytes = false;

  double row(uint8_t* p) {
    if (kind == RowElement::F32) return *reinterpret_cast<float*>(p) = real();
    if (kind == RowElement::I16) return *reinterpret_cast<int16_t*>(p) = static_cast<int16_t>(random());
    *p = static_cast<uint8_t>(random());
    return signedBytes ? static_cast<int8_t>(*p) + 128 : *p;
  }
  double weight() {
    if (kind == RowElement::F32) return real();
    return kind == RowElement::I16 ? static_cast<int>(random() % 511) - 255 : static_cast<int8_t>(random());
  }
  float real() { return static_cast<float>(static_cast<int>(random() % 2001) - 1000) * 1.7e-3f; }
};

ByteOutput someBytes(bool isUnsigned) {
  return {static_cast<int16_t>(isUnsigned ? -120 : 5), -100, 90, static_cast<uint8_t>(isUnsigned ? 128 : 0)};
}

uint8_t expectedByte(int32_t sum, float scale, const ByteOutput& o) {
  const int32_t q =
      roundClamped(static_cast<float>(sum) * scale, o.low - o.zeroPoint, o.high - o.zeroPoint) + o.zeroPoint;
  return static_cast<uint8_t>(q ^ o.flip);
}

// The bits of an accumulator chain.
uint32_t step(RowElement kind, uint32_t sum, double x, double w) {
  if (kind != RowElement::F32)
    return sum + static_cast<uint32_t>(static_cast<int32_t>(x) * static_cast<int32_t>(w));
  float value;
  std::memcpy(&value, &sum, 4);
  value = std::fma(static_cast<float>(x), static_cast<float>(w), value);
  std::memcpy(&sum, &value, 4);
  return sum;
}

void checkTile(const TileEngine& e, int vectors, int rows, int64_t segments, int64_t length, int channels,
               bool isUnsigned) {
  Element element;
  element.kind = e.element;
  const PackLayout layout(e, 1, channels, segments, length);
  ASSERT_EQ(layout.blocks.size(), 1u);
  const OutputBlock& block = layout.blocks[0];
  ASSERT_EQ(block.vectors, vectors);
  const int lanes = vectors * e.lanes;
  std::vector<double> w(static_cast<size_t>(segments * length * channels));
  for (double& value : w) value = element.weight();
  auto weightAt = [&](int64_t c, int64_t s, int64_t i) {
    return w[static_cast<size_t>((s * length + i) * channels + c)];
  };
  AlignedBuffer packed(layout.weightBytes + 64), start(static_cast<size_t>(lanes) * 4);
  packWeights(layout, packed.data(), weightAt);
  for (int c = 0; c < channels; ++c) {
    if (e.element == RowElement::F32)
      reinterpret_cast<float*>(start.data())[c] = element.real();
    else
      reinterpret_cast<uint32_t*>(start.data())[c] = static_cast<uint32_t>(element.random() % 100000);
  }
  const int64_t rowElements = (length + e.group - 1) / e.group * e.group; // a tile may read them and no more
  std::vector<std::vector<uint8_t>> memory;
  std::vector<const uint8_t*> table;
  std::vector<uint32_t> sums;
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < channels; ++c) sums.push_back(reinterpret_cast<uint32_t*>(start.data())[c]);
  for (int64_t s = 0; s < segments; ++s)
    for (int r = 0; r < rows; ++r) {
      memory.emplace_back(static_cast<size_t>(rowElements * e.elementBytes()));
      table.push_back(memory.back().data());
      for (int64_t i = 0; i < rowElements; ++i) {
        const double x = element.row(memory.back().data() +
                                     static_cast<size_t>(i) * static_cast<size_t>(e.elementBytes()));
        for (int c = 0; c < channels && i < length; ++c) {
          uint32_t& sum = sums[static_cast<size_t>(r) * channels + c];
          sum = step(e.element, sum, x, weightAt(c, s, i));
        }
      }
    }
  std::vector<float> scale(static_cast<size_t>(lanes), 3.1e-6f);
  std::vector<uint8_t> out(static_cast<size_t>(rows * lanes) * 4, 0xEE);
  TileCall call{};
  call.rows = table.data();
  call.rowStep = rows;
  call.segments = segments;
  call.steps = layout.steps;
  call.rowCount = rows;
  call.rowBytes = (length + e.group - 1) / e.group * e.group * e.elementBytes();
  call.weights = packed.data();
  call.start = start.data();
  call.store = TileStore::Raw;
  call.out = out.data();
  call.outStride = lanes * 4;
  call.channels = channels;
  call.scale = scale.data();
  call.bytes = someBytes(isUnsigned);
  call.low = -0.25f;
  call.high = 0.5f;
  if (e.begin) e.begin();
  e.tile[vectors][rows](call);
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < channels; ++c)
      ASSERT_EQ(reinterpret_cast<uint32_t*>(out.data())[r * lanes + c],
                sums[static_cast<size_t>(r) * channels + c])
          << e.name << " V" << vectors << " R" << rows;
  std::fill(out.begin(), out.end(), uint8_t{0xEE});
  call.store = e.element == RowElement::F32 ? TileStore::Float : TileStore::Bytes;
  e.tile[vectors][rows](call);
  if (e.end) e.end();
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < channels; ++c) {
      const uint32_t sum = sums[static_cast<size_t>(r) * channels + c];
      if (e.element == RowElement::F32) {
        float value;
        std::memcpy(&value, &sum, 4);
        ASSERT_EQ(reinterpret_cast<float*>(out.data())[r * lanes + c],
                  std::fmin(std::fmax(value, -0.25f), 0.5f));
      } else {
        ASSERT_EQ(out[static_cast<size_t>(r * lanes * 4 + c)],
                  expectedByte(static_cast<int32_t>(sum), 3.1e-6f, call.bytes))
            << e.name;
      }
    }
    const size_t written = static_cast<size_t>(channels) * (e.element == RowElement::F32 ? 4 : 1);
    for (size_t i = written; i < static_cast<size_t>(lanes) * 4; ++i)
      ASSERT_EQ(out[static_cast<size_t>(r * lanes) * 4 + i], 0xEE) << e.name << " wrote beyond its channels";
  }
}

TEST(TileEngines, EqualPlainLoops) {
  std::mt19937 random(3);
  for (const TileEngine* e : tileEngines())
    for (int vectors = 1; vectors <= e->vectors; ++vectors)
      for (int rows = 1; rows <= e->rows[vectors]; ++rows)
        for (int round = 0; round < 4; ++round) {
          const int channels =
              round == 0 ? vectors * e->lanes
                         : vectors * e->lanes - static_cast<int>(random() % static_cast<unsigned>(e->lanes));
          checkTile(*e, vectors, rows, random() % 4, 1 + random() % 90, channels, round % 2 == 0);
          if (HasFatalFailure()) return;
        }
}

// The pixel that a set's sums of `part` belong to.
int pixelOf(const DepthwiseEngine& e, int slot, int set, int part) {
  return slot * e.slotPixels() + part * e.sets() + set;
}

void checkDepthwise(const DepthwiseEngine& e, int pixels, int64_t tapGroups, int channels) {
  Element element;
  element.kind = e.element;
  element.signedBytes = e.flipsSign;
  const int64_t rows = tapGroups * (e.sharesTaps ? 3 : e.taps); // of taps
  const int slots = (pixels + e.slotPixels() - 1) / e.slotPixels();
  const size_t elementBytes = static_cast<size_t>(e.elementBytes());
  std::vector<double> w(static_cast<size_t>(rows * e.blockChannels));
  for (double& value : w) value = element.weight();
  std::vector<uint8_t> weights(static_cast<size_t>(tapGroups * e.sets() * e.lanes * e.taps) * elementBytes);
  uint8_t* at = weights.data();
  for (int64_t group = 0; group < tapGroups; ++group)
    for (int set = 0; set < e.sets(); ++set)
      for (int lane = 0; lane < e.lanes; ++lane)
        for (int t = 0; t < e.taps; ++t, at += elementBytes) {
          const int column = t - set;
          if (e.sharesTaps && (column < 0 || column > 2)) continue;
          const int64_t tap = group * (e.sharesTaps ? 3 : e.taps) + column;
          const double value =
              w[static_cast<size_t>(tap * e.blockChannels + e.indexOfLane(lane) % e.blockChannels)];
          if (e.element == RowElement::F32)
            *reinterpret_cast<float*>(at) = static_cast<float>(value);
          else if (e.element == RowElement::I16)
            *reinterpret_cast<int16_t*>(at) = static_cast<int16_t>(value);
          else
            *at = static_cast<uint8_t>(static_cast<int8_t>(value));
        }
  // Row r of taps is a line of columns; pixel p meets column p + r % 3 of its kernel row where taps are
  // shared.
  std::vector<std::vector<uint8_t>> memory;
  std::vector<std::vector<double>> numbers;
  auto addLine = [&] {
    memory.emplace_back(static_cast<size_t>(channels) * elementBytes);
    numbers.emplace_back();
    for (int c = 0; c < channels; ++c)
      numbers.back().push_back(element.row(memory.back().data() + static_cast<size_t>(c) * elementBytes));
  };
  const int columns = e.sharesTaps ? pixels + 2 : pixels;
  for (int64_t i = 0; i < (e.sharesTaps ? tapGroups : rows) * columns; ++i) addLine();
  auto lineOf = [&](int64_t row, int pixel) {
    return static_cast<size_t>(e.sharesTaps ? row / 3 * columns + pixel + row % 3 : row * columns + pixel);
  };
  std::vector<const uint8_t*> table;
  std::vector<uint32_t> sums(static_cast<size_t>(pixels * channels));
  for (int64_t row = 0; row < rows; ++row)
    for (int p = 0; p < pixels; ++p) {
      table.push_back(memory[lineOf(row, p)].data());
      for (int c = 0; c < channels; ++c) {
        uint32_t& sum = sums[static_cast<size_t>(p) * channels + c];
        sum = step(e.element, sum, numbers[lineOf(row, p)][static_cast<size_t>(c)],
                   w[static_cast<size_t>(row * e.blockChannels + c)]);
      }
    }
  std::vector<float> scale(static_cast<size_t>(e.lanes), 2.3e-5f);
  std::vector<uint8_t> start(static_cast<size_t>(e.lanes) * 4);
  std::vector<uint8_t> out(static_cast<size_t>(slots * e.sets() * e.lanes + pixels * e.blockChannels) * 4);
  DepthwiseCall call{};
  call.rows = table.data();
  call.rowStep = pixels;
  call.pixels = pixels;
  call.tapGroups = tapGroups;
  call.weights = weights.data();
  call.start = start.data();
  call.store = TileStore::Raw;
  call.out = out.data();
  call.outStride = e.blockChannels * 4;
  call.channels = channels;
  call.scale = scale.data();
  call.bytes = someBytes(false);
  call.low = -1e9f;
  call.high = 1e9f;
  e.tile[slots](call);
  for (int i = 0; i < slots * e.sets() * e.lanes; ++i) {
    const int index = e.indexOfLane(i % e.lanes), c = index % e.blockChannels;
    const int p = pixelOf(e, i / e.lanes / e.sets(), i / e.lanes % e.sets(), index / e.blockChannels);
    if (c >= channels || p >= pixels) continue;
    ASSERT_EQ(reinterpret_cast<uint32_t*>(out.data())[i], sums[static_cast<size_t>(p) * channels + c])
        << e.name;
  }
  call.store = e.element == RowElement::F32 ? TileStore::Float : TileStore::Bytes;
  e.tile[slots](call);
  for (int p = 0; p < pixels; ++p)
    for (int c = 0; c < channels; ++c) {
      const uint32_t sum = sums[static_cast<size_t>(p) * channels + c];
      const uint8_t* pixel = out.data() + p * call.outStride;
      if (e.element == RowElement::F32)
        ASSERT_EQ(reinterpret_cast<const uint32_t*>(pixel)[c], sum);
      else
        ASSERT_EQ(pixel[c], expectedByte(static_cast<int32_t>(sum), 2.3e-5f, call.bytes)) << e.name;
    }
}

TEST(DepthwiseEngines, EqualPlainLoops) {
  std::mt19937 random(5);
  for (const DepthwiseEngine* e : depthwiseEngines())
    for (int pixels = 1; pixels <= e->slots * e->slotPixels(); ++pixels)
      for (int round = 0; round < 6; ++round) {
        const int channels = e->masks
                                 ? 1 + static_cast<int>(random() % static_cast<unsigned>(e->blockChannels))
                                 : e->blockChannels;
        checkDepthwise(*e, pixels, 1 + random() % 5, channels);
        if (HasFatalFailure()) return;
      }
}

// Rows of a matrix, evenly spaced.
class Matrix final : public RowSource {
public:
  const uint8_t* base;
  int64_t stride;
  void fill(int64_t first, int64_t count, const uint8_t** table) const override {
    for (int64_t i = 0; i < count; ++i) table[i] = base + (first + i) * stride;
  }
};

// A whole product, with rows in chunks and the depth in slices, is the same on every engine with the same
// rows.
TEST(TileEngines, PlansAgree) {
  if (!x86::cpuFeatures().avx512Vnni) GTEST_SKIP() << "needs AVX512-VNNI";
  std::mt19937 random(11);
  for (const int64_t depth : {64, 100, 640, 2048}) {
    const int64_t rows = 117, columns = 83;
    std::vector<uint8_t> left(static_cast<size_t>(rows * depth)),
        weights(static_cast<size_t>(depth * columns));
    for (uint8_t& value : left) value = static_cast<uint8_t>(random());
    for (uint8_t& value : weights) value = static_cast<uint8_t>(random());
    Matrix source;
    source.base = left.data();
    source.stride = depth;
    std::vector<std::vector<uint8_t>> results;
    for (const TileEngine* e : {&x86::kVnniAvx512, &x86::kEmulatedAmx}) {
      const PackLayout layout(*e, 1, columns, 1, depth);
      AlignedBuffer packed(layout.weightBytes), lanes(layout.laneCount * 4), scale(layout.laneCount * 4);
      packWeights(layout, packed.data(), [&](int64_t c, int64_t, int64_t k) {
        return static_cast<int8_t>(weights[static_cast<size_t>(k * columns + c)]);
      });
      packLanes<float>(layout, scale.data(), [](int64_t) { return 1e-5f; });
      const GemmPlan plan(layout, rows, 1);
      std::vector<uint8_t> out(static_cast<size_t>(rows * columns)), scratch(plan.scratchBytes());
      GemmOperands operands{};
      operands.weights = packed.data();
      operands.bias = lanes.data();
      operands.scale = scale.data();
      operands.out = out.data();
      operands.outStride = columns;
      operands.outElementBytes = 1;
      operands.store = TileStore::Bytes;
      for (int64_t task = 0; task < plan.tasks(); ++task) plan.run(task, source, operands, scratch.data());
      results.push_back(out);
    }
    EXPECT_EQ(results[0], results[1]) << depth;
  }
}

} // namespace
} // namespace burin::rt
#endif
