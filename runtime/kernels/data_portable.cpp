// The baseline of the build and the choice between instruction sets.
#define BURIN_TARGET
#define BURIN_ISA_NAME portable
#include "runtime/kernels/data_loops.h"

namespace burin::rt {

#if defined(__x86_64__)
extern const DataKernels kAvx2DataKernels, kAvx512DataKernels, kAvx512VbmiDataKernels;
#endif

const DataKernels& portableDataKernels() { return portable::kKernels; }

const DataKernels* dataKernels(Isa isa) {
  if (isa == Isa::Reference) return nullptr;
#if defined(__x86_64__)
  if (isa >= Isa::Avx512)
    return __builtin_cpu_supports("avx512vbmi") ? &kAvx512VbmiDataKernels : &kAvx512DataKernels;
  if (isa == Isa::Avx2) return &kAvx2DataKernels;
#endif
  return &portable::kKernels;
}

} // namespace burin::rt
