// nn.conv, nn.conv_transpose, qnn.conv, qnn.conv_transpose: shape rules and the choice of a kernel.
#include "runtime/ops/conv_depthwise.h"
#include "runtime/ops/conv_fast.h"
#include "runtime/ops/conv_output.h"
#include "runtime/ops/conv_reference.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/wide_layer.h"

namespace burin::rt {

namespace {

template <bool Transposed>
bool parse(const Signature& signature, ConvGeometry& geometry, std::string& error) {
  return Transposed ? parseConvTranspose(signature, geometry, error) : parseConv(signature, geometry, error);
}

template <bool Transposed>
bool inferConv(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  ConvGeometry geometry;
  if (!checkInputs(signature, 2, 3, error) || !parse<Transposed>(signature, geometry, error)) return false;
  const TensorType& x = *signature.input(0);
  const TensorType* bias = signature.input(2);
  if (!isFloat(x.dtype))
    return reject(error, std::string("the input has element type ") + dtypeName(x.dtype) +
                             ", expected a float type");
  if (signature.input(1)->dtype != x.dtype || (bias && bias->dtype != x.dtype))
    return reject(error, "input, weights and bias differ in element type");
  if (bias && (bias->shape.rank != 1 || bias->shape[0] != geometry.outputs))
    return reject(error, "the bias has shape " + toString(bias->shape) + ", expected " +
                             std::to_string(geometry.outputs) + " values");
  results = {{x.dtype, convResultShape(geometry, x.shape.rank)}};
  return true;
}

bool isConvInteger(DType dtype) { return dtype == DType::I8 || dtype == DType::U8 || dtype == DType::I16; }

template <bool Transposed>
bool inferQConv(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  ConvGeometry geometry;
  if (!checkInputs(signature, 2, 5, error) || !parse<Transposed>(signature, geometry, error)) return false;
  for (int i : {0, 1})
    if (!isConvInteger(signature.input(i)->dtype))
      return reject(error, std::string(i == 0 ? "the input has" : "the weights have") + " element type " +
                               dtypeName(signature.input(i)->dtype) + ", expected i8, u8 or i16");
  DType result;
  if (!inferIntegerOutput(signature, geometry.outputs, result, error)) return false;
  results = {{result, convResultShape(geometry, signature.input(0)->shape.rank)}};
  return true;
}

template <bool Transposed>
bool geometryOf(const Node& node, ConvGeometry& geometry, std::string& error) {
  Signature signature{node.attrs, {&node.in(0).type, &node.in(1).type}};
  return parse<Transposed>(signature, geometry, error);
}

template <bool Transposed>
std::unique_ptr<Kernel> makeConv(const Node& node, const KernelConfig& config, std::string& error) {
  ConvGeometry geometry;
  if (!geometryOf<Transposed>(node, geometry, error)) return nullptr;
  if (config.isa != Isa::Reference) {
    if (!Transposed)
      if (auto kernel = makeDepthwiseFast(node, geometry, config)) return kernel;
    if (auto kernel = makeConvFast(node, geometry, Transposed, config)) return kernel;
  }
  return makeConvReference(node, geometry, Transposed, error);
}

template <bool Transposed>
std::unique_ptr<Kernel> makeQConv(const Node& node, const KernelConfig& config, std::string& error) {
  ConvGeometry geometry;
  if (!geometryOf<Transposed>(node, geometry, error)) return nullptr;
  if (config.isa != Isa::Reference) {
    const int64_t terms = geometry.groupChannels() * geometry.kernelPositions();
    if (auto kernel = makeWideLayer(node, terms, 1, config, makeQConv<Transposed>)) return kernel;
    if (!Transposed)
      if (auto kernel = makeQDepthwiseFast(node, geometry, config, error)) return kernel;
    if (auto kernel = makeQConvFast(node, geometry, Transposed, config, error)) return kernel;
  }
  return makeQConvReference(node, geometry, Transposed, error);
}

const OpDef kOps[] = {
    {"nn.conv", inferConv<false>, makeConv<false>},
    {"nn.conv_transpose", inferConv<true>, makeConv<true>},
    {"qnn.conv", inferQConv<false>, makeQConv<false>},
    {"qnn.conv_transpose", inferQConv<true>, makeQConv<true>},
};

} // namespace

extern const OpTable kConvOps;
const OpTable kConvOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
