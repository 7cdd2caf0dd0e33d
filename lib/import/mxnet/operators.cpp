#include "lib/import/mxnet/operators.h"

#include <map>

namespace burin::mxnet {

namespace {
const OperatorTable* const kTables[] = {
    &kConvolutionOperators, &kNormalizationOperators, &kElementwiseOperators, &kUnaryOperators,
    &kReductionOperators,   &kMovementOperators,      &kSliceOperators,       &kIndexOperators,
    &kConstantOperators,    &kRecurrentOperators,     &kDetectionOperators};

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
