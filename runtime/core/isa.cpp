#include "runtime/core/isa.h"

#include <cstdlib>
#include <cstring>

namespace burin::rt {

namespace {
constexpr const char* kNames[] = {"reference", "portable", "avx2", "avx512", "avx512vnni", "amx"};
}

#if !defined(__x86_64__)
Isa machineIsa() { return Isa::Portable; }
#endif

const char* isaName(Isa isa) { return kNames[static_cast<int>(isa)]; }

bool parseIsa(const char* name, Isa& isa) {
  for (int i = 0; i < static_cast<int>(sizeof kNames / sizeof *kNames); ++i)
    if (std::strcmp(name, kNames[i]) == 0) {
      isa = static_cast<Isa>(i);
      return true;
    }
  return false;
}

Isa detectIsa() {
  Isa best = machineIsa(), wanted = best;
  const char* limit = std::getenv("BURIN_ISA");
  if (limit && parseIsa(limit, wanted) && wanted < best) return wanted;
  return best;
}

} // namespace burin::rt
