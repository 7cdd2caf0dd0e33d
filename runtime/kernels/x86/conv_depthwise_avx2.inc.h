// What the integer depthwise engines on 256-bit vectors share. Included inside the namespace, after the
// macros.

template <int Vectors>
struct IntegerDepthwise256 {
  using Vector = __m256i;
  struct Mask {}; // blocks are always full
  static constexpr int kVectors = Vectors, kVectorBytes = 32;
  BURIN_INLINE Mask mask(const DepthwiseCall&) { return {}; }
  BURIN_INLINE Vector load(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), sum);
  }

  struct FinishBase {
    const float* scale;
    __m256 low, high;
    __m256i zero;
    bool unsignedOut;
    BURIN_MEMBER explicit FinishBase(const DepthwiseCall& call)
        : scale(call.scale), low(_mm256_set1_ps(call.low)), high(_mm256_set1_ps(call.high)),
          zero(_mm256_set1_epi16(static_cast<int16_t>(call.zeroPoint))), unsignedOut(call.unsignedOut) {}
    BURIN_MEMBER Vector scaled(Vector sum, int v) const {
      // A NaN becomes `low`: maxps returns its second operand for unordered ones.
      const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(scale + v * 8));
      return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(value, low), high));
    }
    BURIN_MEMBER Vector packBytes(Vector a, Vector b) const {
      return unsignedOut ? _mm256_packus_epi16(a, b) : _mm256_packs_epi16(a, b);
    }
  };
};
