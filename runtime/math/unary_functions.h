// The functions of one element that nn.unary knows: one table row each, used by the kernels of every
// instruction set, by recurrent activations and by whoever fills a lookup table.
#pragma once

#include "runtime/math/double_math.h"
#include "runtime/math/float_math.h"

namespace burin::rt::math {

struct UnaryParams {
  float alpha, beta;
};

BURIN_INLINE float elu(float x, float alpha) {
  const float negative = alpha * expm1(atMost(x, 0.0f));
  return x < 0.0f ? negative : x;
}
BURIN_INLINE float celu(float x, float alpha) {
  const float negative = alpha * expm1(atMost(x, 0.0f) / alpha);
  return x < 0.0f ? negative : x;
}
BURIN_INLINE float selu(float x, float alpha, float gamma) { return gamma * elu(x, alpha); }
BURIN_INLINE float leakyRelu(float x, float alpha) {
  const float negative = alpha * x;
  return x < 0.0f ? negative : x;
}
BURIN_INLINE float hardSigmoid(float x, float alpha, float beta) {
  return clampTo(alpha * x + beta, 0.0f, 1.0f);
}
BURIN_INLINE float hardSwish(float x) { return x * hardSigmoid(x, 1.0f / 6.0f, 0.5f); }
// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).
BURIN_INLINE float softplus(float x) { return atLeast(x, 0.0f) + log1pPositive(exp(-absolute(x))); }
// x tanh(log(1 + e)) with e = exp(x): tanh(log(1 + e)) = n / (n + 2), n = e (e + 2); from 20 on it is 1.
BURIN_INLINE float mish(float x) {
  const float e = exp(atMost(x, 20.0f));
  const float n = e * (e + 2.0f);
  return x * (n / (n + 2.0f));
}
BURIN_INLINE float gelu(float x) { return 0.5f * x * (1.0f + erf(x * 0.70710678f)); }
BURIN_INLINE float geluTanh(float x) {
  return 0.5f * x * (1.0f + tanh(0.79788456f * (x + 0.044715f * x * x * x)));
}
BURIN_INLINE float thresholdedRelu(float x, float alpha) { return x <= alpha ? 0.0f : x; }
BURIN_INLINE float shrink(float x, float lambda, float bias) {
  const float below = x + bias, above = x - bias;
  const float inside = x - x; // 0, or NaN; NOLINT(misc-redundant-expression)
  return x < -lambda ? below : x > lambda ? above : inside;
}
BURIN_INLINE float signOf(float x) {
  const float negative = x < 0.0f ? -1.0f : x;
  return x > 0.0f ? 1.0f : negative;
}

// Rows: enumerator, name in programs, expression in x and p. Those of the first list vectorise.
#define BURIN_VECTOR_UNARY(X)                                                                                \
  X(Relu, relu, atLeast(x, 0.0f))                                                                            \
  X(LeakyRelu, leaky_relu, leakyRelu(x, p.alpha))                                                            \
  X(Elu, elu, elu(x, p.alpha))                                                                               \
  X(Selu, selu, selu(x, p.alpha, p.beta))                                                                    \
  X(Celu, celu, celu(x, p.alpha))                                                                            \
  X(Sigmoid, sigmoid, sigmoid(x))                                                                            \
  X(HardSigmoid, hard_sigmoid, hardSigmoid(x, p.alpha, p.beta))                                              \
  X(HardSwish, hard_swish, hardSwish(x))                                                                     \
  X(Silu, silu, x* sigmoid(x))                                                                               \
  X(Mish, mish, mish(x))                                                                                     \
  X(Tanh, tanh, tanh(x))                                                                                     \
  X(Softplus, softplus, softplus(x))                                                                         \
  X(Softsign, softsign, x / (1.0f + absolute(x)))                                                            \
  X(Gelu, gelu, gelu(x))                                                                                     \
  X(GeluTanh, gelu_tanh, geluTanh(x))                                                                        \
  X(ThresholdedRelu, thresholded_relu, thresholdedRelu(x, p.alpha))                                          \
  X(Shrink, shrink, shrink(x, p.alpha, p.beta))                                                              \
  X(Clip, clip, clampTo(x, p.alpha, p.beta))                                                                 \
  X(Exp, exp, exp(x))                                                                                        \
  X(Log, log, log(x))                                                                                        \
  X(Sqrt, sqrt, squareRoot(x))                                                                               \
  X(Rsqrt, rsqrt, 1.0f / squareRoot(x))                                                                      \
  X(Reciprocal, reciprocal, 1.0f / x)                                                                        \
  X(Neg, neg, -x)                                                                                            \
  X(Abs, abs, absolute(x))                                                                                   \
  X(Ceil, ceil, ceilOf(x))                                                                                   \
  X(Floor, floor, floorOf(x))                                                                                \
  X(Round, round, roundHalfEven(x))                                                                          \
  X(Sign, sign, signOf(x))                                                                                   \
  X(Erf, erf, erf(x))                                                                                        \
  X(Identity, identity, x)                                                                                   \
  X(Square, square, x* x)
#define BURIN_SCALAR_UNARY(X)                                                                                \
  X(Sin, sin, sine(x))                                                                                       \
  X(Cos, cos, cosine(x))                                                                                     \
  X(Tan, tan, tangent(x))                                                                                    \
  X(Asin, asin, arcSine(x))                                                                                  \
  X(Acos, acos, arcCosine(x))                                                                                \
  X(Atan, atan, arcTangent(x))                                                                               \
  X(Sinh, sinh, hyperbolicSine(x))                                                                           \
  X(Cosh, cosh, hyperbolicCosine(x))                                                                         \
  X(Asinh, asinh, inverseHyperbolicSine(x))                                                                  \
  X(Acosh, acosh, inverseHyperbolicCosine(x))                                                                \
  X(Atanh, atanh, inverseHyperbolicTangent(x))
// No float result: these have kernels of their own.
#define BURIN_OTHER_UNARY(X)                                                                                 \
  X(Not, not, 0)                                                                                             \
  X(BitNot, bit_not, 0)                                                                                      \
  X(IsNaN, is_nan, 0)                                                                                        \
  X(IsInf, is_inf, 0)

enum class UnaryFn : uint8_t {
#define BURIN_ROW(Name, text, expression) Name,
  BURIN_VECTOR_UNARY(BURIN_ROW) BURIN_SCALAR_UNARY(BURIN_ROW) BURIN_OTHER_UNARY(BURIN_ROW)
#undef BURIN_ROW
};
constexpr int kVectorUnaryCount = static_cast<int>(UnaryFn::Square) + 1;
constexpr int kFloatUnaryCount = static_cast<int>(UnaryFn::Atanh) + 1; // those with a float result
constexpr int kUnaryCount = static_cast<int>(UnaryFn::IsInf) + 1;

#define BURIN_ROW(Name, text, expression)                                                                    \
  struct Name##Function {                                                                                    \
    static BURIN_INLINE float apply(float x, UnaryParams p) {                                                \
      (void)p;                                                                                               \
      return expression;                                                                                     \
    }                                                                                                        \
  };
BURIN_VECTOR_UNARY(BURIN_ROW)
BURIN_SCALAR_UNARY(BURIN_ROW)
#undef BURIN_ROW

// False for a name that is not in the table.
bool parseUnaryFn(const char* name, UnaryFn& fn);
const char* unaryFnName(UnaryFn fn);
UnaryParams defaultUnaryParams(UnaryFn fn); // ONNX's defaults

// One value; `fn` has a float result.
float evaluateUnary(UnaryFn fn, float x, UnaryParams params);

} // namespace burin::rt::math
