// What the integer engines on 256-bit vectors share. Included inside the namespace, after the macros.

#include "runtime/kernels/x86/conv_bytes_avx2.inc.h"

struct Integer256 {
  using Vector = __m256i;
  using Weights = __m256i;
  static constexpr int kStepBytes = 4, kSumBytes = 32, kWeightBytes = 32;
  BURIN_INLINE Vector loadSums(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return loadSums(p); }
  BURIN_INLINE Vector broadcast(const uint8_t* p) { return _mm256_set1_epi32(loadWord(p)); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), sum);
  }

  template <int V>
  struct Finish {
    ByteFinish256 bytes;
    int channels;
    BURIN_MEMBER explicit Finish(const TileCall& call)
        : bytes(call.bytes, call.scale), channels(call.channels) {}
    // Packing works within 128-bit parts: part p of the packed bytes holds, as 32-bit words, part p of each
    // vector. The permutation puts word v of part p at 2v + p.
    BURIN_MEMBER void store(uint8_t* out, const Vector* sum) const {
      const Vector naturalOrder = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
      Vector q[4];
      BURIN_UNROLL
      for (int v = 0; v < 4; ++v) q[v] = v < V ? bytes.scaled(sum[v], v) : q[V - 1];
      const Vector first = bytes.words(q[0], q[1]), second = V > 2 ? bytes.words(q[2], q[3]) : first;
      const Vector packed = _mm256_permutevar8x32_epi32(bytes.pack(first, second), naturalOrder);
      alignas(32) uint8_t values[32];
      if (channels == V * 8) {
        const __m128i low = _mm256_castsi256_si128(packed);
        if (V == 1)
          _mm_storel_epi64(reinterpret_cast<__m128i*>(out), low);
        else
          _mm_storeu_si128(reinterpret_cast<__m128i*>(out), low);
        if (V == 3)
          _mm_storel_epi64(reinterpret_cast<__m128i*>(out + 16), _mm256_extracti128_si256(packed, 1));
        return;
      }
      _mm256_store_si256(reinterpret_cast<__m256i*>(values), packed);
      for (int i = 0; i < channels; ++i) out[i] = values[i];
    }
  };
};
