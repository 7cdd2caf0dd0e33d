// Tile kernels on 512-bit vectors for float.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

struct FloatAvx512 {
  using Vector = __m512;
  using Weights = __m512;
  static constexpr int kStepBytes = 4, kSumBytes = 64, kWeightBytes = 64;
  BURIN_INLINE Vector loadSums(const uint8_t* p) { return _mm512_loadu_ps(p); }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return loadSums(p); }
  BURIN_INLINE Vector broadcast(const uint8_t* p) {
    return _mm512_set1_ps(*reinterpret_cast<const float*>(p));
  }
  BURIN_INLINE Vector dot(Vector sum, Vector x, Vector w) { return _mm512_fmadd_ps(x, w, sum); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) { _mm512_storeu_ps(p, sum); }

  template <int V>
  struct Finish {
    Vector low, high;
    __mmask16 last; // valid lanes of the last vector; the ones before it are full
    BURIN_MEMBER explicit Finish(const TileCall& call)
        : low(_mm512_set1_ps(call.low)), high(_mm512_set1_ps(call.high)),
          last(static_cast<__mmask16>(0xFFFF >> (V * 16 - call.channels))) {}
    BURIN_MEMBER void store(uint8_t* out, const Vector* sum) const {
      BURIN_UNROLL
      for (int v = 0; v < V; ++v) {
        const Vector clamped = _mm512_min_ps(high, _mm512_max_ps(low, sum[v]));
        if (v < V - 1)
          _mm512_storeu_ps(out + v * 64, clamped);
        else
          _mm512_mask_storeu_ps(out + v * 64, last, clamped);
      }
    }
  };
};

#include "runtime/ops/conv_tile.inc.h"

constexpr TileEngine makeEngine() {
  TileEngine engine{"avx512", RowElement::F32, 16, 1, 4, {}, {}};
  addTiles<FloatAvx512, 1>(engine, std::make_integer_sequence<int, 14>());
  addTiles<FloatAvx512, 2>(engine, std::make_integer_sequence<int, 12>());
  addTiles<FloatAvx512, 3>(engine, std::make_integer_sequence<int, 8>());
  addTiles<FloatAvx512, 4>(engine, std::make_integer_sequence<int, 6>());
  return engine;
}

} // namespace

const TileEngine kFloatAvx512 = makeEngine();

} // namespace burin::rt::x86
