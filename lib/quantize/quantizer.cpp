#include "lib/quantize/quantizer.h"

#include "lib/quantize/rules.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"

#include <fmt/format.h>

using namespace mlir;

namespace burin::quantize {

namespace {
bool isIdentity(Operation* op) {
  return op->getName().getStringRef() == "nn.unary" &&
         op->getAttrOfType<StringAttr>("fn").getValue() == "identity";
}
// Arithmetic between an activation and the model's own integers.
bool isStoredArithmetic(Operation* op, const RuleContext& context) {
  if (op->getName().getStringRef() != "nn.binary" ||
      llvm::none_of(op->getOperands(), [&](Value v) { return context.storedOf(v); }))
    return false;
  StringRef fn = op->getAttrOfType<StringAttr>("fn").getValue();
  return fn == "add" || fn == "sub" || fn == "mul" || fn == "min" || fn == "max";
}
bool isStoredQuotient(Operation* op, const RuleContext& context) {
  return op->getName().getStringRef() == "nn.binary" &&
         op->getAttrOfType<StringAttr>("fn").getValue() == "div" &&
         context.target.arithmetic.functions == FunctionRule::Tflite &&
         llvm::any_of(op->getOperands(), [&](Value v) { return context.storedOf(v); });
}

Status quantizeOp(Operation* op, RuleContext& context) {
  const TfliteOperator known =
      tfliteOperator(op, context.target, [&](Value v) { return context.emit.hasScale(v); });
  if (known.rule != TfliteRule::None) return quantizeTflite(op, known, context);
  // A model's own integers go through the arithmetic that it was made for, not through a table.
  if (isStoredQuotient(op, context)) return quantizePair(op, "div", known.operands, context);
  if (isStoredArithmetic(op, context)) return quantizeBinary(op, context);
  if (isIdentity(op)) return quantizeIdentity(op, context);
  switch (classify(op)) {
  case OpClass::Conv:
  case OpClass::Depthwise:
  case OpClass::Deconv:
  case OpClass::MatMul:
  case OpClass::MatMulActAct:
    return quantizeHeavy(op, context);
  case OpClass::Add:
  case OpClass::Sub:
  case OpClass::Mul:
  case OpClass::MinMax:
    return quantizeBinary(op, context);
  case OpClass::Lut:
  case OpClass::Relu:
    return quantizeLut(op, context);
  case OpClass::AvgPool:
  case OpClass::ReduceMean:
    return quantizeAverage(op, context);
  case OpClass::Concat:
    return quantizeConcat(op, context);
  case OpClass::Recurrent:
    return quantizeRecurrent(op, context);
  case OpClass::Softmax:
    return quantizeSoftmax(op, context);
  default:
    if (keepsScale(op)) return quantizeSameScale(op, context);
    if (classify(op) == OpClass::Resize) return quantizeResize(op, context);
    return fail(ErrorCode::Unsupported, "there is no integer rule for it");
  }
}

void keepFloat(Operation* op, Emitter& emit) {
  IRMapping mapping;
  for (Value v : op->getOperands()) mapping.map(v, emit.plain(v));
  Operation* copy = emit.builder().clone(*op, mapping);
  for (auto [old, made] : llvm::zip(op->getResults(), copy->getResults())) emit.setReal(old, made);
}

class Application {
public:
  Application(nn::GraphOp graph, const QuantPlan& plan, const Target& target, Scheme scheme,
              const ScaleAssignment& scales, const StoredConstants& stored)
      : graph_(graph), plan_(plan), target_(target), scheme_(scheme), stored_(stored),
        emit_(graph, scales, target) {}

  Result<QuantizedGraph> run() {
    for (Operation& op : graph_.getBody().front()) {
      if (isa<nn::ConstantOp, nn::NoneOp>(op)) continue;
      if (isa<nn::InputOp>(op))
        takeInput(op);
      else if (isBorder(op))
        continue; // its integers are those of the tensor it reads
      else if (isa<nn::OutputOp>(op))
        end(op);
      else
        BURIN_CHECK(apply(op));
    }
    out_.module = emit_.take();
    removeUnused();
    std::string problem;
    ScopedDiagnosticHandler handler(graph_.getContext(), [&](Diagnostic& d) {
      if (problem.empty()) problem = d.str();
      return success();
    });
    if (failed(verify(*out_.module)))
      return fail(ErrorCode::Internal, "the quantized graph is not valid: " + problem);
    return std::move(out_);
  }

private:
  // An operator of several ops leaves all but its last without a reader.
  void removeUnused() {
    nn::GraphOp made = *out_.module->getOps<nn::GraphOp>().begin();
    for (Operation& op : llvm::make_early_inc_range(llvm::reverse(made.getBody().front())))
      if (!isa<nn::InputOp, nn::OutputOp>(op) && op.use_empty()) op.erase();
  }

  // Integers from outside that only stand for real numbers carry scale and zero point themselves, so that
  // pictures can be fed.
  void takeInput(Operation& op) {
    Operation* made = emit_.builder().clone(op);
    Value old = op.getResult(0);
    emit_.setReal(old, made->getResult(0));
    if (cast<RankedTensorType>(old.getType()).getElementType().isF32() || old.use_empty() ||
        !llvm::all_of(old.getUsers(), [&](Operation* user) { return isBorder(*user); }))
      return;
    Value real = (*old.getUsers().begin())->getResult(0);
    made->getResult(0).setType(emit_.integerType(real));
    for (Operation* user : old.getUsers()) emit_.setInteger(user->getResult(0), made->getResult(0));
  }

  // nn.dequantize of an input, nn.quantize to an output, where the plan gives the real tensor that very
  // scale.
  bool isBorder(Operation& op) const {
    if (op.getName().getStringRef() == "nn.dequantize")
      return isa_and_nonnull<nn::InputOp>(op.getOperand(0).getDefiningOp()) &&
             hasLock(op.getResult(0), lockOf(&op, op.getOperand(0))) &&
             llvm::all_of(op.getOperand(0).getUsers(),
                          [](Operation* user) { return user->getName().getStringRef() == "nn.dequantize"; });
    return op.getName().getStringRef() == "nn.quantize" &&
           hasLock(op.getOperand(0), lockOf(&op, op.getResult(0))) &&
           llvm::all_of(op.getResult(0).getUsers(), [](Operation* user) { return isa<nn::OutputOp>(user); });
  }

  bool hasLock(Value v, const std::optional<LockedScale>& lock) const {
    const TensorPlan* t = plan_.tensor(nn::valueName(v));
    return t && t->locked && t->locked == lock;
  }

  // The outputs, integers as they are stored.
  void end(Operation& op) {
    for (Value v : op.getOperands())
      if (Operation* source = v.getDefiningOp(); source && isBorder(*source))
        emit_.setReal(v, emit_.integer(source->getOperand(0)));
    keepFloat(&op, emit_);
  }

  Status apply(Operation& op) {
    const OpPlan* plan = plan_.op(nn::valueName(op.getResult(0)));
    if (!plan || !isInteger(plan->precision)) {
      keepFloat(&op, emit_);
      return {};
    }
    BURIN_CHECK(checkScales(op, *plan));
    RuleContext context{emit_, target_, *plan, scheme_, stored_};
    Status status = quantizeOp(&op, context);
    if (status) return status;
    if (status.error().code != ErrorCode::Unsupported)
      return tl::unexpected(atOp(status.error(), plan->name));
    out_.notes.push_back(
        fmt::format("{} ({}) stays float: {}", plan->name, plan->type, status.error().message));
    keepFloat(&op, emit_);
    return {};
  }

  // Every float activation of an integer op needs a range in the plan.
  Status checkScales(Operation& op, const OpPlan& plan) {
    auto missing = [&](Value v) {
      auto type = dyn_cast<RankedTensorType>(v.getType());
      return type && type.getElementType().isF32() && !nn::isConstant(v) && !emit_.hasScale(v);
    };
    SmallVector<Value> needed =
        tfliteOperator(&op, target_, [&](Value v) { return emit_.hasScale(v); }).operands;
    for (Value v : op.getResults()) // a state that nobody reads has no range
      if (!plan.floatResult && (v == op.getResult(0) || !v.use_empty())) needed.push_back(v);
    bool wide = false;
    for (Value v : needed) {
      if (missing(v))
        return fail(Error{ErrorCode::Input,
                          {},
                          plan.name,
                          fmt::format("the plan runs this op in {} but has no range for '{}'",
                                      nameOf(plan.precision), nn::valueName(v)),
                          "add the tensor to the plan or set the op's precision to f32"});
      wide |= emit_.hasScale(v) && !isState(&op, v) && emit_.scaleOf(v).form.bits() > 8;
    }
    if (wide != (plan.precision == Precision::Int16))
      return fail(
          Error{ErrorCode::Input,
                {},
                plan.name,
                fmt::format("the plan runs this op in {} but {} of its tensors has 16 bits",
                            nameOf(plan.precision), wide ? "one" : "none"),
                "16-bit tensors are those that a quantized model brings along; correct the precision"});
    return {};
  }

  nn::GraphOp graph_;
  const QuantPlan& plan_;
  const Target& target_;
  Scheme scheme_;
  const StoredConstants& stored_;
  Emitter emit_;
  QuantizedGraph out_;
};
} // namespace

Result<QuantizedGraph> applyPlan(nn::GraphOp graph, const QuantPlan& plan, const Target& target,
                                 const StoredConstants& stored) {
  Scheme scheme = target.defaultScheme;
  if (!plan.scheme.empty() && !parse(plan.scheme, scheme))
    return fail(ErrorCode::Input, "the plan names the unknown scheme '" + plan.scheme + "'");
  graph.getContext()->loadDialect<qnn::QNNDialect>();
  BURIN_ASSIGN(ScaleAssignment scales, ScaleAssignment::compute(graph, plan, target, scheme));
  return Application(graph, plan, target, scheme, scales, stored).run();
}

} // namespace burin::quantize
