// The data loops for AVX2 with FMA.
#define BURIN_TARGET __attribute__((target("avx2,fma")))
#define BURIN_ISA_NAME avx2
#include "runtime/kernels/data_loops.h"

namespace burin::rt {
extern const DataKernels kAvx2DataKernels;
const DataKernels kAvx2DataKernels = avx2::kKernels;
} // namespace burin::rt
