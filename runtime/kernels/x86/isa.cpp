#include "runtime/kernels/x86/isa.h"

#include "runtime/core/isa.h"
#include "runtime/core/op.h"

#include <cpuid.h>
#include <cstdint>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace burin::rt {

namespace x86 {
namespace {

struct Registers {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};
Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r;
  if (!__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d)) return {};
  return r;
}
bool bit(uint32_t word, int index) { return (word >> index & 1) != 0; }

// XCR0: which register state the operating system saves.
__attribute__((target("xsave"))) uint64_t enabledState() { return __builtin_ia32_xgetbv(0); }

// Linux hands out tile data only on request (arch_prctl ARCH_REQ_XCOMP_PERM, state component 18).
bool requestTileData() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

CpuFeatures detect() {
  constexpr uint64_t kYmmState = 0x6, kZmmState = 0xE6, kTileState = 0x60000;
  CpuFeatures features;
  const Registers basic = cpuid(1, 0), extended = cpuid(7, 0), more = cpuid(7, 1);
  if (!bit(basic.c, 27)) return features; // the system does not use XSAVE
  const uint64_t state = enabledState();
  if ((state & kYmmState) != kYmmState) return features;
  features.avx2 = bit(basic.c, 12) && bit(basic.c, 28) && bit(extended.b, 5);
  features.avxVnni = features.avx2 && bit(more.a, 4);
  if (!features.avx2 || (state & kZmmState) != kZmmState) return features;
  features.avx512 = bit(extended.b, 16) && bit(extended.b, 17) && bit(extended.b, 30) && bit(extended.b, 31);
  features.avx512Vnni = features.avx512 && bit(extended.c, 11);
  const bool hasTiles = bit(extended.d, 24) && bit(extended.d, 25) && (state & kTileState) == kTileState;
  features.amxInt8 = features.avx512Vnni && hasTiles && requestTileData();
  return features;
}

} // namespace

const CpuFeatures& cpuFeatures() {
  static const CpuFeatures features = detect();
  return features;
}

} // namespace x86

Isa machineIsa() {
  const x86::CpuFeatures& features = x86::cpuFeatures();
  if (features.amxInt8) return Isa::Amx;
  if (features.avx512Vnni) return Isa::Avx512Vnni;
  if (features.avx512) return Isa::Avx512;
  return features.avx2 ? Isa::Avx2 : Isa::Portable;
}

} // namespace burin::rt
