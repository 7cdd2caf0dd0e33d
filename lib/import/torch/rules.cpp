#include "lib/import/torch/rules.h"

#include <cstring>

namespace burin::torch {

bool isVariant(const Call& call, const char* variant) { return std::strcmp(call.variant(), variant) == 0; }

} // namespace burin::torch
