// Depthwise tiles on 512-bit vectors for 8-bit integers. Four taps of 64 channels are interleaved by bytes,
// so that one vpdpbusd sums them for 16 channels. Interleaving works within 128-bit parts; the sums' order
// follows from it and is undone by packing the results.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi2")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

#include "runtime/kernels/x86/conv_bytes_avx512.inc.h"

// FlipSign: rows hold signed bytes; weights and zero points are packed for unsigned ones (value + 128).
template <bool FlipSign>
struct DepthwiseVnni512 {
  using Vector = __m512i;
  using Weights = __m512i;
  using Mask = __mmask64;
  static constexpr int kVectors = 4, kSumBytes = 64, kWeightBytes = 64, kTaps = 4;
  BURIN_INLINE Mask mask(const DepthwiseCall& call) {
    return _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(call.channels));
  }
  BURIN_INLINE Vector loadSums(const uint8_t* p) { return _mm512_loadu_si512(p); }
  BURIN_INLINE Weights loadWeights(const uint8_t* p) { return loadSums(p); }
  BURIN_INLINE void storeRaw(uint8_t* p, Vector sum) { _mm512_storeu_si512(p, sum); }
  BURIN_INLINE Vector loadTap(const uint8_t* p, Mask m) {
    const Vector x = _mm512_maskz_loadu_epi8(m, p);
    return FlipSign ? _mm512_xor_si512(x, _mm512_set1_epi8(-128)) : x;
  }
  BURIN_INLINE void accumulate(Vector* sum, const uint8_t* const* tap, const Vector* w, Mask m) {
    const Vector a = loadTap(tap[0], m), b = loadTap(tap[1], m), c = loadTap(tap[2], m),
                 d = loadTap(tap[3], m);
    const Vector abLow = _mm512_unpacklo_epi8(a, b), abHigh = _mm512_unpackhi_epi8(a, b);
    const Vector cdLow = _mm512_unpacklo_epi8(c, d), cdHigh = _mm512_unpackhi_epi8(c, d);
    sum[0] = _mm512_dpbusd_epi32(sum[0], _mm512_unpacklo_epi16(abLow, cdLow), w[0]);
    sum[1] = _mm512_dpbusd_epi32(sum[1], _mm512_unpackhi_epi16(abLow, cdLow), w[1]);
    sum[2] = _mm512_dpbusd_epi32(sum[2], _mm512_unpacklo_epi16(abHigh, cdHigh), w[2]);
    sum[3] = _mm512_dpbusd_epi32(sum[3], _mm512_unpackhi_epi16(abHigh, cdHigh), w[3]);
  }
  struct Finish {
    ByteFinish512 bytes;
    __m512 scale[kVectors];
    BURIN_MEMBER explicit Finish(const DepthwiseCall& call) : bytes(call.bytes) {
      BURIN_UNROLL
      for (int v = 0; v < kVectors; ++v) scale[v] = _mm512_loadu_ps(call.scale + v * 16);
    }
    BURIN_MEMBER void store(uint8_t* out, const Vector* sum, Mask m) const {
      const Vector first = bytes.words(bytes.scaled(sum[0], scale[0]), bytes.scaled(sum[1], scale[1]));
      const Vector second = bytes.words(bytes.scaled(sum[2], scale[2]), bytes.scaled(sum[3], scale[3]));
      _mm512_mask_storeu_epi8(out, m, bytes.pack(first, second));
    }
  };
};

#include "runtime/ops/conv_depthwise.inc.h"

// Vector v holds, in its 128-bit part p, channels 16p + 4v .. 16p + 4v + 3.
int channelOfLane(int lane) { return lane % 16 / 4 * 16 + lane / 16 * 4 + lane % 4; }

template <bool FlipSign>
constexpr DepthwiseEngine makeEngine() {
  DepthwiseEngine engine{"avx512vnni", RowElement::U8, FlipSign, true, 64, 4, 0, channelOfLane, {}};
  addDepthwiseTiles<DepthwiseVnni512<FlipSign>>(engine, std::make_integer_sequence<int, 4>());
  return engine;
}

} // namespace

const DepthwiseEngine kDepthwiseVnni512[2] = {makeEngine<false>(), makeEngine<true>()};

} // namespace burin::rt::x86
