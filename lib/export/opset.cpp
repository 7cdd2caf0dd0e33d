#include "lib/export/opset.h"

#include "lib/export/quantized_tensor.h"
#include "lib/nn/nn.h"

using namespace mlir;

namespace burin::onnx_export {

namespace {
bool textIs(Operation& op, StringRef attribute, StringRef value) {
  auto text = op.getAttrOfType<StringAttr>(attribute);
  return text && text.getValue() == value;
}
bool isDilated(Operation& op) {
  auto dilations = op.getAttrOfType<DenseI64ArrayAttr>("dilations");
  return dilations && llvm::any_of(dilations.asArrayRef(), [](int64_t d) { return d != 1; });
}
bool isWide(Value stored) { // 16-bit integers as quantized values
  rt::TensorType type;
  return nn::tensorType(stored.getType(), type) &&
         (type.dtype == rt::DType::I16 || type.dtype == rt::DType::U16);
}
bool isWideQuantized(Value v) { return isQuantized(v) && isWide(v); }
} // namespace

int64_t requiredOpset(Operation& op) {
  StringRef mnemonic = op.getName().stripDialect();
  if (mnemonic == "pad" && textIs(op, "mode", "wrap")) return 19;
  if (mnemonic == "resize" && textIs(op, "coordinate", "half_pixel_symmetric")) return 19;
  if (mnemonic == "avg_pool" && isDilated(op)) return 19;
  if (mnemonic == "grid_sample" && cast<RankedTensorType>(op.getOperand(0).getType()).getRank() != 4)
    return 20;
  if (llvm::any_of(op.getOperands(), isWideQuantized) || llvm::any_of(op.getResults(), isWideQuantized))
    return 21;
  const bool stored = op.getName().getStringRef() == "nn.quantize" ||
                      op.getName().getStringRef() == "nn.dequantize"; // the source's own
  if (stored && (op.hasAttr("block") || isWide(op.getOperand(2)))) return 21;
  return kOldestOpset;
}

} // namespace burin::onnx_export
