#include "runtime/ops/integer_binary.h"

namespace burin::rt {

using math::BinaryFn;

namespace {
// T is int64_t, or uint64_t for U64 elements.
template <class T>
T divide(T a, T b) {
  if (b == 0) return 0;
  if (b == static_cast<T>(-1) && T(-1) < T(0)) return static_cast<T>(wrapSub(0, static_cast<int64_t>(a)));
  return a / b;
}
template <class T>
T remainderTowardsZero(T a, T b) {
  if (b == 0 || (b == static_cast<T>(-1) && T(-1) < T(0))) return 0;
  return a % b;
}
template <class T>
T modulo(T a, T b) {
  const T rest = remainderTowardsZero(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
}

// Square and multiply, wrapping. A negative exponent gives the truncated reciprocal power.
template <class T>
T powerOf(T base, T exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == static_cast<T>(-1)) return exponent % 2 == 0 ? 1 : static_cast<T>(-1);
    return 0;
  }
  uint64_t result = 1, square = static_cast<uint64_t>(base);
  for (uint64_t rest = static_cast<uint64_t>(exponent); rest; rest >>= 1) {
    if (rest & 1) result *= square;
    square *= square;
  }
  return static_cast<T>(result);
}
template <class T>
T shiftLeft(T a, T b) {
  return b < 0 || b > 63 ? T(0) : static_cast<T>(static_cast<uint64_t>(a) << b);
}
template <class T>
T shiftRight(T a, T b) {
  if (b < 0 || b > 63) return a < 0 ? static_cast<T>(-1) : T(0);
  return a >> b;
}

template <class T>
T apply(BinaryFn fn, T a, T b) {
  const int64_t sa = static_cast<int64_t>(a), sb = static_cast<int64_t>(b);
  switch (fn) {
  case BinaryFn::Add:
    return static_cast<T>(wrapAdd(sa, sb));
  case BinaryFn::Sub:
    return static_cast<T>(wrapSub(sa, sb));
  case BinaryFn::Mul:
    return static_cast<T>(wrapMul(sa, sb));
  case BinaryFn::Div:
    return divide(a, b);
  case BinaryFn::Min:
    return a < b ? a : b;
  case BinaryFn::Max:
    return a > b ? a : b;
  case BinaryFn::Prelu:
    return a < 0 ? static_cast<T>(wrapMul(sa, sb)) : a;
  case BinaryFn::Pow:
    return powerOf(a, b);
  case BinaryFn::Mod:
    return modulo(a, b);
  case BinaryFn::Fmod:
    return remainderTowardsZero(a, b);
  case BinaryFn::Equal:
    return a == b;
  case BinaryFn::Less:
    return a < b;
  case BinaryFn::Greater:
    return a > b;
  case BinaryFn::LessEqual:
    return a <= b;
  case BinaryFn::GreaterEqual:
    return a >= b;
  case BinaryFn::And:
  case BinaryFn::BitAnd:
    return a & b;
  case BinaryFn::Or:
  case BinaryFn::BitOr:
    return a | b;
  case BinaryFn::Xor:
  case BinaryFn::BitXor:
    return a ^ b;
  case BinaryFn::ShiftLeft:
    return shiftLeft(a, b);
  case BinaryFn::ShiftRight:
    return shiftRight(a, b);
  }
  return 0;
}

template <class T, BinaryFn kFn>
void row(const int64_t* a, const int64_t* b, int64_t count, int64_t* y) {
  for (int64_t i = 0; i < count; ++i)
    y[i] = static_cast<int64_t>(apply<T>(kFn, static_cast<T>(a[i]), static_cast<T>(b[i])));
}

#define BURIN_ROW(Name, text, expression) row<T, BinaryFn::Name>,
template <class T>
const IntegerBinaryFn* rows() {
  static const IntegerBinaryFn table[math::kBinaryCount] = {BURIN_VECTOR_BINARY(
      BURIN_ROW) BURIN_SCALAR_BINARY(BURIN_ROW) BURIN_COMPARISON(BURIN_ROW) BURIN_INTEGER_BINARY(BURIN_ROW)};
  return table;
}
#undef BURIN_ROW
} // namespace

IntegerBinaryFn integerBinaryFn(BinaryFn fn, DType dtype) {
  return (dtype == DType::U64 ? rows<uint64_t>() : rows<int64_t>())[static_cast<int>(fn)];
}

void clampIntegers(int64_t* values, int64_t count, int64_t low, int64_t high, bool isUnsigned) {
  // Flipping the top bit orders unsigned numbers as signed ones.
  const int64_t flip = isUnsigned ? INT64_MIN : 0;
  low ^= flip;
  high ^= flip;
  for (int64_t i = 0; i < count; ++i) {
    int64_t value = values[i] ^ flip;
    value = value < low ? low : value;
    values[i] = (value > high ? high : value) ^ flip;
  }
}

} // namespace burin::rt
