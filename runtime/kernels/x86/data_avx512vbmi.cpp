// The data loops for AVX-512 with VBMI: a table of 256 bytes is four registers, read by two two-register
// permutations.
#include <immintrin.h>

#include <cstdint>

#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma")))

namespace burin::rt::avx512vbmi {

BURIN_TARGET static void lookUpPermuted(const uint8_t* x, const uint8_t* table, uint8_t* y, int64_t width) {
  const __m512i t0 = _mm512_loadu_si512(table), t1 = _mm512_loadu_si512(table + 64);
  const __m512i t2 = _mm512_loadu_si512(table + 128), t3 = _mm512_loadu_si512(table + 192);
  for (int64_t i = 0; i < width; i += 64) {
    const int64_t n = width - i;
    const __mmask64 live = n >= 64 ? ~__mmask64{0} : (__mmask64{1} << n) - 1;
    const __m512i index = _mm512_maskz_loadu_epi8(live, x + i);
    const __m512i low = _mm512_permutex2var_epi8(t0, index, t1);
    const __m512i high = _mm512_permutex2var_epi8(t2, index, t3);
    const __m512i entry = _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
    _mm512_mask_storeu_epi8(y + i, live, entry);
  }
}

} // namespace burin::rt::avx512vbmi

#define BURIN_LOOK_UP lookUpPermuted
#define BURIN_ISA_NAME avx512vbmi
#include "runtime/kernels/data_loops.h"

namespace burin::rt {
extern const DataKernels kAvx512VbmiDataKernels;
const DataKernels kAvx512VbmiDataKernels = avx512vbmi::kKernels;
} // namespace burin::rt
