#include "lib/import/torch/rules.h"

#include <cmath>
#include <cstring>

namespace burin::torch {

double constantReal(RuleContext& context, Value value) {
  const std::vector<float> known = nn::constantFloats(context.cast(value, rt::DType::F32));
  return known.size() == 1 ? static_cast<double>(known[0]) : std::nan("");
}

bool isVariant(const Call& call, const char* variant) { return std::strcmp(call.variant(), variant) == 0; }

} // namespace burin::torch
