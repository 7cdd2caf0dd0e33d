#include "lib/calibrate/block_scan.h"

#include "lib/calibrate/float_key.h"
#include "lib/calibrate/histogram.h"

#include <algorithm>
#include <array>

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined source operand inside its own AVX-512 intrinsics for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#endif

namespace burin::detail {
namespace {

struct Cursor {
  std::int32_t minimumKey = INT32_MAX;
  std::int32_t maximumKey = INT32_MIN;
  std::uint32_t nonZero = 0;
  std::uint32_t candidates = 0;

  BlockResult result() const { return {minimumKey, maximumKey, nonZero, candidates}; }
};

// |value| * binsPerUnit is exact (a power of two); truncation is the floor. Values out of range give a wrong
// bin that the caller throws away, so they are clamped only to keep the conversion defined.
std::int32_t slotOf(float value, float binsPerUnit) {
  const std::uint32_t magnitude = std::min(magnitudeBits(value), kInfinityBits - 1);
  const float position = std::min(std::bit_cast<float>(magnitude) * binsPerUnit, 1073741824.0f);
  const std::int32_t sign = std::bit_cast<std::int32_t>(value) >> 31;
  return slotOfBin(static_cast<std::int32_t>(position) ^ sign);
}

void scanScalar(const BlockRequest& request, std::size_t begin, Cursor& cursor) {
  for (std::size_t i = begin; i < request.count; ++i) {
    const float value = request.values[i];
    const std::int32_t key = orderedKey(value);
    cursor.minimumKey = std::min(cursor.minimumKey, key);
    cursor.maximumKey = std::max(cursor.maximumKey, key);
    request.slots[cursor.nonZero] = slotOf(value, request.binsPerUnit);
    cursor.nonZero += magnitudeBits(value) != 0;
    request.candidates[cursor.candidates] = magnitudeKey(value);
    cursor.candidates += magnitudeKey(value) > request.candidateFloor;
  }
}

BlockResult scanPortable(const BlockRequest& request) {
  Cursor cursor;
  scanScalar(request, 0, cursor);
  return cursor.result();
}

#if defined(__x86_64__)

__attribute__((target("avx512f"))) BlockResult scanAvx512(const BlockRequest& request) {
  Cursor cursor;
  const __m512i magnitudeMask = _mm512_set1_epi32(static_cast<int>(kMagnitudeMask));
  const __m512i floor = _mm512_set1_epi32(static_cast<int>(request.candidateFloor));
  const __m512 binsPerUnit = _mm512_set1_ps(request.binsPerUnit);
  __m512i minimum = _mm512_set1_epi32(INT32_MAX);
  __m512i maximum = _mm512_set1_epi32(INT32_MIN);
  std::size_t i = 0;
  for (; i + 16 <= request.count; i += 16) {
    const __m512i bits = _mm512_loadu_si512(request.values + i);
    const __m512i sign = _mm512_srai_epi32(bits, 31);
    const __m512i key = _mm512_xor_si512(bits, _mm512_srli_epi32(sign, 1));
    minimum = _mm512_min_epi32(minimum, key);
    maximum = _mm512_max_epi32(maximum, key);
    const __m512i magnitude = _mm512_and_si512(bits, magnitudeMask);
    const __mmask16 nonZero = _mm512_test_epi32_mask(magnitude, magnitude);
    const __m512 position = _mm512_mul_ps(_mm512_castsi512_ps(magnitude), binsPerUnit);
    const __m512i bin = _mm512_xor_si512(_mm512_cvttps_epi32(position), sign);
    const __m512i slot =
        _mm512_xor_si512(bin, _mm512_and_si512(_mm512_srai_epi32(bin, 5), _mm512_set1_epi32(0x7f0)));
    _mm512_storeu_si512(request.slots + cursor.nonZero, _mm512_maskz_compress_epi32(nonZero, slot));
    cursor.nonZero += static_cast<std::uint32_t>(__builtin_popcount(nonZero));
    const __m512i rotated = _mm512_rol_epi32(bits, 1);
    const __mmask16 large = _mm512_cmpgt_epu32_mask(rotated, floor);
    if (__builtin_expect(large != 0, 0)) {
      _mm512_storeu_si512(request.candidates + cursor.candidates,
                          _mm512_maskz_compress_epi32(large, rotated));
      cursor.candidates += static_cast<std::uint32_t>(__builtin_popcount(large));
    }
  }
  cursor.minimumKey = _mm512_reduce_min_epi32(minimum);
  cursor.maximumKey = _mm512_reduce_max_epi32(maximum);
  scanScalar(request, i, cursor);
  return cursor.result();
}

// Row m lists the positions of the bits set in m: the permutation that packs the chosen lanes to the front.
constexpr std::array<std::array<std::uint8_t, 8>, 256> makePackTable() {
  std::array<std::array<std::uint8_t, 8>, 256> table{};
  for (unsigned mask = 0; mask < 256; ++mask) {
    unsigned next = 0;
    for (unsigned lane = 0; lane < 8; ++lane)
      if (mask >> lane & 1) table[mask][next++] = static_cast<std::uint8_t>(lane);
  }
  return table;
}
constexpr std::array<std::array<std::uint8_t, 8>, 256> kPackTable = makePackTable();

__attribute__((target("avx2"))) inline void packStore(void* to, __m256i lanes, int mask) {
  const __m128i row = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kPackTable[mask].data()));
  _mm256_storeu_si256(static_cast<__m256i*>(to),
                      _mm256_permutevar8x32_epi32(lanes, _mm256_cvtepu8_epi32(row)));
}

__attribute__((target("avx2"))) BlockResult scanAvx2(const BlockRequest& request) {
  Cursor cursor;
  const __m256i magnitudeMask = _mm256_set1_epi32(static_cast<int>(kMagnitudeMask));
  const __m256i floor = _mm256_set1_epi32(static_cast<int>(request.candidateFloor));
  const __m256 binsPerUnit = _mm256_set1_ps(request.binsPerUnit);
  __m256i minimum = _mm256_set1_epi32(INT32_MAX);
  __m256i maximum = _mm256_set1_epi32(INT32_MIN);
  std::size_t i = 0;
  for (; i + 8 <= request.count; i += 8) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(request.values + i));
    const __m256i sign = _mm256_srai_epi32(bits, 31);
    const __m256i key = _mm256_xor_si256(bits, _mm256_srli_epi32(sign, 1));
    minimum = _mm256_min_epi32(minimum, key);
    maximum = _mm256_max_epi32(maximum, key);
    const __m256i magnitude = _mm256_and_si256(bits, magnitudeMask);
    const __m256i zero = _mm256_cmpeq_epi32(magnitude, _mm256_setzero_si256());
    const int nonZero = ~_mm256_movemask_ps(_mm256_castsi256_ps(zero)) & 0xff;
    const __m256 position = _mm256_mul_ps(_mm256_castsi256_ps(magnitude), binsPerUnit);
    const __m256i bin = _mm256_xor_si256(_mm256_cvttps_epi32(position), sign);
    const __m256i slot =
        _mm256_xor_si256(bin, _mm256_and_si256(_mm256_srai_epi32(bin, 5), _mm256_set1_epi32(0x7f0)));
    packStore(request.slots + cursor.nonZero, slot, nonZero);
    cursor.nonZero += static_cast<std::uint32_t>(__builtin_popcount(static_cast<unsigned>(nonZero)));
    // rotated > floor, unsigned: not (max(rotated, floor) == floor).
    const __m256i rotated = _mm256_or_si256(_mm256_slli_epi32(bits, 1), _mm256_srli_epi32(bits, 31));
    const __m256i small = _mm256_cmpeq_epi32(_mm256_max_epu32(rotated, floor), floor);
    const int large = ~_mm256_movemask_ps(_mm256_castsi256_ps(small)) & 0xff;
    if (__builtin_expect(large != 0, 0)) {
      packStore(request.candidates + cursor.candidates, rotated, large);
      cursor.candidates += static_cast<std::uint32_t>(__builtin_popcount(static_cast<unsigned>(large)));
    }
  }
  alignas(32) std::int32_t lanes[16];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), minimum);
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes + 8), maximum);
  cursor.minimumKey = *std::min_element(lanes, lanes + 8);
  cursor.maximumKey = *std::max_element(lanes + 8, lanes + 16);
  scanScalar(request, i, cursor);
  return cursor.result();
}

#endif // __x86_64__

} // namespace

std::vector<ScanKernel> availableScanKernels() {
  std::vector<ScanKernel> kernels{{"portable", scanPortable}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) kernels.push_back({"avx2", scanAvx2});
  if (__builtin_cpu_supports("avx512f")) kernels.push_back({"avx512", scanAvx512});
#endif
  return kernels;
}

const ScanKernel& bestScanKernel() {
  static const ScanKernel kernel = availableScanKernels().back();
  return kernel;
}

} // namespace burin::detail
