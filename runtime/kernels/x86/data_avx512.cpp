// The data loops for AVX-512.
#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define BURIN_ISA_NAME avx512
#include "runtime/kernels/data_loops.h"

namespace burin::rt {
extern const DataKernels kAvx512DataKernels;
const DataKernels kAvx512DataKernels = avx512::kKernels;
} // namespace burin::rt
