// Tensors of tests in logical row-major order, and random ones.
#pragma once

#include "runtime/core/types.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace burin::rt::data_test {

// Elements in logical row-major order.
struct Array {
  TensorType type;
  std::vector<uint8_t> bytes;
  Quant quant;

  Array() = default;
  Array(DType dtype, const Shape& shape) : type{dtype, shape} {
    bytes.resize(static_cast<size_t>(shape.elements()) * dtypeBytes(dtype));
  }
  template <class T>
  Array(DType dtype, const Shape& shape, const std::vector<T>& values) : Array(dtype, shape) {
    EXPECT_EQ(values.size() * sizeof(T), bytes.size());
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  int64_t size() const { return type.shape.elements(); }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(bytes.data());
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes.data());
  }

  // An element of any type as a number.
  double at(int64_t i) const {
    switch (type.dtype) {
    case DType::F32:
      return static_cast<double>(as<float>()[i]);
    case DType::I8:
      return as<int8_t>()[i];
    case DType::U8:
    case DType::Bool:
      return as<uint8_t>()[i];
    case DType::I16:
      return as<int16_t>()[i];
    case DType::U16:
      return as<uint16_t>()[i];
    case DType::I32:
      return as<int32_t>()[i];
    case DType::U32:
      return as<uint32_t>()[i];
    case DType::I64:
      return static_cast<double>(as<int64_t>()[i]);
    default:
      return static_cast<double>(as<uint64_t>()[i]);
    }
  }
  Array& quantized(float scale, int32_t zeroPoint) {
    quant.scale = {scale};
    quant.zeroPoint = {zeroPoint};
    return *this;
  }
};

inline Array floats(const Shape& shape, const std::vector<float>& values) {
  return Array(DType::F32, shape, values);
}
inline Array int64s(const Shape& shape, const std::vector<int64_t>& values) {
  return Array(DType::I64, shape, values);
}

using Random = std::mt19937;
inline int64_t pick(Random& random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
}

// Random bytes for integers; floats of moderate size with some signed zeros.
inline Array randomArray(DType dtype, const Shape& shape, Random& random) {
  Array array(dtype, shape);
  for (uint8_t& byte : array.bytes)
    byte = static_cast<uint8_t>(dtype == DType::Bool ? random() % 2 : random());
  if (dtype == DType::F32)
    for (int64_t i = 0; i < array.size(); ++i) {
      const uint32_t draw = random();
      array.as<float>()[i] = draw % 23 == 0
                                 ? (draw & 1024 ? -0.0f : 0.0f)
                                 : static_cast<float>(static_cast<int>(draw % 200001) - 100000) * 7.3e-5f;
    }
  return array;
}

inline Shape randomShape(Random& random, int rank, int64_t low, int64_t high) {
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push(pick(random, low, high));
  return shape;
}

// Row-major positions.
inline std::vector<int64_t> unravel(const Shape& shape, int64_t i) {
  std::vector<int64_t> position(static_cast<size_t>(shape.rank));
  for (int axis = shape.rank - 1; axis >= 0; --axis) {
    position[static_cast<size_t>(axis)] = i % shape[axis];
    i /= shape[axis];
  }
  return position;
}
inline int64_t ravel(const Shape& shape, const std::vector<int64_t>& position) {
  int64_t i = 0;
  for (int axis = 0; axis < shape.rank; ++axis) i = i * shape[axis] + position[static_cast<size_t>(axis)];
  return i;
}

// The naive form of a movement op: element `position` of the result comes from element source(position) of x;
// a negative source is a zero.
inline Array moved(const Array& x, const Shape& shape,
                   const std::function<int64_t(std::vector<int64_t>)>& source) {
  Array y(x.type.dtype, shape);
  const size_t bytes = dtypeBytes(x.type.dtype);
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const int64_t from = source(unravel(shape, i));
    if (from >= 0)
      std::memcpy(&y.bytes[static_cast<size_t>(i) * bytes], &x.bytes[static_cast<size_t>(from) * bytes],
                  bytes);
  }
  return y;
}

} // namespace burin::rt::data_test
