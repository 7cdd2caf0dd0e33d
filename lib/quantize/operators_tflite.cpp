// Recognises the operators that have integers in TensorFlow Lite's arithmetic alone, some of which importers
// write as several ops.
#include "lib/quantize/rules.h"

#include <set>

using namespace mlir;

namespace burin::quantize {

namespace {
StringRef functionOf(Operation* op) {
  auto fn = op->getAttrOfType<StringAttr>("fn");
  return fn ? fn.getValue() : StringRef();
}

// The op that makes v if it is an nn op of that name and function, else null.
Operation* maker(Value v, StringRef name, StringRef fn) {
  Operation* op = v.getDefiningOp();
  return op && op->getName().getStringRef() == name && functionOf(op) == fn ? op : nullptr;
}
bool isClamped(Operation* op) { return op->hasAttr("lo") || op->hasAttr("hi"); }

// (a - b)^2
bool readSquaredDifference(Operation* op, TfliteOperator& found) {
  if (op->getName().getStringRef() != "nn.unary" || functionOf(op) != "square") return false;
  Operation* difference = maker(op->getOperand(0), "nn.binary", "sub");
  if (!difference || isClamped(difference)) return false;
  found = {TfliteRule::Pair, "squared_difference", llvm::to_vector(difference->getOperands())};
  return true;
}

// x * rsqrt(max(sum of x^2 along an axis, a small number))
bool readNormalize(Operation* op, TfliteOperator& found) {
  if (op->getName().getStringRef() != "nn.binary" || functionOf(op) != "mul" || isClamped(op)) return false;
  for (int side : {0, 1}) {
    Value x = op->getOperand(side);
    Operation* root = maker(op->getOperand(1 - side), "nn.unary", "rsqrt");
    Operation* bound = root ? maker(root->getOperand(0), "nn.binary", "max") : nullptr;
    Operation* sum = bound ? maker(bound->getOperand(0), "nn.reduce", "sum_square") : nullptr;
    if (!sum || sum->getOperand(0) != x || !nn::isConstant(bound->getOperand(1))) continue;
    ArrayRef<int64_t> axes = sum->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef();
    if (axes.size() != 1 || !sum->getAttrOfType<BoolAttr>("keep_dims").getValue()) continue;
    found = {TfliteRule::Normalize, "l2_normalize", {x}, axes[0]};
    return true;
  }
  return false;
}

TfliteRule ruleOf(Operation* op) {
  static const std::set<StringRef> stored = {
      "nn.arg_reduce", "nn.topk",   "nn.gather", "nn.gather_elements",
      "nn.gather_nd",  "nn.select", "nn.pad",    "nn.reverse_sequence"};
  static const std::set<StringRef> comparisons = {"equal", "less", "less_equal", "greater", "greater_equal"};
  const StringRef name = op->getName().getStringRef(), fn = functionOf(op);
  if (name == "nn.reduce")
    return fn == "sum"                  ? TfliteRule::Sum
           : fn == "prod"               ? TfliteRule::Product
           : fn == "max" || fn == "min" ? TfliteRule::Stored
                                        : TfliteRule::None;
  if (name == "nn.binary")
    return comparisons.count(fn) || (fn == "div" && classify(op) == OpClass::Other) ? TfliteRule::Pair
                                                                                    : TfliteRule::None;
  return stored.count(name) && !keepsScale(op) ? TfliteRule::Stored : TfliteRule::None;
}
} // namespace

TfliteOperator tfliteOperator(Operation* op, const Target& target, llvm::function_ref<bool(Value)> hasScale) {
  TfliteOperator found;
  if (target.arithmetic.functions == FunctionRule::Tflite) {
    // What lies between the ops of one operator is never rounded.
    if ((readSquaredDifference(op, found) || readNormalize(op, found)) &&
        llvm::none_of(op->getOperands(),
                      [&](Value v) { return !llvm::is_contained(found.operands, v) && hasScale(v); }))
      return found;
    found.rule = ruleOf(op);
    found.fn = functionOf(op);
  }
  found.operands = llvm::to_vector(op->getOperands());
  return found;
}

} // namespace burin::quantize
