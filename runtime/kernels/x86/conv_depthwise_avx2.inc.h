// What the integer depthwise engines on 256-bit vectors share. Included inside the namespace, after the
// macros.

#include "runtime/kernels/x86/conv_bytes_avx2.inc.h"

template <int Vectors, int Taps>
struct IntegerDepthwise256 {
  using Vector = __m256i;
  using Weights = __m256i;
  struct Mask {}; // blocks are always full
  static constexpr int kVectors = Vectors, kSets = 1, kWeights = Vectors, kSlotPixels = 1, kTapRows = Taps,
                       kSumBytes = 32, kWeightBytes = 32;
  BURIN_INLINE Mask mask(const DepthwiseCall&) { return {}; }
  BURIN_INLINE Vector loadSums(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return loadSums(p); }
  BURIN_INLINE Vector loadTap(const uint8_t* const* rows, int64_t offset, const int64_t* pixel) {
    return loadSums(rows[pixel[0]] + offset);
  }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), sum);
  }
};
