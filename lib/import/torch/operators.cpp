#include "lib/import/torch/operators.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace burin::torch {

namespace {
using rt::DType;

const OperatorTable<OperatorRow>* const kTables[] = {
    &kScalarOperators,     &kListOperators,        &kTensorInfoOperators, &kElementwiseOperators,
    &kActivationOperators, &kConvolutionOperators, &kPoolingOperators,    &kNormalizationOperators,
    &kLinearOperators,     &kShapeOperators,       &kJoinOperators,       &kIndexOperators,
    &kReductionOperators,  &kGeneratorOperators,   &kResizeOperators,     &kRecurrentOperators,
    &kAttentionOperators,  &kQuantizedOperators};

using Index = std::unordered_map<std::string, std::vector<Operator>>;

const Index& operatorIndex() {
  static const Index index = [] {
    Index map;
    for (const OperatorTable<OperatorRow>* table : kTables)
      for (const OperatorRow& row : *table) {
        Operator op{&row, parseSchema(row.schema)};
        bool qualified = op.schema.name.find("::") != std::string::npos;
        map[qualified ? op.schema.name : "aten::" + op.schema.name].push_back(std::move(op));
      }
    return map;
  }();
  return index;
}

// What the published models that we know use; our own networks show the others.
bool isMet(const std::string& name) {
  static const std::set<std::string> met = {"aten::conv2d", "aten::relu",    "aten::max_pool2d", "aten::view",
                                            "aten::linear", "aten::ne",      "aten::__is__",     "aten::gru",
                                            "aten::sum",    "aten::softmax", "aten::zeros",      "aten::size",
                                            "aten::int",    "aten::device",  "prim::NumToTensor"};
  return met.contains(name);
}

// By PyTorch's number; F64 counts as F32, complex numbers have no counterpart.
constexpr std::pair<int64_t, DType> kScalarTypes[] = {
    {0, DType::U8},  {1, DType::I8},   {2, DType::I16},  {3, DType::I32},   {4, DType::I64},
    {5, DType::F16}, {6, DType::F32},  {7, DType::F32},  {11, DType::Bool}, {12, DType::I8},
    {13, DType::U8}, {14, DType::I32}, {15, DType::BF16}};
} // namespace

const std::vector<Operator>& overloads(const std::string& name) {
  static const std::vector<Operator> none;
  auto it = operatorIndex().find(name);
  return it == operatorIndex().end() ? none : it->second;
}

std::vector<SupportedOperator> operatorList() {
  std::vector<SupportedOperator> list;
  for (const auto& [name, operators] : operatorIndex()) {
    size_t colon = name.find("::");
    list.push_back({name.substr(colon + 2), name.substr(0, colon), isMet(name) ? "model" : "fixture"});
  }
  std::sort(list.begin(), list.end(),
            [](auto& a, auto& b) { return std::tie(a.domain, a.name) < std::tie(b.domain, b.name); });
  return list;
}

std::string remedyFor(const std::string& name) {
  auto isOneOf = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](const char* one) { return name == std::string("aten::") + one; });
  };
  if (name.find("rand") != std::string::npos || isOneOf({"bernoulli", "multinomial", "normal", "poisson"}))
    return "its result is random; export the model in inference mode";
  if (isOneOf({"nonzero", "nonzero_numpy", "unique", "_unique2", "unique_consecutive", "bincount"}) ||
      name.starts_with("torchvision::"))
    return "the shape of its result depends on data; cut it off with --outputs";
  if (name.ends_with("_dynamic") || isOneOf({"quantized_lstm", "quantized_gru"}))
    return "it quantizes while it runs; export the float model, or one with static quantization";
  if (name.find("fake_quant") != std::string::npos || name.find("_obs_") != std::string::npos)
    return "finish quantization with torch.ao.quantization.convert before the export";
  if (name.starts_with("aten::fft_") ||
      isOneOf({"stft", "istft", "view_as_complex", "view_as_real", "complex", "polar"}))
    return "complex numbers are not supported; compute the transform before the network, or as matrix "
           "products";
  if (name.starts_with("aten::linalg_") || isOneOf({"svd", "inverse", "cholesky", "qr", "symeig", "lstsq"}))
    return "matrices cannot be factored here; cut the network before it with --outputs";
  if (name.ends_with("_loss") || name.ends_with("_loss_nd") ||
      isOneOf({"kl_div", "binary_cross_entropy_with_logits"}))
    return "it is a loss; export the network's own outputs";
  if (name.starts_with("mkldnn::") || name.starts_with("prepacked::") ||
      name.starts_with("mkldnn_prepacked::") || name.find("mkldnn") != std::string::npos)
    return "the archive is optimized for one machine; export it without torch.jit.optimize_for_inference or "
           "optimize_for_mobile";
  if (!name.starts_with("aten::") && !name.starts_with("prim::") && !name.starts_with("quantized::"))
    return "it belongs to an extension; rewrite it with PyTorch's own operators before the export";
  return {};
}

std::optional<DType> scalarType(int64_t number) {
  for (auto [n, dtype] : kScalarTypes)
    if (n == number) return dtype;
  return std::nullopt;
}
int64_t scalarTypeNumber(DType dtype) {
  for (auto [n, type] : kScalarTypes)
    if (type == dtype) return n;
  return 6;
}

} // namespace burin::torch
