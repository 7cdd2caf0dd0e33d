// What a quantized model decides by itself: which ops run on its integers, and why others do not.
#include "lib/quantize/rules.h"

#include <fmt/format.h>

using namespace mlir;

namespace burin::quantize {

namespace {
class Planner {
public:
  Planner(nn::GraphOp graph, const Target& target, const Locks& locks, const StoredConstants& stored)
      : graph_(graph), target_(target), locks_(locks), stored_(stored) {}

  QuantPlan run() {
    QuantPlan plan;
    for (Operation& op : graph_.getBody().front()) {
      if (isa<nn::ConstantOp, nn::NoneOp, nn::OutputOp>(op)) continue;
      if (!isa<nn::InputOp>(op)) plan.ops.push_back(opPlan(&op));
      for (Value v : op.getResults())
        if (auto it = locks_.find(v); it != locks_.end()) plan.tensors.push_back(tensorPlan(v, it->second));
    }
    plan.scheme = nameOf(target_.defaultScheme);
    plan.method = "as-is";
    plan.index();
    return plan;
  }

private:
  OpPlan opPlan(Operation* op) const {
    OpPlan p;
    p.name = nn::valueName(op->getResult(0));
    p.type = op->getName().getStringRef().str();
    p.source = "model";
    p.reason = whyFloat(op);
    p.precision = p.reason.empty() ? integerPrecision(op) : Precision::F32;
    p.floatResult = p.reason.empty() && isReal(op->getResult(0)) && !locks_.count(op->getResult(0));
    return p;
  }

  // By the widest of the op's activations.
  Precision integerPrecision(Operation* op) const {
    auto isWide = [&](Value v) {
      auto it = isState(op, v) ? locks_.end() : locks_.find(v);
      return it != locks_.end() && rt::dtypeBytes(it->second.dtype) > 1;
    };
    return llvm::any_of(op->getOperands(), isWide) || isWide(op->getResult(0)) ? Precision::Int16
                                                                               : Precision::Int8;
  }

  static bool isReal(Value v) {
    auto type = dyn_cast<RankedTensorType>(v.getType());
    return type && type.getElementType().isF32();
  }

  std::string whyFloat(Operation* op) const {
    const TfliteOperator known = tfliteOperator(op, target_, [&](Value v) { return locks_.count(v) > 0; });
    const bool own = known.rule != TfliteRule::None;
    bool any = false;
    for (Value v : known.operands) {
      if (!isReal(v) || (nn::isConstant(v) && !own)) continue;
      if (nn::isConstant(v) ? !stored_.count(v) : !locks_.count(v))
        return fmt::format("'{}' is not quantized in the model", nn::valueName(v));
      any = true;
    }
    if (!any) return "it has no quantized operand";
    std::string reason =
        own ? "" : whyNotInteger(op, target_, target_.defaultScheme, integerPrecision(op), true);
    if (!reason.empty()) return reason;
    for (Value v : op->getResults())
      if (!locks_.count(v) && !isHeavy(op) && (v == op->getResult(0) || !v.use_empty()) &&
          (isReal(v) || !own))
        return "its result is not quantized in the model";
    if (isHeavy(op) && nn::isConstant(op->getOperand(1)) && !stored_.count(op->getOperand(1)))
      return "its weights are not quantized in the model";
    return {};
  }

  static TensorPlan tensorPlan(Value v, const LockedScale& lock) {
    TensorPlan t;
    t.name = nn::valueName(v);
    const rt::IntegerForm form = integersOf(lock).form;
    t.min = (form.low - lock.zeroPoint) * static_cast<double>(lock.scale);
    t.max = (form.high - lock.zeroPoint) * static_cast<double>(lock.scale);
    t.threshold = std::max(std::abs(t.min), std::abs(t.max));
    t.source = "model, locked";
    t.locked = lock;
    return t;
  }

  nn::GraphOp graph_;
  const Target& target_;
  const Locks& locks_;
  const StoredConstants& stored_;
};
} // namespace

QuantPlan planAsIs(nn::GraphOp graph, const Target& target, const Locks& locks,
                   const StoredConstants& stored) {
  return Planner(graph, target, locks, stored).run();
}

} // namespace burin::quantize
