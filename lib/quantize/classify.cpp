#include "lib/quantize/plan.h"

#include <set>

using namespace mlir;

namespace burin::quantize {

namespace {
OpClass classifyBinary(Operation* op) {
  StringRef fn = op->getAttrOfType<StringAttr>("fn").getValue();
  if (fn == "prelu") return OpClass::Lut; // a table per channel
  int constants = nn::isConstant(op->getOperand(0)) + nn::isConstant(op->getOperand(1));
  bool scalar = false;
  for (Value v : op->getOperands())
    scalar |= nn::isConstant(v) && cast<RankedTensorType>(v.getType()).getNumElements() == 1;
  if (constants && scalar) return OpClass::Lut; // a function of one element
  if (fn == "add") return OpClass::Add;
  if (fn == "sub") return OpClass::Sub;
  if (fn == "mul") return OpClass::Mul;
  if (fn == "min" || fn == "max") return OpClass::MinMax;
  if (fn == "div" && nn::isConstant(op->getOperand(1))) return OpClass::Mul;
  return OpClass::Other;
}

bool isDepthwise(Operation* op) {
  int64_t groups = op->getAttrOfType<IntegerAttr>("groups").getInt();
  return groups > 1 && groups == cast<RankedTensorType>(op->getOperand(0).getType()).getDimSize(1);
}
} // namespace

OpClass classify(Operation* op) {
  static const std::map<StringRef, OpClass> byName = {
      {"nn.conv_transpose", OpClass::Deconv},  {"nn.concat", OpClass::Concat},
      {"nn.avg_pool", OpClass::AvgPool},       {"nn.max_pool", OpClass::MaxPool},
      {"nn.softmax", OpClass::Softmax},        {"nn.layer_norm", OpClass::LayerNorm},
      {"nn.group_norm", OpClass::LayerNorm},   {"nn.pad", OpClass::Pad},
      {"nn.lstm", OpClass::Recurrent},         {"nn.gru", OpClass::Recurrent},
      {"nn.rnn", OpClass::Recurrent},          {"nn.svdf", OpClass::Recurrent},
      {"nn.reshape", OpClass::Movement},       {"nn.transpose", OpClass::Movement},
      {"nn.slice", OpClass::Movement},         {"nn.expand", OpClass::Movement},
      {"nn.tile", OpClass::Movement},          {"nn.depth_to_space", OpClass::Movement},
      {"nn.space_to_depth", OpClass::Movement}};
  StringRef name = op->getName().getStringRef();
  if (auto it = byName.find(name); it != byName.end()) return it->second;
  if (name == "nn.conv") return isDepthwise(op) ? OpClass::Depthwise : OpClass::Conv;
  if (name == "nn.matmul")
    return nn::isConstant(op->getOperand(0)) || nn::isConstant(op->getOperand(1)) ? OpClass::MatMul
                                                                                  : OpClass::MatMulActAct;
  if (name == "nn.binary") return classifyBinary(op);
  if (name == "nn.unary") return OpClass::Lut;
  if (name == "nn.resize") return OpClass::Resize;
  if (name == "nn.gather") return nn::isConstant(op->getOperand(1)) ? OpClass::Movement : OpClass::Other;
  if (name == "nn.reduce") {
    StringRef fn = op->getAttrOfType<StringAttr>("fn").getValue();
    return fn == "mean" ? OpClass::ReduceMean : OpClass::Other;
  }
  return OpClass::Other;
}

bool keepsScale(Operation* op) {
  switch (classify(op)) {
  case OpClass::MaxPool:
  case OpClass::Movement:
    return true;
  case OpClass::Pad:
    return op->getAttrOfType<StringAttr>("mode").getValue() != "constant" ||
           op->getAttrOfType<FloatAttr>("value") == nullptr ||
           op->getAttrOfType<FloatAttr>("value").getValueAsDouble() == 0;
  case OpClass::Resize:
    return op->getAttrOfType<StringAttr>("mode").getValue() == "nearest";
  default:
    return false;
  }
}

bool isState(Operation* op, Value v) {
  return classify(op) == OpClass::Recurrent && v != op->getOperand(0) && v != op->getResult(0);
}

bool isHeavy(Operation* op) {
  switch (classify(op)) {
  case OpClass::Conv:
  case OpClass::Depthwise:
  case OpClass::Deconv:
  case OpClass::MatMul:
  case OpClass::MatMulActAct:
    return true;
  default:
    return false;
  }
}

} // namespace burin::quantize
