#include "lib/import/tflite/operators.h"

#include <algorithm>
#include <unordered_map>

namespace burin::tflite {

namespace {
const OperatorTable* const kTables[] = {
    &kConvolutionOperators,  &kLinearOperators,    &kElementwiseOperators, &kNormalizationOperators,
    &kQuantizationOperators, &kMovementOperators,  &kSliceOperators,       &kGatherOperators,
    &kShapeOperators,        &kReductionOperators, &kResizeOperators,      &kRecurrentOperators,
    &kDetectionOperators};

const std::unordered_map<std::string, const OperatorRow*>& index() {
  static const std::unordered_map<std::string, const OperatorRow*> rows = [] {
    std::unordered_map<std::string, const OperatorRow*> map;
    for (const OperatorTable* table : kTables)
      for (size_t i = 0; i < table->count; ++i) map.emplace(table->rows[i].name, &table->rows[i]);
    return map;
  }();
  return rows;
}
} // namespace

const OperatorRow* findOperator(const std::string& name) {
  auto it = index().find(name);
  return it == index().end() ? nullptr : it->second;
}

std::string remedyFor(const std::string& name) {
  if (name.starts_with("custom:Flex"))
    return "it is an operator of TensorFlow proper; convert without SELECT_TF_OPS, or give the SavedModel";
  if (name.starts_with("custom:"))
    return "it exists only in the application that the model was made for; cut before it with --outputs";
  if (name == "WHILE" || name == "IF")
    return "convert with a fixed sequence length, so that loops are unrolled";
  if (name.starts_with("RANDOM") || name == "MULTINOMIAL")
    return "its result is random; convert the model for inference";
  if (name.starts_with("HASHTABLE") || name == "LSH_PROJECTION" || name == "SKIP_GRAM")
    return "do text processing before the model and cut it with --inputs";
  if (name == "CALL_ONCE" || name.ends_with("_VARIABLE") || name == "VAR_HANDLE")
    return "convert the model with its variables frozen";
  if (name.starts_with("STABLEHLO")) return "convert to the builtin operators of TensorFlow Lite";
  return {};
}

std::vector<SupportedOperator> supportedOperators() {
  std::vector<SupportedOperator> list;
  for (const auto& [name, row] : index()) {
    const bool custom = name.starts_with("custom:");
    list.push_back({custom ? name.substr(7) : name, custom ? "custom" : "builtin", row->shownBy});
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}

} // namespace burin::tflite
