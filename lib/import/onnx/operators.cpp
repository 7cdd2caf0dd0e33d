#include "lib/import/onnx/operators.h"

#include "lib/import/onnx/importer.h"

#include <unordered_map>

namespace burin::onnx {

namespace {
const OperatorTable* const kTables[] = {
    &kConvolutionOperators, &kPoolingOperators,   &kElementwiseOperators,  &kCastOperators,
    &kReductionOperators,   &kLinearOperators,    &kMovementOperators,     &kSliceOperators,
    &kShapeOperators,       &kGatherOperators,    &kResizeOperators,       &kNormalizationOperators,
    &kAttentionOperators,   &kRecurrentOperators, &kQuantizationOperators, &kQLinearOperators,
    &kControlOperators,     &kSequenceOperators,  &kLossOperators,         &kDetectionOperators,
    &kSignalOperators,      &kGeneratorOperators, &kSetOperators};

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

std::string qualifiedName(const std::string& domain, const std::string& type) {
  return domain.empty() || domain == "ai.onnx" ? type : domain + ":" + type;
}

const OperatorRow* findOperator(const std::string& domain, const std::string& type) {
  auto it = index().find(qualifiedName(domain, type));
  return it == index().end() ? nullptr : it->second;
}

std::string remedyFor(const std::string& name) {
  if (name.starts_with("ai.onnx.preview.training:") || name.starts_with("ai.onnx.training:"))
    return "it belongs to training; export the model for inference";
  if (name.starts_with("Random") || name == "Bernoulli" || name == "Multinomial")
    return "its result is random; export the model in inference mode";
  if (name.starts_with("String") || name == "RegexFullMatch")
    return "do text processing before the model and cut it with --inputs";
  if (name.starts_with("ai.onnx.ml:"))
    return "classical machine learning is not covered; cut it off with --outputs";
  if (name.starts_with("ATen:") || name.starts_with("org.pytorch.aten:"))
    return "export again with operator_export_type=ONNX";
  if (name.ends_with("_TRT") || name.starts_with("TRT") || name.find("TRTBatchedNMS") != std::string::npos)
    return "it is a plugin of TensorRT; export the model without it, boxes chosen outside or by "
           "NonMaxSuppression";
  if (name.starts_with("com.microsoft:"))
    return "ONNX Runtime's optimizer put it there; give the model as it was exported";
  if (name.find(':') != std::string::npos)
    return "it belongs to an extension; export it as a function of ONNX operators, or cut before it with "
           "--outputs";
  return {};
}

std::vector<std::string> operatorNames() {
  std::vector<std::string> names;
  for (const auto& [name, row] : index()) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace burin::onnx
