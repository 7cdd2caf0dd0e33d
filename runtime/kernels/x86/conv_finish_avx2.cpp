// Requantisation loops, vectorised by the compiler for this instruction set.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <utility>

#define BURIN_TARGET __attribute__((target("avx2,fma")))

namespace burin::rt::x86 {

namespace {
#include "runtime/ops/conv_finish.inc.h"
} // namespace

const FinishTable kFinishAvx2 = makeFinishTable(std::make_integer_sequence<int, kRequantPolicyCount>());

} // namespace burin::rt::x86
