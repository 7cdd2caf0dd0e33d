// Reads elements of an index tensor, whatever its number type.
#pragma once

#include "runtime/core/types.h"

namespace burin::rt {

class IndexReader {
public:
  explicit IndexReader(const Tensor& t) : data_(t.data), dtype_(t.dtype()) {}

  // The element at `offset`; fractions are cut off, numbers that no index can be become INT64_MIN / 2.
  int64_t operator()(int64_t offset) const {
    switch (dtype_) {
    case DType::I64:
      return at<int64_t>(offset);
    case DType::I32:
      return at<int32_t>(offset);
    case DType::I8:
      return at<int8_t>(offset);
    case DType::U8:
    case DType::Bool:
      return at<uint8_t>(offset);
    case DType::I16:
      return at<int16_t>(offset);
    case DType::U16:
      return at<uint16_t>(offset);
    case DType::U32:
      return at<uint32_t>(offset);
    case DType::U64: {
      const uint64_t value = at<uint64_t>(offset);
      return value > static_cast<uint64_t>(INT64_MAX) ? kNone : static_cast<int64_t>(value);
    }
    case DType::F32: {
      const float value = at<float>(offset);
      return value > -1e15f && value < 1e15f ? static_cast<int64_t>(value) : kNone;
    }
    default:
      return kNone;
    }
  }

private:
  static constexpr int64_t kNone = INT64_MIN / 2;
  template <class T>
  T at(int64_t offset) const {
    return static_cast<const T*>(data_)[offset];
  }

  const void* data_;
  DType dtype_;
};

} // namespace burin::rt
