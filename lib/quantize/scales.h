// Which scale every integer tensor has. Tensors that share stored integers (the two sides of a reshape, a max
// pool, a concat and what only feeds it) form one group with one scale.
#pragma once

#include "lib/quantize/plan.h"

#include "llvm/ADT/DenseMap.h"

namespace burin::quantize {

struct Integers {
  rt::Affine affine;
  rt::IntegerForm form;
  rt::DType dtype = rt::DType::I8;
  std::vector<double> channels; // factors of the scale along axis 1, or empty

  float channelScale(int64_t c) const {
    return channels.empty() ? affine.scale
                            : static_cast<float>(affine.scale * channels[static_cast<size_t>(c)]);
  }
  bool operator==(const Integers& o) const {
    return affine.scale == o.affine.scale && affine.zeroPoint == o.affine.zeroPoint && dtype == o.dtype &&
           channels == o.channels;
  }
};

Integers integersOf(const LockedScale& lock);
// The integer type of a range in the target's scheme.
Integers integersForRange(double min, double max, double threshold, const ActivationScheme& activations,
                          Scheme scheme);

class ScaleAssignment {
public:
  static Result<ScaleAssignment> compute(nn::GraphOp graph, const QuantPlan& plan, const Target& target,
                                         Scheme scheme);
  // For a tensor that is, or is quantized to, integers.
  const Integers& of(mlir::Value v) const { return scales_.find(v)->second; }
  bool has(mlir::Value v) const { return scales_.count(v) != 0; }

private:
  llvm::DenseMap<mlir::Value, Integers> scales_;
};

bool runsInInteger(mlir::Operation* op, const QuantPlan& plan);

} // namespace burin::quantize
