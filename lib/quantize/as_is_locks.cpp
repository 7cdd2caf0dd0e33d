// Scales that follow from a neighbour's: where a quantized model leaves a tensor between two ops unnamed, or
// its importer wrote one operator as two ops.
#include "lib/quantize/as_is.h"
#include "lib/quantize/rules.h"

using namespace mlir;

namespace burin::quantize {

namespace {
bool isF32(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && type.getElementType().isF32();
}

bool isClamp(Operation& op) {
  if (op.getName().getStringRef() != "nn.unary") return false;
  StringRef fn = op.getAttrOfType<StringAttr>("fn").getValue();
  return fn == "relu" || fn == "clip";
}

// Moving integers and rounding to integers may change places, so both sides of a movement have one scale.
// A clamp is the same before and after rounding: an operator's fused activation sees its integers.
bool keepsIntegers(Operation& op) {
  return op.getNumResults() == 1 && (keepsScale(&op) || isClamp(op)) && isF32(op.getOperand(0)) &&
         isF32(op.getResult(0));
}
} // namespace

void spreadLocks(nn::GraphOp graph, const Target& target, Locks& locks) {
  Block& block = graph.getBody().front();
  for (Operation& op : block)
    if (keepsIntegers(op) && !isClamp(op) && locks.count(op.getOperand(0)) && !locks.count(op.getResult(0)))
      locks[op.getResult(0)] = locks.lookup(op.getOperand(0));
  for (Operation& op : llvm::reverse(block))
    if (keepsIntegers(op) && locks.count(op.getResult(0)) && !locks.count(op.getOperand(0)) &&
        op.getOperand(0).hasOneUse() && !nn::isConstant(op.getOperand(0)))
      locks[op.getOperand(0)] = locks.lookup(op.getResult(0));
  if (target.arithmetic.softmax != FunctionRule::Tflite) return;
  // softmax(beta * x): the product of a factor and integers is the integers at another scale.
  for (Operation& op : block) {
    if (op.getName().getStringRef() != "nn.softmax" || locks.count(op.getOperand(0))) continue;
    Operation* product = op.getOperand(0).getDefiningOp();
    std::optional<float> factor = constantFactor(product);
    if (!factor || !op.getOperand(0).hasOneUse() || !locks.count(product->getOperand(0))) continue;
    LockedScale scale = locks.lookup(product->getOperand(0));
    scale.scale *= *factor;
    locks[op.getOperand(0)] = scale;
  }
}

} // namespace burin::quantize
