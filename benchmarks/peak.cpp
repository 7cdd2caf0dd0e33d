#include "benchmarks/peak.h"

#include <chrono>

#if defined(__x86_64__)
#include "runtime/kernels/x86/isa.h"

#include <immintrin.h>
#endif

namespace burin {

namespace {

template <class Body>
double perSecond(double productsPerCall, const Body& body) {
  double best = 0;
  for (int round = 0; round < 20; ++round) {
    const auto start = std::chrono::steady_clock::now();
    body();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = best > productsPerCall / seconds ? best : productsPerCall / seconds;
  }
  return best;
}

} // namespace

#if defined(__x86_64__)

namespace {

constexpr int kRepeats = 200000, kChains = 12;

// The empty asm keeps each chain in a register and stops the compiler from merging steps.
#define BURIN_CHAIN(vector, step)                                                                            \
  vector sum[kChains] = {};                                                                                  \
  for (int i = 0; i < kRepeats; ++i)                                                                         \
    for (int c = 0; c < kChains; ++c) {                                                                      \
      sum[c] = step;                                                                                         \
      __asm__ volatile("" : "+v"(sum[c]));                                                                   \
    }

__attribute__((target("avx512f"))) void chain512() {
  const __m512 one = _mm512_set1_ps(1.0f);
  BURIN_CHAIN(__m512, _mm512_fmadd_ps(one, one, sum[c]))
}
__attribute__((target("avx2,fma"))) void chain256() {
  const __m256 one = _mm256_set1_ps(1.0f);
  BURIN_CHAIN(__m256, _mm256_fmadd_ps(one, one, sum[c]))
}
__attribute__((target("avx512f,avx512vnni"))) void chainVnni512() {
  const __m512i one = _mm512_set1_epi8(1);
  BURIN_CHAIN(__m512i, _mm512_dpbusd_epi32(sum[c], one, one))
}
__attribute__((target("avx2,avxvnni"))) void chainVnni256() {
  const __m256i one = _mm256_set1_epi8(1);
  BURIN_CHAIN(__m256i, _mm256_dpbusd_avx_epi32(sum[c], one, one))
}
__attribute__((target("avx2"))) void chainMadd256() {
  const __m256i one = _mm256_set1_epi16(1);
  BURIN_CHAIN(__m256i, _mm256_add_epi32(sum[c], _mm256_madd_epi16(sum[c], one)))
}
#undef BURIN_CHAIN

} // namespace

double peakFloatProducts(rt::Isa isa) {
  if (isa >= rt::Isa::Avx512) return perSecond(16.0 * kRepeats * kChains, chain512);
  if (isa >= rt::Isa::Avx2) return perSecond(8.0 * kRepeats * kChains, chain256);
  return 0;
}

double peakByteProducts(rt::Isa isa) {
  if (isa >= rt::Isa::Avx512Vnni) return perSecond(64.0 * kRepeats * kChains, chainVnni512);
  if (isa < rt::Isa::Avx2) return 0;
  if (rt::x86::cpuFeatures().avxVnni) return perSecond(32.0 * kRepeats * kChains, chainVnni256);
  return perSecond(16.0 * kRepeats * kChains, chainMadd256);
}

#else
double peakFloatProducts(rt::Isa) { return 0; }
double peakByteProducts(rt::Isa) { return 0; }
#endif

} // namespace burin
