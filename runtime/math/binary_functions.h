// The functions of two elements that nn.binary knows, in float. Integer arithmetic is in
// runtime/ops/integer_ops.h.
#pragma once

#include "runtime/math/double_math.h"
#include "runtime/math/float_math.h"

namespace burin::rt::math {

// NaN wins over any number.
BURIN_INLINE float minimum(float a, float b) {
  const float smaller = a < b ? a : b; // b when either is NaN
  return a != a ? a : smaller;
}
BURIN_INLINE float maximum(float a, float b) {
  const float larger = a > b ? a : b;
  return a != a ? a : larger;
}
BURIN_INLINE float prelu(float x, float slope) {
  const float negative = x * slope;
  return x < 0.0f ? negative : x;
}
// Python's %: the sign of the divisor.
BURIN_INLINE float moduloOf(float a, float b) {
  const float rest = remainderOf(a, b);
  return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

// Rows: enumerator, name in programs, expression in a and b.
#define BURIN_VECTOR_BINARY(X)                                                                               \
  X(Add, add, a + b)                                                                                         \
  X(Sub, sub, a - b)                                                                                         \
  X(Mul, mul, a* b)                                                                                          \
  X(Div, div, a / b)                                                                                         \
  X(Min, min, minimum(a, b))                                                                                 \
  X(Max, max, maximum(a, b))                                                                                 \
  X(Prelu, prelu, prelu(a, b))
#define BURIN_SCALAR_BINARY(X)                                                                               \
  X(Pow, pow, power(a, b))                                                                                   \
  X(Mod, mod, moduloOf(a, b))                                                                                \
  X(Fmod, fmod, remainderOf(a, b))
#define BURIN_COMPARISON(X)                                                                                  \
  X(Equal, equal, a == b)                                                                                    \
  X(Less, less, a < b)                                                                                       \
  X(Greater, greater, a > b)                                                                                 \
  X(LessEqual, less_equal, a <= b)                                                                           \
  X(GreaterEqual, greater_equal, a >= b)
#define BURIN_INTEGER_BINARY(X)                                                                              \
  X(And, and, 0)                                                                                             \
  X(Or, or, 0)                                                                                               \
  X(Xor, xor, 0)                                                                                             \
  X(BitAnd, bit_and, 0)                                                                                      \
  X(BitOr, bit_or, 0)                                                                                        \
  X(BitXor, bit_xor, 0)                                                                                      \
  X(ShiftLeft, shift_left, 0)                                                                                \
  X(ShiftRight, shift_right, 0)

enum class BinaryFn : uint8_t {
#define BURIN_ROW(Name, text, expression) Name,
  BURIN_VECTOR_BINARY(BURIN_ROW) BURIN_SCALAR_BINARY(BURIN_ROW) BURIN_COMPARISON(BURIN_ROW)
      BURIN_INTEGER_BINARY(BURIN_ROW)
#undef BURIN_ROW
};
constexpr int kVectorBinaryCount = static_cast<int>(BinaryFn::Prelu) + 1;
constexpr int kFloatBinaryCount = static_cast<int>(BinaryFn::Fmod) + 1; // float in, float out
constexpr int kBinaryCount = static_cast<int>(BinaryFn::ShiftRight) + 1;
inline bool isComparison(BinaryFn fn) { return fn >= BinaryFn::Equal && fn <= BinaryFn::GreaterEqual; }

#define BURIN_ROW(Name, text, expression)                                                                    \
  struct Name##Function {                                                                                    \
    static BURIN_INLINE float apply(float a, float b) { return expression; }                                 \
  };
BURIN_VECTOR_BINARY(BURIN_ROW)
BURIN_SCALAR_BINARY(BURIN_ROW)
#undef BURIN_ROW
#define BURIN_ROW(Name, text, expression)                                                                    \
  struct Name##Function {                                                                                    \
    template <class T>                                                                                       \
    static BURIN_INLINE bool apply(T a, T b) {                                                               \
      return expression;                                                                                     \
    }                                                                                                        \
  };
BURIN_COMPARISON(BURIN_ROW)
#undef BURIN_ROW

bool parseBinaryFn(const char* name, BinaryFn& fn);
const char* binaryFnName(BinaryFn fn);

} // namespace burin::rt::math
