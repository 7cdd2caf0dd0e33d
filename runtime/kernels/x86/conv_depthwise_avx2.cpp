// Depthwise tiles on 256-bit vectors without VNNI: float, and integers by vpmaddwd on pairs of taps of 16-bit
// rows.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx2,fma")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

struct FloatDepthwise256 {
  using Vector = __m256;
  using Weights = __m256;
  static constexpr int kVectors = 2, kSets = 1, kWeights = 2, kSlotPixels = 1, kTapRows = 1, kSumBytes = 32,
                       kWeightBytes = 32;
  struct Mask {
    __m256i lanes[kVectors];
  };
  BURIN_INLINE Mask mask(const DepthwiseCall& call) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return {{_mm256_cmpgt_epi32(_mm256_set1_epi32(call.channels), lane),
             _mm256_cmpgt_epi32(_mm256_set1_epi32(call.channels - 8), lane)}};
  }
  BURIN_INLINE Vector loadSums(const uint8_t* p) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return loadSums(p); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) { _mm256_storeu_ps(reinterpret_cast<float*>(p), sum); }
  BURIN_INLINE void accumulate(Vector* sum, const uint8_t* const* rows, int64_t, int64_t offset,
                               const int64_t* pixel, const Weights* w, const Mask& m) {
    const float* x = reinterpret_cast<const float*>(rows[pixel[0]] + offset);
    BURIN_UNROLL
    for (int v = 0; v < kVectors; ++v)
      sum[v] = _mm256_fmadd_ps(_mm256_maskload_ps(x + v * 8, m.lanes[v]), w[v], sum[v]);
  }
  struct Finish {
    Vector low, high;
    BURIN_MEMBER explicit Finish(const DepthwiseCall& call)
        : low(_mm256_set1_ps(call.low)), high(_mm256_set1_ps(call.high)) {}
    BURIN_MEMBER void store(const DepthwiseCall& call, int pixel, const Vector* sum, const Mask& m) const {
      float* y = reinterpret_cast<float*>(call.out + pixel * call.outStride);
      BURIN_UNROLL
      for (int v = 0; v < kVectors; ++v)
        _mm256_maskstore_ps(y + v * 8, m.lanes[v], _mm256_min_ps(high, _mm256_max_ps(low, sum[v])));
    }
  };
};

#include "runtime/kernels/x86/conv_depthwise_avx2.inc.h"

// Pairs of taps of 16 channels, interleaved by 16-bit words within 128-bit parts.
struct DepthwiseMadd256 : IntegerDepthwise256<2, 2> {
  BURIN_INLINE void accumulate(Vector* sum, const uint8_t* const* rows, int64_t rowStep, int64_t offset,
                               const int64_t* pixel, const Weights* w, Mask) {
    const Vector a = loadTap(rows, offset, pixel), b = loadTap(rows + rowStep, offset, pixel);
    sum[0] = _mm256_add_epi32(sum[0], _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), w[0]));
    sum[1] = _mm256_add_epi32(sum[1], _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), w[1]));
  }
  struct Finish {
    ByteFinish256 bytes;
    BURIN_MEMBER explicit Finish(const DepthwiseCall& call) : bytes(call.bytes, call.scale) {}
    BURIN_MEMBER void store(const DepthwiseCall& call, int pixel, const Vector* sum, Mask) const {
      const Vector words = bytes.words(bytes.scaled(sum[0], 0), bytes.scaled(sum[1], 1));
      const Vector packed = _mm256_permute4x64_epi64(bytes.pack(words, words), 0x08);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(call.out + pixel * call.outStride),
                       _mm256_castsi256_si128(packed));
    }
  };
};

#include "runtime/ops/conv_depthwise.inc.h"

int sameLane(int lane) { return lane; }
// Vector v holds, in its 128-bit part p, channels 8p + 4v .. 8p + 4v + 3.
int indexOfLane(int lane) { return lane % 8 / 4 * 8 + lane / 8 * 4 + lane % 4; }

constexpr DepthwiseEngine makeFloatEngine() {
  DepthwiseEngine engine{"avx2", RowElement::F32, false, true, false, 16, 16, 1, 6, sameLane, 0, {}};
  addDepthwiseTiles<FloatDepthwise256>(engine, std::make_integer_sequence<int, 4>());
  return engine;
}
constexpr DepthwiseEngine makeMaddEngine() {
  DepthwiseEngine engine{"avx2", RowElement::I16, false, false, false, 16, 16, 2, 8, indexOfLane, 0, {}};
  addDepthwiseTiles<DepthwiseMadd256>(engine, std::make_integer_sequence<int, 4>());
  return engine;
}

} // namespace

const DepthwiseEngine kFloatDepthwise256 = makeFloatEngine();
const DepthwiseEngine kDepthwiseMadd256 = makeMaddEngine();

} // namespace burin::rt::x86
