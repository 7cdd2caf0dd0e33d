// The table of operators: one row per operator, one array per file of rules.
#pragma once

#include "lib/import/operator_table.h"
#include "lib/import/paddle/node.h"

namespace burin::paddle {

struct OperatorRow {
  const char* name;
  void (*rule)(Node&);
  const char* variant = ""; // what rules shared by several operators tell them apart by
  const char* shownBy = "fixture";
};

extern const OperatorTable<OperatorRow> kConvolutionOperators, kPoolingOperators, kNormalizationOperators,
    kElementwiseOperators, kActivationOperators, kLinearOperators, kReductionOperators, kMovementOperators,
    kIndexOperators, kConstantOperators, kResizeOperators, kRecurrentOperators, kDetectionOperators,
    kQuantizationOperators;

const OperatorIndex<OperatorRow>& operators();
// What to do about an operator without a rule; may be empty.
std::string remedyFor(const std::string& type);

} // namespace burin::paddle
