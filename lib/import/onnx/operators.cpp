#include "lib/import/onnx/operators.h"

#include "lib/import/onnx/importer.h"

namespace burin::onnx {

const OperatorIndex<OperatorRow>& operators() {
  static const OperatorIndex<OperatorRow> index = {
      kConvolutionOperators, kPoolingOperators,   kElementwiseOperators,  kCastOperators,
      kReductionOperators,   kLinearOperators,    kMovementOperators,     kSliceOperators,
      kShapeOperators,       kGatherOperators,    kResizeOperators,       kNormalizationOperators,
      kAttentionOperators,   kRecurrentOperators, kQuantizationOperators, kQLinearOperators,
      kControlOperators,     kSequenceOperators,  kLossOperators,         kDetectionOperators,
      kSignalOperators,      kGeneratorOperators, kSetOperators};
  return index;
}

std::string qualifiedName(const std::string& domain, const std::string& type) {
  return domain.empty() || domain == "ai.onnx" ? type : domain + ":" + type;
}

const OperatorRow* findOperator(const std::string& domain, const std::string& type) {
  return operators().find(qualifiedName(domain, type));
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

} // namespace burin::onnx
