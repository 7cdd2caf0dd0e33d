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

// Rows of a tile of V vectors.
template <int V>
struct ByteRowFinish512 {
  ByteFinish512 bytes;
  __m512 scale[V];
  __mmask64 mask;
  BURIN_MEMBER explicit ByteRowFinish512(const TileCall& call)
      : bytes(call.bytes), mask(_bzhi_u64(~uint64_t{0}, static_cast<unsigned>(call.channels))) {
    BURIN_UNROLL
    for (int v = 0; v < V; ++v) scale[v] = _mm512_loadu_ps(call.scale + v * 16);
  }
  // Packing works within 128-bit parts: part p of the packed bytes holds, as 32-bit words, part p of each
  // vector. The permutation puts word v of part p at 4v + p.
  BURIN_MEMBER void store(uint8_t* out, const __m512i* sum) const {
    const __m512i naturalOrder = _mm512_load_si512(kWordsByVector512);
    __m512i q[4];
    BURIN_UNROLL
    for (int v = 0; v < 4; ++v) q[v] = v < V ? bytes.scaled(sum[v], scale[v]) : q[V - 1];
    const __m512i first = bytes.words(q[0], q[1]), second = V > 2 ? bytes.words(q[2], q[3]) : first;
    const __m512i packed = _mm512_permutexvar_epi32(naturalOrder, bytes.pack(first, second));
    if (V > 2)
      _mm512_mask_storeu_epi8(out, mask, packed);
    else
      _mm256_mask_storeu_epi8(out, static_cast<__mmask32>(mask), _mm512_castsi512_si256(packed));
  }
};
