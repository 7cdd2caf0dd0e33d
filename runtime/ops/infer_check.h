// What shape rules have in common: refusing with a message, bounded products, attributes of a known length.
// Shape rules guard the kernels against hostile programs, so every number is checked before it is used.
#pragma once

#include "runtime/core/op.h"

#include <string>
#include <vector>

namespace burin::rt {

constexpr int64_t kMaxElements = int64_t{1}
                                 << 40; // of one tensor; also the bound of any single attribute integer

inline bool reject(std::string& error, std::string message) {
  error = std::move(message);
  return false;
}

// a * b for non-negative numbers, or kMaxElements + 1 when the product is above the bound.
inline int64_t boundedProduct(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  return a > kMaxElements / b ? kMaxElements + 1 : a * b;
}

// Dimensions are non-negative and the product stays within the bound.
bool checkShape(const Shape& shape, std::string& error);

// Builds a shape from a list of numbers; false when it has too many axes or is no valid shape.
bool makeShape(const std::vector<int64_t>& dims, Shape& shape, std::string& error);

// The operands [0, required) are present, there are at most `allowed` of them, and every shape is valid.
bool checkInputs(const Signature& signature, int required, int allowed, std::string& error);

// The attribute `name` holds exactly `count` integers in [low, high].
bool checkInts(const Signature& signature, const char* name, int count, int64_t low, int64_t high,
               std::string& error);

// An axis in [0, rank).
bool checkAxis(const Signature& signature, const char* name, int rank, std::string& error);

// The attribute `name` is one of the space-separated `choices`.
bool checkChoice(const Signature& signature, const char* name, const char* choices, std::string& error);
bool isOneOf(const std::string& word, const char* choices);

// Indices are 32 or 64 bit integers.
inline bool isIndexType(DType dtype) { return dtype == DType::I32 || dtype == DType::I64; }
bool checkIndexType(const TensorType& type, const char* operand, std::string& error);

// The element type named by the text attribute `name`, or `fallback` when there is none.
bool readType(const Signature& signature, const char* name, DType fallback, DType& dtype, std::string& error);

} // namespace burin::rt
