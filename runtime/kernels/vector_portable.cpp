// The baseline of the build and the choice between instruction sets.
#define BURIN_TARGET
#define BURIN_ISA_NAME portable
#define BURIN_ISA_TEXT "portable"
#define BURIN_PANELS 2
#include "runtime/kernels/vector_loops.h"

namespace burin::rt {

#if defined(__x86_64__)
extern const VectorKernels kAvx2VectorKernels, kAvx512VectorKernels;
#endif

const VectorKernels* vectorKernels(Isa isa) {
  if (isa == Isa::Reference) return nullptr;
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return &kAvx512VectorKernels;
  if (isa == Isa::Avx2) return &kAvx2VectorKernels;
#endif
  return &portable::kKernels;
}

} // namespace burin::rt
