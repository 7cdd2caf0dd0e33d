// The machine's peak of multiply-add instructions, measured.
#pragma once

#include "runtime/core/op.h"

namespace burin {

// Multiply-adds per second on one core with the widest instructions of `isa`; 0 where none is known.
double peakFloatProducts(rt::Isa isa);
double peakByteProducts(rt::Isa isa);

} // namespace burin
