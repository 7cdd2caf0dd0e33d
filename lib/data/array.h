// Arrays as files and users know them: a numpy-like element type, a shape and C-ordered bytes.
#pragma once

#include "lib/support/error.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace burin {

enum class ElementType : uint8_t { F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, Bool };

size_t elementBytes(ElementType type);
const char* elementName(ElementType type);                          // "f32", "i8", "bool"
std::optional<ElementType> parseElementType(std::string_view name); // of elementName

using Dims = std::vector<int64_t>;
std::string dimsText(const Dims& dims); // "[1,3,224,224]"

// Number of elements; nothing when a dimension is negative or the product leaves 63 bits.
std::optional<int64_t> countElements(std::span<const int64_t> dims);

struct Array {
  ElementType type = ElementType::F32;
  Dims shape;
  std::vector<uint8_t> bytes; // little endian, C order, elementCount() * elementBytes(type)

  Array() = default;
  Array(ElementType elementType, Dims dims); // zeros; dims must be countable

  int64_t elementCount() const { return static_cast<int64_t>(bytes.size() / elementBytes(type)); }

  template <class T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  template <class T>
  std::span<T> as() {
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  template <class T>
  static Array of(ElementType elementType, Dims dims, std::span<const T> values) {
    Array array;
    array.type = elementType;
    array.shape = std::move(dims);
    array.bytes.resize(values.size_bytes());
    if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), values.size_bytes());
    return array;
  }

  bool operator==(const Array&) const = default; // bytes, so NaN equals NaN and 0 differs from -0
};

// The same values as another type. Floats round to the nearest (half to even) when narrowed; anything else
// must be kept exactly: 3.5 or 300 into i8, 2^24 + 1 into f32, or a finite value that would become infinite
// is an error.
Result<Array> convertTo(Array array, ElementType type);

// IEEE 754 binary16.
uint16_t halfFromFloat(float value); // nearest, half to even
float floatFromHalf(uint16_t bits);

} // namespace burin
