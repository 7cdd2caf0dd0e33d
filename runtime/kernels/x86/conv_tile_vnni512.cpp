// Tile kernels on 512-bit vectors for 8-bit integers: vpdpbusd adds four products of unsigned row elements
// and signed weights to each 32-bit sum, exactly.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi2")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

#include "runtime/kernels/x86/conv_bytes_avx512.inc.h"

struct Vnni512 {
  using Vector = __m512i;
  using Weights = __m512i;
  static constexpr int kStepBytes = 4, kSumBytes = 64, kWeightBytes = 64;
  BURIN_INLINE Vector loadSums(const uint8_t* p) { return _mm512_loadu_si512(p); }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return loadSums(p); }
  BURIN_INLINE Vector broadcast(const uint8_t* p) { return _mm512_set1_epi32(loadWord(p)); }
  BURIN_INLINE Vector dot(Vector sum, Vector x, Vector w) { return _mm512_dpbusd_epi32(sum, x, w); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) { _mm512_storeu_si512(p, sum); }

  template <int V>
  using Finish = ByteRowFinish512<V>;
};

#include "runtime/ops/conv_tile.inc.h"

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
