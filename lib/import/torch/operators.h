// The table of operators: one row per overload, one array per file of rules.
#pragma once

#include "lib/import/operator_table.h"
#include "lib/import/torch/call.h"

namespace burin::torch {

using Rule = void (*)(Call&);

struct OperatorRow {
  const char* schema; // in PyTorch's notation; "quantized::add(...)" outside aten
  Rule rule;
  const char* variant = ""; // what rules shared by several operators tell them apart by
};

extern const OperatorTable<OperatorRow> kScalarOperators, kListOperators, kTensorInfoOperators,
    kElementwiseOperators, kActivationOperators, kConvolutionOperators, kPoolingOperators,
    kNormalizationOperators, kLinearOperators, kShapeOperators, kJoinOperators, kIndexOperators,
    kReductionOperators, kGeneratorOperators, kResizeOperators, kRecurrentOperators, kAttentionOperators,
    kQuantizedOperators;

struct Operator {
  const OperatorRow* row = nullptr;
  Schema schema;
};

// The overloads of "aten::add", in the order in which they are tried; empty for an unknown operator.
const std::vector<Operator>& overloads(const std::string& name);
std::vector<SupportedOperator> operatorList();
// What to do about an operator without a rule; may be empty.
std::string remedyFor(const std::string& name);

// The element type of torch.zeros(dtype=6).
std::optional<rt::DType> scalarType(int64_t number);
int64_t scalarTypeNumber(rt::DType dtype);

} // namespace burin::torch
