// Depthwise tiles on 256-bit vectors for 8-bit integers: four taps of 32 channels interleaved by bytes for
// vpdpbusd.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx2,fma,avxvnni")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

#include "runtime/kernels/x86/conv_depthwise_avx2.inc.h"

template <bool FlipSign>
struct DepthwiseVnni256 : IntegerDepthwise256<4, 4> {
  using Vector = __m256i;
  using Base = IntegerDepthwise256<4, 4>;
  BURIN_INLINE Vector loadTap(const uint8_t* const* rows, int64_t offset, const int64_t* pixel) {
    const Vector x = Base::loadTap(rows, offset, pixel);
    return FlipSign ? _mm256_xor_si256(x, _mm256_set1_epi8(-128)) : x;
  }
  BURIN_INLINE void accumulate(Vector* sum, const uint8_t* const* rows, int64_t rowStep, int64_t offset,
                               const int64_t* pixel, const Vector* w, Base::Mask) {
    const Vector a = loadTap(rows, offset, pixel), b = loadTap(rows + rowStep, offset, pixel);
    const Vector c = loadTap(rows + 2 * rowStep, offset, pixel),
                 d = loadTap(rows + 3 * rowStep, offset, pixel);
    const Vector abLow = _mm256_unpacklo_epi8(a, b), abHigh = _mm256_unpackhi_epi8(a, b);
    const Vector cdLow = _mm256_unpacklo_epi8(c, d), cdHigh = _mm256_unpackhi_epi8(c, d);
    sum[0] = _mm256_dpbusd_avx_epi32(sum[0], _mm256_unpacklo_epi16(abLow, cdLow), w[0]);
    sum[1] = _mm256_dpbusd_avx_epi32(sum[1], _mm256_unpackhi_epi16(abLow, cdLow), w[1]);
    sum[2] = _mm256_dpbusd_avx_epi32(sum[2], _mm256_unpacklo_epi16(abHigh, cdHigh), w[2]);
    sum[3] = _mm256_dpbusd_avx_epi32(sum[3], _mm256_unpackhi_epi16(abHigh, cdHigh), w[3]);
  }
  struct Finish {
    ByteFinish256 bytes;
    BURIN_MEMBER explicit Finish(const DepthwiseCall& call) : bytes(call.bytes, call.scale) {}
    BURIN_MEMBER void store(const DepthwiseCall& call, int pixel, const Vector* sum, Base::Mask) const {
      const Vector first = bytes.words(bytes.scaled(sum[0], 0), bytes.scaled(sum[1], 1));
      const Vector second = bytes.words(bytes.scaled(sum[2], 2), bytes.scaled(sum[3], 3));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(call.out + pixel * call.outStride),
                          bytes.pack(first, second));
    }
  };
};

#include "runtime/ops/conv_depthwise.inc.h"

// Vector v holds, in its 128-bit part p, channels 16p + 4v .. 16p + 4v + 3.
int indexOfLane(int lane) { return lane % 8 / 4 * 16 + lane / 8 * 4 + lane % 4; }

template <bool FlipSign>
constexpr DepthwiseEngine makeEngine() {
  DepthwiseEngine engine{"avxvnni", RowElement::U8, FlipSign, false, false, 32, 32, 4,
                         16,        indexOfLane,    0,        {}};
  addDepthwiseTiles<DepthwiseVnni256<FlipSign>>(engine, std::make_integer_sequence<int, 2>());
  return engine;
}

} // namespace

const DepthwiseEngine kDepthwiseVnni256[2] = {makeEngine<false>(), makeEngine<true>()};

} // namespace burin::rt::x86
