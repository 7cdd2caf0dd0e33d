// Non-maximum suppression as most detection operators need it: which boxes stay.
#pragma once

#include "lib/import/rule_context.h"

namespace burin {

// boxes [B, N, 4] as corners, scores [B, C, N] -> bool [B, C, N]: true for a score above `threshold` whose
// box no better box of its class covers by more than `iou`.
Value keptBoxes(RuleContext& c, Value boxes, Value scores, float iou, float threshold);

// Rows of x [B, N, ...] in the order of `index` [B, K].
Value pickRows(RuleContext& c, Value x, Value index);

// Corners of boxes given as centre and size, along the last axis.
Value cornersFromCentres(RuleContext& c, Value boxes);
Value centresFromCorners(RuleContext& c, Value boxes);

} // namespace burin
