#include "lib/export/op_writer.h"

#include "runtime/math/half.h"

#include <cstring>

using namespace mlir;

namespace burin::onnx_export {

int64_t OpWriter::integer(StringRef attribute, int64_t fallback) const {
  if (auto b = op->getAttrOfType<BoolAttr>(attribute)) return b.getValue();
  auto a = op->getAttrOfType<IntegerAttr>(attribute);
  return a ? a.getInt() : fallback;
}
float OpWriter::real(StringRef attribute, float fallback) const {
  auto a = op->getAttrOfType<FloatAttr>(attribute);
  return a ? static_cast<float>(a.getValueAsDouble()) : fallback;
}
std::string OpWriter::text(StringRef attribute) const {
  auto a = op->getAttrOfType<StringAttr>(attribute);
  return a ? a.getValue().str() : std::string();
}
std::vector<int64_t> OpWriter::ints(StringRef attribute) const {
  auto a = op->getAttrOfType<DenseI64ArrayAttr>(attribute);
  return a ? a.asArrayRef().vec() : std::vector<int64_t>();
}
std::vector<float> OpWriter::floats(StringRef attribute) const {
  auto a = op->getAttrOfType<DenseF32ArrayAttr>(attribute);
  return a ? a.asArrayRef().vec() : std::vector<float>();
}
std::vector<int64_t> OpWriter::shape(size_t operand) const {
  return cast<RankedTensorType>(op->getOperand(static_cast<unsigned>(operand)).getType()).getShape().vec();
}
std::vector<int64_t> OpWriter::resultShape(size_t result) const {
  return cast<RankedTensorType>(op->getResult(static_cast<unsigned>(result)).getType()).getShape().vec();
}

static rt::DType dtypeOf(Value v) {
  rt::TensorType type;
  // Integers of a quantized tensor stand for the float values that the nodes compute on.
  if (!nn::tensorType(v.getType(), type)) return rt::DType::F32;
  return isa<FloatType, IntegerType>(cast<RankedTensorType>(v.getType()).getElementType()) ? type.dtype
                                                                                           : rt::DType::F32;
}
rt::DType OpWriter::dtype(size_t operand) const {
  return dtypeOf(op->getOperand(static_cast<unsigned>(operand)));
}
rt::DType OpWriter::resultDType(size_t result) const {
  return dtypeOf(op->getResult(static_cast<unsigned>(result)));
}

std::string OpWriter::make(const std::string& type, const Names& inputs, const Attributes& attributes,
                           const std::string& suffix) {
  std::string result = temporary(suffix.empty() ? type : suffix);
  graph.node(type, inputs, {result}, attributes, name + "/" + type);
  return result;
}

void OpWriter::write(const std::string& type, const Names& inputs, const Names& outputs,
                     const Attributes& attributes) {
  graph.node(type, inputs, outputs, attributes, name);
}

std::string OpWriter::constLike(const std::string& what, rt::DType dtype, double value) {
  char bytes[8] = {};
  size_t size = rt::dtypeBytes(dtype);
  if (dtype == rt::DType::F32) {
    float f = static_cast<float>(value);
    std::memcpy(bytes, &f, sizeof f);
  } else if (rt::isFloat(dtype)) {
    const float f = static_cast<float>(value);
    const uint16_t half = dtype == rt::DType::F16 ? rt::math::floatToHalf(f) : rt::math::floatToBfloat16(f);
    std::memcpy(bytes, &half, sizeof half);
  } else {
    int64_t i = static_cast<int64_t>(value); // little-endian: the low bytes are the narrower integer
    std::memcpy(bytes, &i, sizeof i);
  }
  rt::TensorType type;
  type.dtype = dtype;
  return graph.initializer(out[0] + "/" + what, type, {bytes, size});
}

void OpWriter::beginClamp() {
  if (!has("lo") && !has("hi")) return;
  clamped_ = out[0];
  out[0] = graph.unique(clamped_ + "/unclamped");
}

void OpWriter::finishClamp() {
  if (clamped_.empty()) return;
  const std::string from = std::exchange(out[0], clamped_);
  clamped_.clear();
  const bool floats = rt::isFloat(resultDType());
  if (floats && !has("hi") && real("lo") == 0)
    return graph.node("Relu", {from}, {out[0]}, {}, name + "/Relu");
  graph.node("Clip",
             {from, has("lo") ? constLike("lo", resultDType(), real("lo")) : "",
              has("hi") ? constLike("hi", resultDType(), real("hi")) : ""},
             {out[0]}, {}, name + "/Clip");
}

Handler handlerFor(StringRef mnemonic) {
  static const std::map<std::string, Handler, std::less<>> table = [] {
    std::map<std::string, Handler, std::less<>> all;
    for (auto handlers : {convolutionHandlers(), normalisationHandlers(), elementwiseHandlers(),
                          reductionHandlers(), movementHandlers(), indexingHandlers(), recurrentHandlers()})
      for (const HandlerEntry& entry : handlers) all[entry.mnemonic] = entry.handler;
    return all;
  }();
  auto it = table.find(std::string_view(mnemonic.data(), mnemonic.size()));
  return it == table.end() ? nullptr : it->second;
}

} // namespace burin::onnx_export
