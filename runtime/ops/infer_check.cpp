#include "runtime/ops/infer_check.h"

#include <string_view>

namespace burin::rt {

bool checkShape(const Shape& shape, std::string& error) {
  if (shape.rank < 0 || shape.rank > kMaxRank)
    return reject(error, "a tensor has " + std::to_string(shape.rank) + " axes; at most " +
                             std::to_string(kMaxRank) + " are supported");
  int64_t elements = 1;
  for (int axis = 0; axis < shape.rank; ++axis) {
    if (shape[axis] < 0)
      return reject(error, "axis " + std::to_string(axis) + " has the negative length " +
                               std::to_string(shape[axis]));
    if (shape[axis] > kMaxElements)
      elements = kMaxElements + 1;
    else
      elements = boundedProduct(elements, shape[axis]);
  }
  if (elements > kMaxElements) return reject(error, "a tensor of shape " + toString(shape) + " is too large");
  return true;
}

bool makeShape(const std::vector<int64_t>& dims, Shape& shape, std::string& error) {
  if (dims.size() > static_cast<size_t>(kMaxRank))
    return reject(error, "the result has " + std::to_string(dims.size()) + " axes; at most " +
                             std::to_string(kMaxRank) + " are supported");
  shape = Shape();
  for (int64_t dim : dims) shape.push(dim);
  return checkShape(shape, error);
}

bool checkInputs(const Signature& signature, int required, int allowed, std::string& error) {
  if (signature.count() > allowed)
    return reject(error, "has " + std::to_string(signature.count()) + " operands; at most " +
                             std::to_string(allowed) + " are allowed");
  for (int i = 0; i < required; ++i)
    if (!signature.input(i)) return reject(error, "operand " + std::to_string(i) + " is missing");
  for (const TensorType* type : signature.inputs)
    if (type && !checkShape(type->shape, error)) return false;
  return true;
}

bool checkInts(const Signature& signature, const char* name, int count, int64_t low, int64_t high,
               std::string& error) {
  const std::vector<int64_t>& values = signature.attrs.ints(name);
  if (values.size() != static_cast<size_t>(count))
    return reject(error, std::string("attribute '") + name + "' has " + std::to_string(values.size()) +
                             " numbers, " + std::to_string(count) + " are needed");
  for (int64_t value : values)
    if (value < low || value > high)
      return reject(error, std::string("attribute '") + name + "' contains " + std::to_string(value) +
                               ", which is outside [" + std::to_string(low) + ", " + std::to_string(high) +
                               "]");
  return true;
}

bool checkAxis(const Signature& signature, const char* name, int rank, std::string& error) {
  if (rank == 0)
    return reject(error, std::string("attribute '") + name + "' needs an operand with at least one axis");
  return checkInts(signature, name, 1, 0, rank - 1, error);
}

bool isOneOf(const std::string& word, const char* choices) {
  if (word.empty() || word.find(' ') != std::string::npos) return false;
  const std::string_view list = choices; // a word from a file may hold any byte, 0 too
  for (size_t at = list.find(word); at != list.npos; at = list.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || list[at - 1] == ' ') && (end == list.size() || list[end] == ' ')) return true;
  }
  return false;
}

bool checkChoice(const Signature& signature, const char* name, const char* choices, std::string& error) {
  const std::string& word = signature.attrs.text(name);
  if (isOneOf(word, choices)) return true;
  return reject(error,
                std::string("attribute '") + name + "' is '" + word + "'; it must be one of: " + choices);
}

bool checkIndexType(const TensorType& type, const char* operand, std::string& error) {
  if (isIndexType(type.dtype)) return true;
  return reject(error, std::string(operand) + " has element type " + dtypeName(type.dtype) +
                           "; i32 or i64 is needed");
}

bool readType(const Signature& signature, const char* name, DType fallback, DType& dtype,
              std::string& error) {
  dtype = fallback;
  const std::string& word = signature.attrs.text(name);
  if (word.empty() || parseDType(word, dtype)) return true;
  return reject(error, std::string("attribute '") + name + "' names the unknown element type '" + word + "'");
}

} // namespace burin::rt
