#include "lib/quantize/plan.h"

#include "lib/quantize/channels.h"
#include "lib/quantize/trim.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace burin::quantize {

namespace {
bool isFloatTensor(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && type.getElementType().isF32();
}
} // namespace

namespace {
// Rules that need the scales which a quantized model brings along.
bool hasOwnRule(OpClass opClass, const Target& target) {
  return (opClass == OpClass::Softmax && target.arithmetic.softmax == FunctionRule::Tflite) ||
         (opClass == OpClass::Resize && target.arithmetic.resize == FunctionRule::Tflite) ||
         (opClass == OpClass::Recurrent && target.arithmetic.recurrent == FunctionRule::Tflite);
}
} // namespace

std::string whyNotInteger(Operation* op, const Target& target, Scheme scheme, Precision precision,
                          bool asIs) {
  const OpClass opClass = classify(op);
  if (op->getOperands().empty() || !llvm::all_of(op->getResults(), isFloatTensor))
    return "works on integers already";
  const bool recurrent = opClass == OpClass::Recurrent;
  if ((op->getNumResults() != 1 && !recurrent) || opClass == OpClass::Other || opClass == OpClass::LayerNorm)
    return "no integer rule";
  const bool scaleless =
      recurrent || opClass == OpClass::Softmax || (opClass == OpClass::Resize && !keepsScale(op));
  if (scaleless && !(asIs && hasOwnRule(opClass, target))) return "no integer rule";
  if (opClass == OpClass::Pad && !keepsScale(op)) return "pads with a value other than zero";
  if (!target.allows(opClass, precision, scheme))
    return fmt::format("{} does not run {} in {} with {} activations", target.name, nameOf(opClass),
                       nameOf(precision), nameOf(scheme));
  if (opClass == OpClass::MatMul && nn::isConstant(op->getOperand(0))) return "constant left-hand matrix";
  return {};
}

namespace {
// Measured on three classifiers and four targets: of 0 to 3 dB, 2 keeps what KL gains over the least squared
// error and loses least where it clips too much.
constexpr double kTolerableLossDb = 2;

class PlanBuilder {
public:
  PlanBuilder(nn::GraphOp graph, const CalibrationTable& table, const Target& target,
              const PlanOptions& options)
      : graph_(graph), table_(table), target_(target), options_(options) {}

  Result<QuantPlan> run() {
    for (Operation& op : graph_.getBody().front())
      if (computes(op)) decide(op);
    keepIslandsFloat();
    if (!target_.quantizedOutput) keepTailFloat();
    for (Operation& op : graph_.getBody().front())
      if (computes(op)) plan_.ops.push_back(record(op));
    BURIN_CHECK(collectRanges());
    plan_.index();
    return std::move(plan_);
  }

private:
  static bool computes(Operation& op) {
    return !isa<nn::ConstantOp, nn::NoneOp, nn::InputOp, nn::OutputOp>(op);
  }
  void decide(Operation& op) {
    std::string reason = whyNotInteger(&op, target_, options_.scheme);
    if (reason.empty())
      integer_.insert(&op);
    else
      reason_[&op] = reason;
  }

  // Light ops between float neighbours would only add two casts.
  void keepIslandsFloat() {
    for (Operation& op : graph_.getBody().front()) {
      if (!integer_.count(&op) || isHeavy(&op)) continue;
      bool integerOperand = false;
      for (Value v : op.getOperands()) integerOperand |= isIntegerSource(v);
      if (!integerOperand) toFloat(op, "its operands are float");
    }
  }
  bool isIntegerSource(Value v) const {
    Operation* producer = v.getDefiningOp();
    return producer && (isa<nn::InputOp>(producer) || integer_.count(producer));
  }

  // From the outputs backwards: what no convolution or product follows costs little in float and decides
  // about scores and boxes; the last convolution hands over its accumulator unrounded.
  void keepTailFloat() {
    for (Operation& op : llvm::reverse(graph_.getBody().front())) {
      if (!integer_.count(&op)) continue;
      bool tail = llvm::all_of(
          op.getUsers(), [&](Operation* user) { return isa<nn::OutputOp>(user) || !integer_.count(user); });
      if (!tail) continue;
      if (!isHeavy(&op))
        toFloat(op, "tail of the network: only outputs follow");
      else
        floatResult_.insert(&op);
    }
  }

  void toFloat(Operation& op, const char* reason) {
    integer_.erase(&op);
    reason_[&op] = reason;
  }

  OpPlan record(Operation& op) const {
    OpPlan p;
    p.name = nn::valueName(op.getResult(0));
    p.type = op.getName().getStringRef().str();
    bool integer = integer_.count(&op);
    p.precision = integer ? Precision::Int8 : options_.floatPrecision;
    p.floatResult = floatResult_.count(&op);
    p.source = integer ? "calibration" : "target";
    if (auto it = reason_.find(&op); it != reason_.end()) p.reason = it->second;
    return p;
  }

  // Ranges of every float tensor that touches an integer op.
  Status collectRanges() {
    for (Operation& op : graph_.getBody().front()) {
      if (isa<nn::ConstantOp, nn::NoneOp, nn::OutputOp>(op)) continue;
      for (Value v : op.getResults()) {
        bool needed = integer_.count(&op) ||
                      llvm::any_of(v.getUsers(), [&](Operation* u) { return integer_.count(u); });
        if (!needed || !isFloatTensor(v)) continue;
        BURIN_ASSIGN(TensorPlan t, rangeOf(v));
        chooseChannels(v, t);
        plan_.tensors.push_back(std::move(t));
      }
    }
    return {};
  }

  Result<TensorPlan> rangeOf(Value v) {
    TensorPlan t;
    t.name = nn::valueName(v);
    if (auto it = options_.inputRanges.find(t.name); it != options_.inputRanges.end()) {
      std::tie(t.min, t.max) = it->second;
      t.threshold = std::max(std::abs(t.min), std::abs(t.max));
      t.source = "preprocess";
      return t;
    }
    const TensorRange* range = table_.find(t.name);
    if (!range)
      return fail(Error{ErrorCode::Input,
                        {},
                        t.name,
                        "tensor is missing from the calibration table",
                        "calibrate this graph again with 'burin calibrate'"});
    t.threshold = range->threshold;
    t.min = range->min;
    t.max = range->max;
    if (clippingHurts(*range)) {
      t.threshold = range->bestThreshold;
      t.source = "calibration, least error";
    }
    trimToFunctions(v, t);
    return t;
  }

  // KL judges the shape of a histogram and may clip peaks that carry the signal. A threshold that costs much
  // more than the best one would is not used.
  bool clippingHurts(const TensorRange& range) const {
    return table_.method == rangeMethodName(RangeMethod::Kl) && range.threshold < range.bestThreshold &&
           range.quality.sqnrDb < range.bestSqnrDb - kTolerableLossDb;
  }

  // Scales per channel, where maker and users of the tensor run on integers and take them.
  void chooseChannels(Value v, TensorPlan& t) const {
    const TensorRange* range = table_.find(t.name);
    bool integers = integer_.count(v.getDefiningOp()) &&
                    llvm::all_of(v.getUsers(), [&](Operation* user) { return integer_.count(user); });
    if (!range || !integers || floatResult_.count(v.getDefiningOp()) ||
        !mayHaveChannelScales(v, target_.channelScales))
      return;
    const ActivationScheme& activations = *target_.scheme(options_.scheme);
    chooseChannelScales(v, *range, activations.formFor(t.min), options_.scheme == Scheme::Symmetric, target_,
                        t);
  }

  // What clipping a function's operand may change of its result: a quarter of a step of the 8 bits of its
  // smallest channel. Clipping shifts values all one way, so it must stay well below what rounding loses.
  static double tolerance(const TensorRange& result) {
    double span = static_cast<double>(result.max) - result.min;
    for (size_t c = 0; c < result.channelMin.size(); ++c)
      span = std::min(span,
                      std::max<double>(result.channelMax[c], 0) - std::min<double>(result.channelMin[c], 0));
    return std::max(span, (static_cast<double>(result.max) - result.min) / 256) / 255 / 4;
  }

  // A tensor that only feeds functions needs just the range in which they change by a step of their result.
  void trimToFunctions(Value v, TensorPlan& t) const {
    const double low = std::max(t.min, -t.threshold), high = std::min(t.max, t.threshold);
    std::optional<Interval> joint;
    for (Operation* user : v.getUsers()) {
      const TensorRange* result = integer_.count(user) && user->getName().getStringRef() == "nn.unary"
                                      ? table_.find(nn::valueName(user->getResult(0)))
                                      : nullptr;
      if (!result) return;
      auto useful = usefulRange(user, {low, high}, tolerance(*result));
      if (!useful) return;
      joint =
          joint ? Interval{std::min(joint->low, useful->low), std::max(joint->high, useful->high)} : *useful;
    }
    if (!joint || (joint->low <= low && joint->high >= high)) return;
    t.min = joint->low;
    t.max = joint->high;
    t.threshold = std::max(std::fabs(t.min), std::fabs(t.max));
    t.source = "calibration, trimmed to its function";
  }

  nn::GraphOp graph_;
  const CalibrationTable& table_;
  const Target& target_;
  const PlanOptions& options_;
  QuantPlan plan_;
  llvm::DenseSet<Operation*> integer_, floatResult_;
  llvm::DenseMap<Operation*, std::string> reason_;
};
} // namespace

Result<QuantPlan> buildPlan(nn::GraphOp graph, const std::string& graphHash, const CalibrationTable& table,
                            const Target& target, const PlanOptions& options) {
  if (!table.graphHash.empty() && table.graphHash != graphHash)
    return fail(ErrorCode::Input,
                "the calibration table belongs to another graph (hash " + table.graphHash +
                    ", this graph is " + graphHash + ")",
                "calibrate this graph again with 'burin calibrate'");
  BURIN_ASSIGN(QuantPlan plan, PlanBuilder(graph, table, target, options).run());
  plan.graphHash = graphHash;
  plan.target = target.name;
  plan.scheme = nameOf(options.scheme);
  plan.method = table.method;
  return plan;
}

} // namespace burin::quantize
