#include "lib/import/tflite/operators.h"

#include <algorithm>

namespace burin::tflite {

const OperatorIndex<OperatorRow>& operators() {
  static const OperatorIndex<OperatorRow> index = {
      kConvolutionOperators,  kLinearOperators,    kElementwiseOperators, kNormalizationOperators,
      kQuantizationOperators, kMovementOperators,  kSliceOperators,       kGatherOperators,
      kShapeOperators,        kReductionOperators, kResizeOperators,      kRecurrentOperators,
      kDetectionOperators};
  return index;
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
  for (const SupportedOperator& op : operators().supported()) {
    const bool custom = op.name.starts_with("custom:");
    list.push_back({custom ? op.name.substr(7) : op.name, custom ? "custom" : "builtin", op.shownBy});
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}

} // namespace burin::tflite
