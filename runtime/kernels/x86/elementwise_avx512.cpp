// The vector loops for AVX-512.
#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define BURIN_ISA_NAME avx512
#define BURIN_ISA_TEXT "avx512"
#define BURIN_PANELS 4
#include "runtime/kernels/vector_loops.h"

namespace burin::rt {
extern const VectorKernels kAvx512VectorKernels;
const VectorKernels kAvx512VectorKernels = avx512::kKernels;
} // namespace burin::rt
