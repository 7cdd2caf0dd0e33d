#include "runtime/ops/stored_value.h"

#include "runtime/numerics/rounding.h"

#include <cstring>

namespace burin::rt {

int64_t lowestOf(DType dtype) {
  switch (dtype) {
  case DType::I8:
    return INT8_MIN;
  case DType::I16:
    return INT16_MIN;
  case DType::I32:
  case DType::I64:
    return INT32_MIN;
  default:
    return 0;
  }
}

int64_t highestOf(DType dtype) {
  switch (dtype) {
  case DType::I8:
    return INT8_MAX;
  case DType::U8:
    return UINT8_MAX;
  case DType::I16:
    return INT16_MAX;
  case DType::U16:
    return UINT16_MAX;
  case DType::Bool:
    return 1;
  case DType::U32:
    return UINT32_MAX;
  default:
    return INT32_MAX;
  }
}

namespace {
int64_t rounded(float value) { return roundToInteger(static_cast<double>(value), Rounding::HalfEven); }
} // namespace

template <>
float fromReal<float>(float value) {
  return value;
}
template <>
int8_t fromReal<int8_t>(float value) {
  return static_cast<int8_t>(saturate(rounded(value), INT8_MIN, INT8_MAX));
}
template <>
uint8_t fromReal<uint8_t>(float value) {
  return static_cast<uint8_t>(saturate(rounded(value), 0, UINT8_MAX));
}
template <>
int16_t fromReal<int16_t>(float value) {
  return static_cast<int16_t>(saturate(rounded(value), INT16_MIN, INT16_MAX));
}
template <>
uint16_t fromReal<uint16_t>(float value) {
  return static_cast<uint16_t>(saturate(rounded(value), 0, UINT16_MAX));
}
template <>
int32_t fromReal<int32_t>(float value) {
  return static_cast<int32_t>(saturate(rounded(value), INT32_MIN, INT32_MAX));
}
template <>
uint32_t fromReal<uint32_t>(float value) {
  return static_cast<uint32_t>(saturate(rounded(value), 0, UINT32_MAX));
}
template <>
int64_t fromReal<int64_t>(float value) {
  return rounded(value);
}
template <>
uint64_t fromReal<uint64_t>(float value) {
  return value < 0 ? 0 : static_cast<uint64_t>(rounded(value));
}

uint64_t storedValue(const Tensor& t, float value) {
  const DType dtype = t.dtype();
  if (dtype == DType::F32) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
  }
  if (isFloat(dtype)) return 0; // 16-bit floats are widened before they reach a kernel
  if (dtype == DType::Bool) return value != 0;
  if (!t.quant.empty()) {
    const int64_t q = rounded(value / t.scale()) + t.zeroPoint();
    return static_cast<uint64_t>(saturate(q, lowestOf(dtype), highestOf(dtype)));
  }
  if (dtype == DType::I64) return static_cast<uint64_t>(rounded(value));
  if (dtype == DType::U64) return fromReal<uint64_t>(value);
  return static_cast<uint64_t>(saturate(rounded(value), lowestOf(dtype), highestOf(dtype)));
}

} // namespace burin::rt
