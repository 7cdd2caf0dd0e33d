// The table of operators: one row per operator, one array per file of rules.
#pragma once

#include "lib/import/onnx/node_context.h"
#include "lib/import/operator_table.h"

namespace burin::onnx {

using ImportRule = void (*)(NodeContext&);

struct OperatorRow {
  const char* name; // "Conv", or "com.microsoft:QGemm" outside ai.onnx
  ImportRule rule;
  int minInputs; // these have to be present and tensors, unless `structured`
  int maxInputs;
  int since = 1;            // below this opset the operator means something else that is not supported
  const char* variant = ""; // what rules shared by several operators tell them apart by
  bool structured = false;  // takes sequences or optionals
};

extern const OperatorTable<OperatorRow> kConvolutionOperators, kPoolingOperators, kElementwiseOperators,
    kCastOperators, kReductionOperators, kLinearOperators, kMovementOperators, kSliceOperators,
    kShapeOperators, kGatherOperators, kResizeOperators, kNormalizationOperators, kAttentionOperators,
    kRecurrentOperators, kQuantizationOperators, kQLinearOperators, kControlOperators, kSequenceOperators,
    kLossOperators, kDetectionOperators, kSignalOperators, kGeneratorOperators, kSetOperators;

const OperatorIndex<OperatorRow>& operators();
// Null for an operator without a rule.
const OperatorRow* findOperator(const std::string& domain, const std::string& type);
// The name in the table: without ai.onnx, with any other domain in front.
std::string qualifiedName(const std::string& domain, const std::string& type);
// What to do about an operator without a rule; may be empty.
std::string remedyFor(const std::string& qualifiedName);

} // namespace burin::onnx
