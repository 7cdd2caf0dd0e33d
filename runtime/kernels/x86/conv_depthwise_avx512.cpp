// Depthwise tiles on 512-bit vectors for float.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

template <int V>
struct FloatDepthwise512 {
  using Vector = __m512;
  using Weights = __m512;
  static constexpr int kVectors = V, kSets = 1, kWeights = V, kSlotPixels = 1, kTapRows = 1, kSumBytes = 64,
                       kWeightBytes = 64;
  struct Mask {
    __mmask16 lanes[V];
  };
  BURIN_INLINE Mask mask(const DepthwiseCall& call) {
    const uint64_t valid = _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(call.channels));
    Mask m;
    BURIN_UNROLL
    for (int v = 0; v < V; ++v) m.lanes[v] = static_cast<__mmask16>(valid >> (16 * v));
    return m;
  }
  BURIN_INLINE Vector loadSums(const uint8_t* p) { return _mm512_loadu_ps(p); }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return _mm512_loadu_ps(p); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) { _mm512_storeu_ps(p, sum); }
  BURIN_INLINE void accumulate(Vector* sum, const uint8_t* const* rows, int64_t, int64_t offset,
                               const int64_t* pixel, const Weights* w, const Mask& m) {
    const uint8_t* tap = rows[pixel[0]] + offset;
    BURIN_UNROLL
    for (int v = 0; v < V; ++v)
      sum[v] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(m.lanes[v], tap + v * 64), w[v], sum[v]);
  }
  struct Finish {
    Vector low, high;
    BURIN_MEMBER explicit Finish(const DepthwiseCall& call)
        : low(_mm512_set1_ps(call.low)), high(_mm512_set1_ps(call.high)) {}
    BURIN_MEMBER void store(const DepthwiseCall& call, int pixel, const Vector* sum, const Mask& m) const {
      uint8_t* out = call.out + pixel * call.outStride;
      BURIN_UNROLL
      for (int v = 0; v < V; ++v)
        _mm512_mask_storeu_ps(out + v * 64, m.lanes[v], _mm512_min_ps(high, _mm512_max_ps(low, sum[v])));
    }
  };
};

#include "runtime/ops/conv_depthwise.inc.h"

int sameLane(int lane) { return lane; }

template <int V, int P>
constexpr DepthwiseEngine makeEngine() {
  DepthwiseEngine engine{"avx512", RowElement::F32, false,    true, false, V * 16, V * 16,
                         1,        2 * V + 2,       sameLane, 0,    {}};
  addDepthwiseTiles<FloatDepthwise512<V>>(engine, std::make_integer_sequence<int, P>());
  return engine;
}

} // namespace

const DepthwiseEngine kFloatDepthwise512[4] = {makeEngine<1, 8>(), makeEngine<2, 6>(), makeEngine<3, 4>(),
                                               makeEngine<4, 4>()};

} // namespace burin::rt::x86
