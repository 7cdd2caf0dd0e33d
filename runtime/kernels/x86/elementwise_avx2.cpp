// The vector loops for AVX2 with FMA.
#define BURIN_TARGET __attribute__((target("avx2,fma")))
#define BURIN_ISA_NAME avx2
#define BURIN_ISA_TEXT "avx2"
#define BURIN_PANELS 4
#include "runtime/kernels/vector_loops.h"

namespace burin::rt {
extern const VectorKernels kAvx2VectorKernels;
const VectorKernels kAvx2VectorKernels = avx2::kKernels;
} // namespace burin::rt
