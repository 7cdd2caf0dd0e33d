#include "runtime/ops/integer_block.h"

namespace burin::rt {

namespace {
template <class T>
void load(const void* data, int64_t offset, int64_t step, int64_t count, int64_t* out) {
  const T* from = static_cast<const T*>(data) + offset;
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<int64_t>(from[i * step]);
}
template <class T>
void store(const int64_t* in, int64_t count, void* data, int64_t offset, int64_t step) {
  T* to = static_cast<T*>(data) + offset;
  for (int64_t i = 0; i < count; ++i) to[i * step] = static_cast<T>(in[i]);
}
} // namespace

void loadIntegers(DType dtype, const void* data, int64_t offset, int64_t step, int64_t count, int64_t* out) {
  switch (dtype) {
  case DType::I8:
    return load<int8_t>(data, offset, step, count, out);
  case DType::U8:
    return load<uint8_t>(data, offset, step, count, out);
  case DType::I16:
    return load<int16_t>(data, offset, step, count, out);
  case DType::U16:
    return load<uint16_t>(data, offset, step, count, out);
  case DType::I32:
    return load<int32_t>(data, offset, step, count, out);
  case DType::U32:
    return load<uint32_t>(data, offset, step, count, out);
  case DType::I64:
  case DType::U64:
    return load<int64_t>(data, offset, step, count, out);
  default:
    break;
  }
  const uint8_t* from = static_cast<const uint8_t*>(data) + offset; // bool
  for (int64_t i = 0; i < count; ++i) out[i] = from[i * step] != 0;
}

void storeIntegers(DType dtype, const int64_t* in, int64_t count, void* data, int64_t offset, int64_t step) {
  switch (dtype) {
  case DType::I8:
  case DType::U8:
    return store<uint8_t>(in, count, data, offset, step);
  case DType::I16:
  case DType::U16:
    return store<uint16_t>(in, count, data, offset, step);
  case DType::I32:
  case DType::U32:
    return store<uint32_t>(in, count, data, offset, step);
  case DType::I64:
  case DType::U64:
    return store<int64_t>(in, count, data, offset, step);
  default:
    break;
  }
  uint8_t* to = static_cast<uint8_t*>(data) + offset; // bool
  for (int64_t i = 0; i < count; ++i) to[i * step] = in[i] != 0;
}

IntegerRange integerRange(DType dtype) {
  IntegerRange range;
  range.isSigned = dtype == DType::I8 || dtype == DType::I16 || dtype == DType::I32 || dtype == DType::I64;
  const int bits = static_cast<int>(dtypeBytes(dtype)) * 8;
  const uint64_t all = ~uint64_t{0} >> (64 - bits);
  range.highest = static_cast<int64_t>(range.isSigned ? all >> 1 : all);
  range.lowest = range.isSigned ? -range.highest - 1 : 0;
  range.limit = range.isSigned ? 0.5f : 1.0f; // times 2^bits, exact
  for (int i = 0; i < bits; ++i) range.limit *= 2.0f;
  return range;
}

} // namespace burin::rt
