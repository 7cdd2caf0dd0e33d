#include "runtime/ops/integer_rows.h"

namespace burin::rt {

StoredRange storedRange(DType dtype) {
  switch (dtype) {
  case DType::I8:
    return {INT8_MIN, INT8_MAX};
  case DType::U8:
    return {0, UINT8_MAX};
  case DType::I16:
    return {INT16_MIN, INT16_MAX};
  case DType::U16:
    return {0, UINT16_MAX};
  default:
    return {0, 0};
  }
}

namespace {
template <class T>
void load(const void* data, int64_t offset, int64_t step, int64_t count, int32_t* to) {
  const T* from = static_cast<const T*>(data) + offset;
  if (step == 1)
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
  else
    for (int64_t i = 0; i < count; ++i) to[i] = from[i * step];
}

template <class T>
void store(const int32_t* from, void* data, int64_t offset, int64_t step, int64_t count) {
  T* to = static_cast<T*>(data) + offset;
  if (step == 1)
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<T>(from[i]);
  else
    for (int64_t i = 0; i < count; ++i) to[i * step] = static_cast<T>(from[i]);
}
} // namespace

void loadIntegers(const void* data, DType dtype, int64_t offset, int64_t step, int64_t count, int32_t* to) {
  switch (dtype) {
  case DType::I8:
    return load<int8_t>(data, offset, step, count, to);
  case DType::I16:
    return load<int16_t>(data, offset, step, count, to);
  case DType::U16:
    return load<uint16_t>(data, offset, step, count, to);
  case DType::I32:
    return load<int32_t>(data, offset, step, count, to);
  default:
    return load<uint8_t>(data, offset, step, count, to);
  }
}

void storeIntegers(const int32_t* from, void* data, DType dtype, int64_t offset, int64_t step,
                   int64_t count) {
  switch (dtype) {
  case DType::I8:
    return store<int8_t>(from, data, offset, step, count);
  case DType::I16:
    return store<int16_t>(from, data, offset, step, count);
  case DType::U16:
    return store<uint16_t>(from, data, offset, step, count);
  case DType::I32:
    return store<int32_t>(from, data, offset, step, count);
  default:
    return store<uint8_t>(from, data, offset, step, count);
  }
}

} // namespace burin::rt
