// What the integer engines on 256-bit vectors share. Included inside the namespace, after the macros.

struct Integer256 {
  using Vector = __m256i;
  static constexpr int kStepBytes = 4, kVectorBytes = 32;
  BURIN_INLINE Vector load(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  BURIN_INLINE Vector broadcast(const uint8_t* p) { return _mm256_set1_epi32(loadWord(p)); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), sum);
  }

  template <int V>
  struct Finish {
    const float* scale;
    __m256 low, high;
    __m256i zero;
    int last; // valid lanes of the last vector; the ones before it are full
    BURIN_MEMBER explicit Finish(const TileCall& call)
        : scale(call.scale), low(_mm256_set1_ps(call.low)), high(_mm256_set1_ps(call.high)),
          zero(_mm256_set1_epi32(call.zeroPoint)), last(call.channels - (V - 1) * 8) {}
    BURIN_MEMBER void store(uint8_t* out, const Vector* sum) const {
      // The low byte of each 32-bit lane, gathered to the front of its half.
      const __m256i lowBytes = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                                0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
      BURIN_UNROLL
      for (int v = 0; v < V; ++v) {
        // A NaN becomes `low`: maxps returns its second operand for unordered ones.
        const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(sum[v]), _mm256_loadu_ps(scale + v * 8));
        const __m256 clamped = _mm256_min_ps(_mm256_max_ps(scaled, low), high);
        const __m256i q = _mm256_shuffle_epi8(_mm256_add_epi32(_mm256_cvtps_epi32(clamped), zero), lowBytes);
        const __m128i bytes = _mm_unpacklo_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
        if (v < V - 1 || last == 8) {
          _mm_storel_epi64(reinterpret_cast<__m128i*>(out + v * 8), bytes);
        } else {
          const uint64_t rest = static_cast<uint64_t>(_mm_cvtsi128_si64(bytes));
          for (int i = 0; i < last; ++i) out[v * 8 + i] = static_cast<uint8_t>(rest >> (8 * i));
        }
      }
    }
  };
};
