// The table of operators: one row per operator, one array per file of rules.
#pragma once

#include "lib/import/mxnet/node.h"

namespace burin::mxnet {

struct OperatorRow {
  const char* name;
  void (*rule)(Node&);
  const char* variant = ""; // what rules shared by several operators tell them apart by
  const char* shownBy = "fixture";
};

struct OperatorTable {
  const OperatorRow* rows;
  size_t count;
};

extern const OperatorTable kConvolutionOperators, kNormalizationOperators, kElementwiseOperators,
    kUnaryOperators, kReductionOperators, kMovementOperators, kSliceOperators, kIndexOperators,
    kConstantOperators, kRecurrentOperators, kDetectionOperators;

// Null for an operator without a rule.
const OperatorRow* findOperator(const std::string& type);
std::vector<const OperatorRow*> allOperators(); // by name
// What to do about an operator without a rule; may be empty.
std::string remedyFor(const std::string& type);

} // namespace burin::mxnet
