// Depthwise tiles on 512-bit vectors for 8-bit integers. Four taps of 64 channels (or of 2 pixels of 32, or 4
// of 16) are interleaved by bytes, so that one vpdpbusd sums them for 16 channels. Interleaving works within
// 128-bit parts; the sums' order follows from it and is undone by packing the results.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi2")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

#include "runtime/kernels/x86/conv_bytes_avx512.inc.h"

// FlipSign: rows hold signed bytes; weights and zero points are packed for unsigned ones (value + 128).
template <bool FlipSign, int Parts, bool SharesTaps>
struct DepthwiseVnni512 {
  using Vector = __m512i;
  using Weights = __m512i;
  using Mask = __mmask64;
  static constexpr int kVectors = 4, kSets = SharesTaps ? 2 : 1, kWeights = 4 * kSets,
                       kSlotPixels = Parts * kSets, kTapRows = SharesTaps ? 3 : 4, kSumBytes = 64,
                       kWeightBytes = 64;
  BURIN_INLINE Mask mask(const DepthwiseCall& call) {
    return _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(call.channels));
  }
  BURIN_INLINE Vector loadSums(const uint8_t* p) { return _mm512_loadu_si512(p); }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return _mm512_loadu_si512(p); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) { _mm512_storeu_si512(p, sum); }

  // One tap of all pixels of a set; `step` is the distance between the set's pixels in `pixel`.
  BURIN_INLINE Vector loadTap(const uint8_t* const* row, int64_t offset, const int64_t* pixel, int step,
                              Mask m) {
    auto at = [=](int part) { return row[pixel[part * step]] + offset; };
    Vector x;
    if (Parts == 1) {
      x = _mm512_maskz_loadu_epi8(m, at(0));
    } else if (Parts == 2) {
      const __mmask32 half = static_cast<__mmask32>(m);
      x = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(half, at(0))),
                             _mm256_maskz_loadu_epi8(half, at(1)), 1);
    } else {
      const __mmask16 quarter = static_cast<__mmask16>(m);
      x = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(quarter, at(0)));
      x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(quarter, at(1)), 1);
      x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(quarter, at(2)), 2);
      x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(quarter, at(3)), 3);
    }
    return FlipSign ? _mm512_xor_si512(x, _mm512_set1_epi8(-128)) : x;
  }
  BURIN_INLINE void accumulate(Vector* sum, const uint8_t* const* rows, int64_t rowStep, int64_t offset,
                               const int64_t* pixel, const Weights* w, Mask m) {
    // Sharing: the fourth column is the third one of the next pixel.
    const Vector a = loadTap(rows, offset, pixel, kSets, m),
                 b = loadTap(rows + rowStep, offset, pixel, kSets, m);
    const Vector c = loadTap(rows + 2 * rowStep, offset, pixel, kSets, m);
    const Vector d = SharesTaps ? loadTap(rows + 2 * rowStep, offset, pixel + 1, kSets, m)
                                : loadTap(rows + 3 * rowStep, offset, pixel, kSets, m);
    const Vector abLow = _mm512_unpacklo_epi8(a, b), abHigh = _mm512_unpackhi_epi8(a, b);
    const Vector cdLow = _mm512_unpacklo_epi8(c, d), cdHigh = _mm512_unpackhi_epi8(c, d);
    const Vector quads[4] = {_mm512_unpacklo_epi16(abLow, cdLow), _mm512_unpackhi_epi16(abLow, cdLow),
                             _mm512_unpacklo_epi16(abHigh, cdHigh), _mm512_unpackhi_epi16(abHigh, cdHigh)};
    BURIN_UNROLL
    for (int i = 0; i < kWeights; ++i) sum[i] = _mm512_dpbusd_epi32(sum[i], quads[i % 4], w[i]);
  }

  struct Finish {
    ByteFinish512 bytes;
    __m512 scale[kVectors];
    BURIN_MEMBER explicit Finish(const DepthwiseCall& call) : bytes(call.bytes) {
      BURIN_UNROLL
      for (int v = 0; v < kVectors; ++v) scale[v] = _mm512_loadu_ps(call.scale + v * 16);
    }
    BURIN_MEMBER void store(const DepthwiseCall& call, int first, const Vector* sum, Mask m) const {
      BURIN_UNROLL
      for (int set = 0; set < kSets; ++set, sum += kVectors) {
        const Vector low = bytes.words(bytes.scaled(sum[0], scale[0]), bytes.scaled(sum[1], scale[1]));
        const Vector high = bytes.words(bytes.scaled(sum[2], scale[2]), bytes.scaled(sum[3], scale[3]));
        storeSet(call, first + set, bytes.pack(low, high), m);
      }
    }
    // The pixels of a set are kSets apart.
    BURIN_MEMBER void storeSet(const DepthwiseCall& call, int first, Vector q, Mask m) const {
      uint8_t* out = call.out + first * call.outStride;
      const int64_t step = kSets * call.outStride;
      if (Parts == 1) {
        if (first < call.pixels) _mm512_mask_storeu_epi8(out, m, q);
      } else if (Parts == 2) {
        const __mmask32 half = static_cast<__mmask32>(m);
        if (first < call.pixels) _mm256_mask_storeu_epi8(out, half, _mm512_castsi512_si256(q));
        if (first + kSets < call.pixels)
          _mm256_mask_storeu_epi8(out + step, half, _mm512_extracti64x4_epi64(q, 1));
      } else {
        const __mmask16 quarter = static_cast<__mmask16>(m);
        if (first < call.pixels) _mm_mask_storeu_epi8(out, quarter, _mm512_castsi512_si128(q));
        if (first + kSets < call.pixels)
          _mm_mask_storeu_epi8(out + step, quarter, _mm512_extracti32x4_epi32(q, 1));
        if (first + 2 * kSets < call.pixels)
          _mm_mask_storeu_epi8(out + 2 * step, quarter, _mm512_extracti32x4_epi32(q, 2));
        if (first + 3 * kSets < call.pixels)
          _mm_mask_storeu_epi8(out + 3 * step, quarter, _mm512_extracti32x4_epi32(q, 3));
      }
    }
  };
};

#include "runtime/ops/conv_depthwise.inc.h"

// Vector v holds, in its 128-bit part p, bytes 16p + 4v .. 16p + 4v + 3 of a tap.
int indexOfLane(int lane) { return lane % 16 / 4 * 16 + lane / 16 * 4 + lane % 4; }

template <bool FlipSign, int Parts, bool SharesTaps>
constexpr DepthwiseEngine makeEngine() {
  // 4 taps of a load and inserts (at twice the price), 8 interleaving shuffles, one product per sum.
  constexpr int kCost = 4 * (2 * Parts - 1) + 8 + (SharesTaps ? 8 : 4);
  DepthwiseEngine engine{"avx512vnni", RowElement::U8, FlipSign, true, SharesTaps, 64 / Parts, 64, 4,
                         kCost,        indexOfLane,    0,        {}};
  addDepthwiseTiles<DepthwiseVnni512<FlipSign, Parts, SharesTaps>>(
      engine, std::make_integer_sequence<int, SharesTaps ? 2 : 4>());
  return engine;
}

} // namespace

const DepthwiseEngine kDepthwiseVnni512[6] = {makeEngine<false, 1, false>(), makeEngine<false, 2, false>(),
                                              makeEngine<false, 4, false>(), makeEngine<false, 1, true>(),
                                              makeEngine<false, 2, true>(),  makeEngine<false, 4, true>()};
const DepthwiseEngine kSignedDepthwiseVnni512[6] = {
    makeEngine<true, 1, false>(), makeEngine<true, 2, false>(), makeEngine<true, 4, false>(),
    makeEngine<true, 1, true>(),  makeEngine<true, 2, true>(),  makeEngine<true, 4, true>()};

} // namespace burin::rt::x86
