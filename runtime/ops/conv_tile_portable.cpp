// Tile kernels in plain C++ for machines without kernels of their own. Lanes are short arrays that a compiler
// with vectors turns into them; integer rows are 16 bits wide, which every machine multiplies well.
#include "runtime/numerics/rounding.h"
#include "runtime/ops/conv_depthwise.h"
#include "runtime/ops/conv_finish.h"
#include "runtime/ops/conv_tile.h"

#include <cmath>
#include <cstring>
#include <utility>

#define BURIN_TARGET
#define BURIN_UNROLL _Pragma("GCC unroll 8")

namespace burin::rt {

namespace {

constexpr int kLanes = 8;

template <class T>
struct Lanes {
  T lane[kLanes];
  static Lanes load(const uint8_t* p) {
    Lanes lanes;
    std::memcpy(lanes.lane, p, sizeof lanes.lane);
    return lanes;
  }
  void store(uint8_t* p) const { std::memcpy(p, lane, sizeof lane); }
};

template <class T>
T loadValue(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

struct PortableFloat {
  using Vector = Lanes<float>;
  using Weights = Lanes<float>;
  static constexpr int kStepBytes = 4, kSumBytes = sizeof(Vector), kWeightBytes = sizeof(Weights);
  static Vector loadSums(const uint8_t* p) { return Vector::load(p); }
  static Weights loadWeights(const uint8_t* p) { return Weights::load(p); }
  static float broadcast(const uint8_t* p) { return loadValue<float>(p); }
  static void storeRaw(uint8_t* p, const Vector& sum) { sum.store(p); }
  static Vector dot(Vector sum, float x, const Weights& w) {
    BURIN_UNROLL
    for (int i = 0; i < kLanes; ++i) sum.lane[i] = std::fma(x, w.lane[i], sum.lane[i]);
    return sum;
  }
  static void storeClamped(uint8_t* out, const Vector& sum, int count, float low, float high) {
    for (int i = 0; i < count; ++i) {
      const float raised = sum.lane[i] < low ? low : sum.lane[i];
      reinterpret_cast<float*>(out)[i] = raised > high ? high : raised;
    }
  }
  template <int V>
  struct Finish {
    const TileCall& call;
    explicit Finish(const TileCall& c) : call(c) {}
    void store(uint8_t* out, const Vector* sum) const {
      for (int v = 0; v < V; ++v)
        storeClamped(out + v * kSumBytes, sum[v], v < V - 1 ? kLanes : call.channels - v * kLanes, call.low,
                     call.high);
    }
  };
};

struct PortableInteger {
  using Vector = Lanes<uint32_t>; // sums modulo 2^32
  using Weights = Lanes<int16_t>;
  static constexpr int kStepBytes = 2, kSumBytes = sizeof(Vector), kWeightBytes = sizeof(Weights);
  static Vector loadSums(const uint8_t* p) { return Vector::load(p); }
  static Weights loadWeights(const uint8_t* p) { return Weights::load(p); }
  static int32_t broadcast(const uint8_t* p) { return loadValue<int16_t>(p); }
  static void storeRaw(uint8_t* p, const Vector& sum) { sum.store(p); }
  static Vector dot(Vector sum, int32_t x, const Weights& w) {
    BURIN_UNROLL
    for (int i = 0; i < kLanes; ++i) sum.lane[i] += static_cast<uint32_t>(x * w.lane[i]);
    return sum;
  }
  static void storeBytes(uint8_t* out, const Vector& sum, int count, const float* scale,
                         const ByteOutput& o) {
    for (int i = 0; i < count; ++i) {
      const float scaled = static_cast<float>(static_cast<int32_t>(sum.lane[i])) * scale[i];
      out[i] = static_cast<uint8_t>(
          (roundClamped(scaled, o.low - o.zeroPoint, o.high - o.zeroPoint) + o.zeroPoint) ^ o.flip);
    }
  }
  template <int V>
  struct Finish {
    const TileCall& call;
    explicit Finish(const TileCall& c) : call(c) {}
    void store(uint8_t* out, const Vector* sum) const {
      for (int v = 0; v < V; ++v)
        storeBytes(out + v * kLanes, sum[v], v < V - 1 ? kLanes : call.channels - v * kLanes,
                   call.scale + v * kLanes, call.bytes);
    }
  };
};

#include "runtime/ops/conv_tile.inc.h"

// A block of one vector, one tap at a time.
template <class Tile>
struct PortableDepthwise : Tile {
  using Vector = typename Tile::Vector;
  using Weights = typename Tile::Weights;
  struct Mask {
    int channels;
  };
  static constexpr int kVectors = 1, kSets = 1, kWeights = 1, kSlotPixels = 1, kTapRows = 1;
  static Mask mask(const DepthwiseCall& call) { return {call.channels}; }
  static void accumulate(Vector* sum, const uint8_t* const* rows, int64_t, int64_t offset,
                         const int64_t* pixel, const Weights* w, Mask m) {
    const uint8_t* tap = rows[pixel[0]] + offset;
    if (m.channels == kLanes) {
      BURIN_UNROLL
      for (int i = 0; i < kLanes; ++i) add(*sum, tap, *w, i);
    } else {
      for (int i = 0; i < m.channels; ++i) add(*sum, tap, *w, i);
    }
  }
  static void add(Lanes<float>& sum, const uint8_t* tap, const Lanes<float>& w, int i) {
    sum.lane[i] = std::fma(loadValue<float>(tap + i * 4), w.lane[i], sum.lane[i]);
  }
  static void add(Lanes<uint32_t>& sum, const uint8_t* tap, const Lanes<int16_t>& w, int i) {
    sum.lane[i] += static_cast<uint32_t>(loadValue<int16_t>(tap + i * 2) * w.lane[i]);
  }
  struct Finish {
    explicit Finish(const DepthwiseCall&) {}
    void store(const DepthwiseCall& call, int pixel, const Lanes<float>* sum, Mask m) const {
      PortableFloat::storeClamped(call.out + pixel * call.outStride, *sum, m.channels, call.low, call.high);
    }
    void store(const DepthwiseCall& call, int pixel, const Lanes<uint32_t>* sum, Mask m) const {
      PortableInteger::storeBytes(call.out + pixel * call.outStride, *sum, m.channels, call.scale,
                                  call.bytes);
    }
  };
};

#include "runtime/ops/conv_depthwise.inc.h"

template <class E>
constexpr TileEngine makeEngine(RowElement element) {
  TileEngine engine{"portable", element, kLanes, 1, 2, {}, {}};
  addTiles<E, 1>(engine, std::make_integer_sequence<int, 4>());
  addTiles<E, 2>(engine, std::make_integer_sequence<int, 4>());
  return engine;
}

int sameLane(int lane) { return lane; }

template <class E>
constexpr DepthwiseEngine makeDepthwiseEngine(RowElement element) {
  DepthwiseEngine engine{"portable", element, false, true, false, kLanes, kLanes, 1, 1, sameLane, 0, {}};
  addDepthwiseTiles<PortableDepthwise<E>>(engine, std::make_integer_sequence<int, 2>());
  return engine;
}

constexpr TileEngine kFloatTiles = makeEngine<PortableFloat>(RowElement::F32);
constexpr TileEngine kIntegerTiles = makeEngine<PortableInteger>(RowElement::I16);
constexpr DepthwiseEngine kFloatDepthwise = makeDepthwiseEngine<PortableFloat>(RowElement::F32);
constexpr DepthwiseEngine kIntegerDepthwise = makeDepthwiseEngine<PortableInteger>(RowElement::I16);

} // namespace

const TileEngine* portableTileEngine(bool isInteger) { return isInteger ? &kIntegerTiles : &kFloatTiles; }
DepthwiseEngines portableDepthwiseEngines(bool isInteger) {
  return {isInteger ? &kIntegerDepthwise : &kFloatDepthwise, 1};
}

#if !defined(__x86_64__)
const TileEngine* floatTileEngine(Isa isa) {
  return isa >= Isa::Portable ? portableTileEngine(false) : nullptr;
}
const TileEngine* integerTileEngine(Isa isa, const TileProblem& problem) {
  return isa >= Isa::Portable && dtypeBytes(problem.w) == 1 ? portableTileEngine(true) : nullptr;
}
DepthwiseEngines floatDepthwiseEngines(Isa isa) {
  return isa >= Isa::Portable ? portableDepthwiseEngines(false) : DepthwiseEngines();
}
DepthwiseEngines integerDepthwiseEngines(Isa isa, DType, DType w) {
  return isa >= Isa::Portable && dtypeBytes(w) == 1 ? portableDepthwiseEngines(true) : DepthwiseEngines();
}
const FinishTable& finishTable(Isa) { return portableFinishTable(); }
#endif

} // namespace burin::rt
