// Pieces that rules of several files share.
#pragma once

#include "lib/import/caffe/layer_context.h"

namespace burin::caffe {

Value scaled(RuleContext& op, Value x, float factor);
Value shifted(RuleContext& op, Value x, float shift);
// `factors`, shaped so that numpy broadcasting puts its first axis at `axis` of a tensor of that rank.
Value alignedAt(RuleContext& op, Value factors, int64_t axis, int64_t rank);
Ints axesFrom(int64_t first, int64_t rank); // first .. rank-1

} // namespace burin::caffe
