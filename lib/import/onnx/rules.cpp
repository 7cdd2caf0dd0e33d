#include "lib/import/onnx/rules.h"

namespace burin::onnx {

Ints movedToEnd(int64_t rank, int64_t axis) {
  Ints permutation;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis) permutation.push_back(i);
  permutation.push_back(axis);
  return permutation;
}
Ints inverse(const Ints& permutation) {
  Ints result(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i)
    result[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  return result;
}
} // namespace burin::onnx
