// Reads small trees of scalar arithmetic as polynomials, whatever the order of the operations.
#pragma once

#include "lib/prepare/rewrite.h"

#include <array>

namespace burin::rewrites {

// c[0] + c[1] x + c[2] x^2 + c[3] x^3
struct Polynomial : std::array<double, 4> {
  int degree() const {
    int d = 3;
    while (d > 0 && (*this)[d] == 0) --d;
    return d;
  }
};

// `value` as a polynomial in `x`; nothing if it is none, or of a tree of more than a few ops.
std::optional<Polynomial> polynomialIn(mlir::Value value, mlir::Value x);

// The value below additions and multiplications by uniform constants.
mlir::Value affineRoot(mlir::Value value);

// clip, relu and min/max, one or two of them nested, as one clamp of x; also a binary op's fused clamp.
struct FullClamp {
  mlir::Value x;
  Range range;
};
std::optional<FullClamp> readFullClamp(mlir::Value value);

} // namespace burin::rewrites
