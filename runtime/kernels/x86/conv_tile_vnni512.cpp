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
  struct Finish {
    ByteFinish512 bytes;
    __m512 scale[V];
    __mmask64 mask;
    BURIN_MEMBER explicit Finish(const TileCall& call)
        : bytes(call.bytes), mask(_bzhi_u64(~uint64_t{0}, static_cast<unsigned>(call.channels))) {
      BURIN_UNROLL
      for (int v = 0; v < V; ++v) scale[v] = _mm512_loadu_ps(call.scale + v * 16);
    }
    // Packing works within 128-bit parts: part p of the packed bytes holds, as 32-bit words, part p of each
    // vector. The permutation puts word v of part p at 4v + p.
    BURIN_MEMBER void store(uint8_t* out, const Vector* sum) const {
      const Vector naturalOrder = _mm512_load_si512(kWordsByVector512);
      Vector q[4];
      BURIN_UNROLL
      for (int v = 0; v < 4; ++v) q[v] = v < V ? bytes.scaled(sum[v], scale[v]) : q[V - 1];
      const Vector first = bytes.words(q[0], q[1]), second = V > 2 ? bytes.words(q[2], q[3]) : first;
      const Vector packed = _mm512_permutexvar_epi32(naturalOrder, bytes.pack(first, second));
      if (V > 2)
        _mm512_mask_storeu_epi8(out, mask, packed);
      else
        _mm256_mask_storeu_epi8(out, static_cast<__mmask32>(mask), _mm512_castsi512_si256(packed));
    }
  };
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
