// From 32-bit sums to requantised bytes on 256-bit vectors (TileStore::Bytes). Included inside the namespace,
// after the macros.

struct ByteFinish256 {
  const float* scale;
  __m256i zero, low, high, flip;
  BURIN_MEMBER ByteFinish256(const ByteOutput& o, const float* scales)
      : scale(scales), zero(_mm256_set1_epi16(o.zeroPoint)), low(_mm256_set1_epi8(o.low)),
        high(_mm256_set1_epi8(o.high)), flip(_mm256_set1_epi8(static_cast<char>(o.flip))) {}

  BURIN_MEMBER __m256i scaled(__m256i sum, int v) const {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(scale + v * 8)));
  }
  // Saturation to 16 bits changes nothing that the clamp to 8 bits would not.
  BURIN_MEMBER __m256i words(__m256i a, __m256i b) const {
    return _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero);
  }
  BURIN_MEMBER __m256i pack(__m256i a, __m256i b) const {
    const __m256i q = _mm256_packs_epi16(a, b);
    return _mm256_xor_si256(_mm256_min_epi8(_mm256_max_epi8(q, low), high), flip);
  }
};
