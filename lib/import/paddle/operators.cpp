#include "lib/import/paddle/operators.h"

namespace burin::paddle {

const OperatorIndex<OperatorRow>& operators() {
  static const OperatorIndex<OperatorRow> index = {
      kConvolutionOperators, kPoolingOperators,     kNormalizationOperators, kElementwiseOperators,
      kActivationOperators,  kLinearOperators,      kReductionOperators,     kMovementOperators,
      kIndexOperators,       kConstantOperators,    kResizeOperators,        kRecurrentOperators,
      kDetectionOperators,   kQuantizationOperators};
  return index;
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
