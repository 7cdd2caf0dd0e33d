#include "lib/import/paddle/operators.h"

#include <algorithm>
#include <map>

namespace burin::paddle {

namespace {
const OperatorTable* const kTables[] = {
    &kConvolutionOperators, &kPoolingOperators,     &kNormalizationOperators, &kElementwiseOperators,
    &kActivationOperators,  &kLinearOperators,      &kReductionOperators,     &kMovementOperators,
    &kIndexOperators,       &kConstantOperators,    &kResizeOperators,        &kRecurrentOperators,
    &kDetectionOperators,   &kQuantizationOperators};

const std::map<std::string, const OperatorRow*>& index() {
  static const std::map<std::string, const OperatorRow*> rows = [] {
    std::map<std::string, const OperatorRow*> map;
    for (const OperatorTable* table : kTables)
      for (size_t i = 0; i < table->count; ++i) map.emplace(table->rows[i].name, &table->rows[i]);
    return map;
  }();
  return rows;
}
} // namespace

const OperatorRow* findOperator(const std::string& type) {
  auto it = index().find(type);
  return it == index().end() ? nullptr : it->second;
}

std::vector<const OperatorRow*> allOperators() {
  std::vector<const OperatorRow*> rows;
  for (const auto& [name, row] : index()) rows.push_back(row);
  return rows;
}

std::string remedyFor(const std::string& type) {
  if (type == "while" || type.starts_with("tensor_array") || type == "read_from_array" ||
      type == "write_to_array")
    return "control flow on data is not supported; export the model without it";
  if (type.ends_with("_grad") || type.ends_with("_random") || type == "uniform_random")
    return "export the model for inference (paddle.jit.save or save_inference_model)";
  if (type.starts_with("fusion_") || type.starts_with("fused_") || type.ends_with("_xpu"))
    return "the program was optimised for one processor; give the model as it was exported";
  if (type.starts_with("lod_") || type.starts_with("sequence_"))
    return "ragged sequences are not supported; export the model with padded ones";
  return {};
}

} // namespace burin::paddle
