// Tile kernels on 512-bit vectors for 8-bit integers: vpdpbusd adds four products of unsigned row elements
// and signed weights to each 32-bit sum, exactly.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

struct Vnni512 {
  using Vector = __m512i;
  static constexpr int kStepBytes = 4, kVectorBytes = 64;
  BURIN_INLINE Vector load(const uint8_t* p) { return _mm512_loadu_si512(p); }
  BURIN_INLINE Vector broadcast(const uint8_t* p) { return _mm512_set1_epi32(loadWord(p)); }
  BURIN_INLINE Vector dot(Vector sum, Vector x, Vector w) { return _mm512_dpbusd_epi32(sum, x, w); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) { _mm512_storeu_si512(p, sum); }

  template <int V>
  struct Finish {
    __m512 low, high, scale[V];
    __m512i zero;
    __mmask16 last; // valid lanes of the last vector; the ones before it are full
    BURIN_MEMBER explicit Finish(const TileCall& call)
        : low(_mm512_set1_ps(call.low)), high(_mm512_set1_ps(call.high)),
          zero(_mm512_set1_epi32(call.zeroPoint)),
          last(static_cast<__mmask16>(0xFFFF >> (V * 16 - call.channels))) {
      BURIN_UNROLL
      for (int v = 0; v < V; ++v) scale[v] = _mm512_loadu_ps(call.scale + v * 16);
    }
    BURIN_MEMBER void store(uint8_t* out, const Vector* sum) const {
      BURIN_UNROLL
      for (int v = 0; v < V; ++v) {
        // A NaN becomes `low`: maxps returns its second operand for unordered ones.
        const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[v]), scale[v]);
        const __m512 clamped = _mm512_min_ps(_mm512_max_ps(scaled, low), high);
        const __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(clamped), zero);
        if (v < V - 1)
          _mm_storeu_si128(reinterpret_cast<__m128i*>(out + v * 16), _mm512_cvtepi32_epi8(q));
        else
          _mm512_mask_cvtepi32_storeu_epi8(out + v * 16, last, q);
      }
    }
  };
};

#include "runtime/kernels/x86/conv_tile.inc.h"

constexpr TileEngine makeEngine() {
  TileEngine engine{"avx512vnni", RowElement::U8, 16, 4, 4, {}, {}};
  addTiles<Vnni512, 1>(engine, std::make_integer_sequence<int, 14>());
  addTiles<Vnni512, 2>(engine, std::make_integer_sequence<int, 12>());
  addTiles<Vnni512, 3>(engine, std::make_integer_sequence<int, 8>());
  addTiles<Vnni512, 4>(engine, std::make_integer_sequence<int, 6>());
  return engine;
}

} // namespace

const TileEngine kVnniAvx512 = makeEngine();

} // namespace burin::rt::x86
