// From 32-bit sums to requantised bytes on 512-bit vectors (TileStore::Bytes). Included inside the namespace,
// after the macros.

struct ByteFinish512 {
  __m512i zero, low, high, flip;
  BURIN_MEMBER explicit ByteFinish512(const ByteOutput& o)
      : zero(_mm512_set1_epi16(o.zeroPoint)), low(_mm512_set1_epi8(o.low)), high(_mm512_set1_epi8(o.high)),
        flip(_mm512_set1_epi8(static_cast<char>(o.flip))) {}

  BURIN_MEMBER __m512i scaled(__m512i sum, __m512 scale) const {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale));
  }
  // Saturation to 16 bits changes nothing that the clamp to 8 bits would not.
  BURIN_MEMBER __m512i words(__m512i a, __m512i b) const {
    return _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero);
  }
  BURIN_MEMBER __m512i pack(__m512i a, __m512i b) const {
    const __m512i q = _mm512_packs_epi16(a, b);
    return _mm512_xor_si512(_mm512_min_epi8(_mm512_max_epi8(q, low), high), flip);
  }
};
