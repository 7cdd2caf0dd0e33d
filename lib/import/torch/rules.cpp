#include "lib/import/torch/rules.h"

#include <cstring>

namespace burin::torch {

Ints allAxes(int64_t rank, int64_t first) {
  Ints axes;
  for (int64_t i = first; i < rank; ++i) axes.push_back(i);
  return axes;
}

int64_t product(const Ints& values) {
  int64_t result = 1;
  for (int64_t v : values) result *= v;
  return result;
}

bool isVariant(const Call& call, const char* variant) { return std::strcmp(call.variant(), variant) == 0; }

} // namespace burin::torch
