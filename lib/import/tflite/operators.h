// The table of operators: one row per operator, one array per file of rules.
#pragma once

#include "lib/import/operator_table.h"
#include "lib/import/tflite/node_context.h"

namespace burin::tflite {

using ImportRule = void (*)(NodeContext&);

struct OperatorRow {
  const char* name; // "CONV_2D", or "custom:NAME"
  ImportRule rule;
  int minInputs; // these have to be present
  int maxInputs;
  const char* shownBy;      // "model": a published model uses it; "fixture": a file of ours
  const char* variant = ""; // what rules shared by several operators tell them apart by
};

extern const OperatorTable<OperatorRow> kConvolutionOperators, kLinearOperators, kElementwiseOperators,
    kNormalizationOperators, kQuantizationOperators, kMovementOperators, kSliceOperators, kGatherOperators,
    kShapeOperators, kReductionOperators, kResizeOperators, kRecurrentOperators, kDetectionOperators;

const OperatorIndex<OperatorRow>& operators();
// What to do about an operator without a rule; may be empty.
std::string remedyFor(const std::string& name);
std::vector<SupportedOperator> supportedOperators();

} // namespace burin::tflite
