// The table of operators: one row per operator, one array per file of rules.
#pragma once

#include "lib/import/mxnet/node.h"
#include "lib/import/operator_table.h"

namespace burin::mxnet {

struct OperatorRow {
  const char* name;
  void (*rule)(Node&);
  const char* variant = ""; // what rules shared by several operators tell them apart by
  const char* shownBy = "fixture";
};

extern const OperatorTable<OperatorRow> kConvolutionOperators, kNormalizationOperators, kElementwiseOperators,
    kUnaryOperators, kReductionOperators, kMovementOperators, kSliceOperators, kIndexOperators,
    kConstantOperators, kRecurrentOperators, kDetectionOperators;

const OperatorIndex<OperatorRow>& operators();
// What to do about an operator without a rule; may be empty.
std::string remedyFor(const std::string& type);

} // namespace burin::mxnet
