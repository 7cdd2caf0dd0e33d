// Instruction sets by name. detectIsa() is the machine's best one, lowered by the environment variable
// BURIN_ISA.
#pragma once

#include "runtime/core/op.h"

namespace burin::rt {

Isa machineIsa(); // best of this machine; the architecture's folder under kernels defines it

const char* isaName(Isa isa); // "reference", "portable", "avx2", "avx512", "avx512vnni", "amx"
bool parseIsa(const char* name, Isa& isa);

} // namespace burin::rt
