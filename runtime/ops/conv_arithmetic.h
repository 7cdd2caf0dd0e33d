// The two arithmetics of convolution-like ops, as the reference kernels see them: one term of a dot product.
// Results are one chain of steps in a fixed order, so a faster kernel that keeps the order gives the same
// bits.
#pragma once

#include "runtime/core/op.h"
#include "runtime/numerics/rounding.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace burin::rt {

// Each result is one chain of fused multiply-adds that starts at the bias; padding contributes explicit
// zeros.
struct FloatArithmetic {
  using X = float;
  using W = float;
  using Accumulator = float;
  Accumulator step(X x, W w, int64_t, Accumulator sum) const { return std::fma(x, w, sum); }
  X padding() const { return 0.0f; }
};

// sum + (x - zero point) * (w - zero point of the output channel). The 64-bit sum is exact; without the
// `wide` attribute the result is its low 32 bits, which is what 32-bit hardware computes.
template <class XType, class WType>
struct IntegerArithmetic {
  using X = XType;
  using W = WType;
  using Accumulator = int64_t;
  int32_t xZero = 0;
  const int32_t* wZero = nullptr; // per output channel
  Accumulator step(X x, W w, int64_t channel, Accumulator sum) const {
    return sum + (int64_t{x} - xZero) * (int64_t{w} - wZero[channel]);
  }
  X padding() const { return static_cast<X>(xZero); }
};

// Calls body(IntegerArithmetic<X, W>{}) for the element types of the operands; false for a type no kernel
// takes.
template <class Body>
bool dispatchIntegerArithmetic(DType x, DType w, const Body& body) {
  auto withX = [&](auto xValue) {
    using X = decltype(xValue);
    if (w == DType::I8)
      body(IntegerArithmetic<X, int8_t>{});
    else if (w == DType::U8)
      body(IntegerArithmetic<X, uint8_t>{});
    else if (w == DType::I16)
      body(IntegerArithmetic<X, int16_t>{});
    else
      return false;
    return true;
  };
  if (x == DType::I8) return withX(int8_t{});
  if (x == DType::U8) return withX(uint8_t{});
  if (x == DType::I16) return withX(int16_t{});
  return false;
}

// Of an output channel: 32 bits, or 64 of a wide op.
inline int64_t integerBias(const Tensor* bias, int64_t channel) {
  if (!bias) return 0;
  const int64_t at = channel * bias->stride[0];
  if (bias->dtype() != DType::I64) return bias->as<const int32_t>()[at];
  constexpr int64_t kLimit = int64_t{1} << 62; // what no sum of products brings to overflow
  return saturate(bias->as<const int64_t>()[at], -kLimit, kLimit);
}

// Zero points of the weights, one per output channel; false when their number is neither 0, 1 nor `channels`.
bool weightZeroPoints(const Tensor& w, int64_t channels, std::vector<int32_t>& zero, std::string& error);

// The zero point of an activation; false when it is outside the tensor's type.
bool activationZeroPoint(const Tensor& x, int32_t& zero, std::string& error);

// min(max(value, lo), hi) that passes NaN on.
struct FloatClamp {
  float low, high;
  explicit FloatClamp(const Attrs& attrs);
  float operator()(float value) const {
    const float raised = value < low ? low : value;
    return raised > high ? high : raised;
  }
};

// A kernel whose work is one function object.
template <class Body>
class ClosureKernel final : public Kernel {
public:
  ClosureKernel(Body body, const char* name) : body_(std::move(body)), name_(name) {}
  void run(Context& context) override { body_(context); }
  const char* name() const override { return name_; }

private:
  Body body_;
  const char* name_;
};
template <class Body>
std::unique_ptr<Kernel> makeClosureKernel(Body body, const char* name = "reference") {
  return std::make_unique<ClosureKernel<Body>>(std::move(body), name);
}

} // namespace burin::rt
