// Depthwise tiles on 512-bit vectors for float.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

struct FloatDepthwise512 {
  using Vector = __m512;
  using Weights = __m512;
  static constexpr int kVectors = 4, kSumBytes = 64, kWeightBytes = 64, kTaps = 1;
  struct Mask {
    __mmask16 lanes[kVectors];
  };
  BURIN_INLINE Mask mask(const DepthwiseCall& call) {
    Mask m;
    BURIN_UNROLL
    for (int v = 0; v < kVectors; ++v)
      m.lanes[v] =
          static_cast<__mmask16>(_bzhi_u64(~uint64_t{0}, static_cast<unsigned>(call.channels)) >> (16 * v));
    return m;
  }
  BURIN_INLINE Vector loadSums(const uint8_t* p) { return _mm512_loadu_ps(p); }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return loadSums(p); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) { _mm512_storeu_ps(p, sum); }
  BURIN_INLINE void accumulate(Vector* sum, const uint8_t* const* tap, const Vector* w, const Mask& m) {
    BURIN_UNROLL
    for (int v = 0; v < kVectors; ++v)
      sum[v] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(m.lanes[v], tap[0] + v * 64), w[v], sum[v]);
  }
  struct Finish {
    Vector low, high;
    BURIN_MEMBER explicit Finish(const DepthwiseCall& call)
        : low(_mm512_set1_ps(call.low)), high(_mm512_set1_ps(call.high)) {}
    BURIN_MEMBER void store(uint8_t* out, const Vector* sum, const Mask& m) const {
      BURIN_UNROLL
      for (int v = 0; v < kVectors; ++v)
        _mm512_mask_storeu_ps(out + v * 64, m.lanes[v], _mm512_min_ps(high, _mm512_max_ps(low, sum[v])));
    }
  };
};

#include "runtime/ops/conv_depthwise.inc.h"

int sameLane(int lane) { return lane; }

constexpr DepthwiseEngine makeEngine() {
  DepthwiseEngine engine{"avx512", RowElement::F32, false, true, 64, 1, 0, sameLane, {}};
  addDepthwiseTiles<FloatDepthwise512>(engine, std::make_integer_sequence<int, 4>());
  return engine;
}

} // namespace

const DepthwiseEngine kFloatDepthwise512 = makeEngine();

} // namespace burin::rt::x86
