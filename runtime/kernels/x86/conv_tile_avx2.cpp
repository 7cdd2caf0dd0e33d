// Tile kernels on 256-bit vectors without VNNI: float, and integers by vpmaddwd on 16-bit rows (vpmaddubsw
// would saturate).
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx2,fma")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

struct Float256 {
  using Vector = __m256;
  using Weights = __m256;
  static constexpr int kStepBytes = 4, kSumBytes = 32, kWeightBytes = 32;
  BURIN_INLINE Vector loadSums(const uint8_t* p) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return loadSums(p); }
  BURIN_INLINE Vector broadcast(const uint8_t* p) {
    return _mm256_broadcast_ss(reinterpret_cast<const float*>(p));
  }
  BURIN_INLINE Vector dot(Vector sum, Vector x, Vector w) { return _mm256_fmadd_ps(x, w, sum); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) { _mm256_storeu_ps(reinterpret_cast<float*>(p), sum); }

  template <int V>
  struct Finish {
    Vector low, high;
    __m256i last; // valid lanes of the last vector; the ones before it are full
    BURIN_MEMBER explicit Finish(const TileCall& call)
        : low(_mm256_set1_ps(call.low)), high(_mm256_set1_ps(call.high)) {
      const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
      last = _mm256_cmpgt_epi32(_mm256_set1_epi32(call.channels - (V - 1) * 8), lane);
    }
    BURIN_MEMBER void store(uint8_t* out, const Vector* sum) const {
      float* y = reinterpret_cast<float*>(out);
      BURIN_UNROLL
      for (int v = 0; v < V; ++v) {
        const Vector clamped = _mm256_min_ps(high, _mm256_max_ps(low, sum[v]));
        if (v < V - 1)
          _mm256_storeu_ps(y + v * 8, clamped);
        else
          _mm256_maskstore_ps(y + v * 8, last, clamped);
      }
    }
  };
};

#include "runtime/kernels/x86/conv_tile_avx2.inc.h"

struct Madd256 : Integer256 {
  BURIN_INLINE Vector dot(Vector sum, Vector x, Vector w) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
  }
};

#include "runtime/ops/conv_tile.inc.h"

template <class E>
constexpr TileEngine makeEngine(RowElement element, int group) {
  TileEngine engine{"avx2", element, 8, group, 2, {}, {}};
  addTiles<E, 1>(engine, std::make_integer_sequence<int, 8>());
  addTiles<E, 2>(engine, std::make_integer_sequence<int, 6>());
  return engine;
}

} // namespace

const TileEngine kFloatAvx2 = makeEngine<Float256>(RowElement::F32, 1);
const TileEngine kMaddAvx2 = makeEngine<Madd256>(RowElement::I16, 2);

} // namespace burin::rt::x86
