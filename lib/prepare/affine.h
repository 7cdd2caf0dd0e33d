// Ops that are y = scale[c] * x + shift[c] for constants per channel c.
#pragma once

#include "lib/prepare/rewrite.h"

namespace burin::rewrites {

struct ChannelAffine {
  std::vector<double> scale, shift; // one per index of the channel axis

  static ChannelAffine identity(int64_t channels) {
    return {std::vector<double>(channels, 1.0), std::vector<double>(channels, 0.0)};
  }
  ChannelAffine then(const ChannelAffine& next) const; // next(this(x))
  bool scalesNothing() const;
  bool shiftsNothing() const;
};

// Reads `op` as such a function of its operand `x` along `axis`; `op`'s type must be x's.
std::optional<ChannelAffine> readAffine(mlir::Operation* op, mlir::Value x, int64_t axis, int64_t channels);

// The operand that `op` might be an affine function of: its only activation. Null if there is none.
mlir::Value affineSource(mlir::Operation* op);

} // namespace burin::rewrites
