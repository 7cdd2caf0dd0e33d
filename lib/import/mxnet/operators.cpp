#include "lib/import/mxnet/operators.h"

namespace burin::mxnet {

const OperatorIndex<OperatorRow>& operators() {
  static const OperatorIndex<OperatorRow> index = {
      kConvolutionOperators, kNormalizationOperators, kElementwiseOperators, kUnaryOperators,
      kReductionOperators,   kMovementOperators,      kSliceOperators,       kIndexOperators,
      kConstantOperators,    kRecurrentOperators,     kDetectionOperators};
  return index;
}

std::string remedyFor(const std::string& type) {
  if (type.starts_with("_contrib_quantize") || type.starts_with("_contrib_requantize") ||
      type.starts_with("_contrib_dequantize") || type.starts_with("_sg_mkldnn") ||
      type.starts_with("_sg_onednn"))
    return "the model is quantized or fused for one processor; give the float model, Burin quantizes it";
  if (type == "Custom")
    return "it is written in Python; replace it, or cut the model before it with --outputs";
  if (type.starts_with("_random") || type.starts_with("_sample"))
    return "its result is random; export the model for inference";
  if (type == "_foreach" || type == "_while_loop" || type == "_cond")
    return "export the model with its loops unrolled";
  if (type == "_TensorRT" || type.starts_with("_Native") || type == "_NDArray")
    return "it belongs to one machine or to Python; export the model without it";
  if (type == "CTCLoss" || type == "ctc_loss" || type.ends_with("_loss"))
    return "it is a loss; cut the model before it with --outputs";
  if (type.starts_with("_contrib_Proposal") || type == "Proposal" || type == "_contrib_MultiProposal")
    return "cut the model before the proposals with --outputs";
  return {};
}

} // namespace burin::mxnet
