#include "lib/quantize/scales.h"

#include "lib/quantize/channels.h"
#include "runtime/ops/integer_rows.h"

#include "llvm/ADT/EquivalenceClasses.h"

using namespace mlir;

namespace burin::quantize {

namespace {
struct Range {
  double min = 0, max = 0, threshold = 0;
  bool set = false;

  void include(double lo, double hi, double t) {
    min = set ? std::min(min, lo) : lo;
    max = set ? std::max(max, hi) : hi;
    threshold = std::max(threshold, t);
    set = true;
  }
  double width() const { return std::max(max, 0.0) - std::min(min, 0.0); }
};

// [max(min, -t), min(max, t)]: what an asymmetric type covers when |x| is clipped at t.
Range rangeOf(const TensorPlan& t) {
  Range r;
  r.include(std::max(t.min, -t.threshold), std::min(t.max, t.threshold), t.threshold);
  return r;
}

// A concat operand with at least half of the concat's range loses less by taking the concat's scale than by
// being rounded twice; one with a smaller range keeps its own and is requantised.
constexpr double kMinimumShare = 0.25;

bool isLocked(Value v, const QuantPlan& plan) {
  const TensorPlan* t = plan.tensor(nn::valueName(v));
  return t && t->locked;
}

class Grouping {
public:
  Grouping(nn::GraphOp graph, const QuantPlan& plan, const Target& target)
      : graph_(graph), plan_(plan), target_(target) {}

  llvm::EquivalenceClasses<void*> run() {
    for (Operation& op : graph_.getBody().front()) {
      if (!runsInInteger(&op, plan_)) continue;
      bool integerAverage = classify(&op) == OpClass::AvgPool && target_.arithmetic.average.integerDivision;
      if (keepsScale(&op) || integerAverage) join(op.getOperand(0), op.getResult(0));
      if (classify(&op) == OpClass::Concat)
        for (Value operand : op.getOperands())
          if (mayAdopt(operand, op.getResult(0))) join(operand, op.getResult(0));
    }
    return std::move(groups_);
  }

private:
  void join(Value a, Value b) {
    if (isLocked(a, plan_) || isLocked(b, plan_)) return;
    groups_.unionSets(a.getAsOpaquePointer(), b.getAsOpaquePointer());
  }

  bool mayAdopt(Value operand, Value result) const {
    Operation* producer = operand.getDefiningOp();
    if (!operand.hasOneUse() || !producer || !runsInInteger(producer, plan_)) return false;
    const TensorPlan *own = plan_.tensor(nn::valueName(operand)),
                     *joint = plan_.tensor(nn::valueName(result));
    return own && joint && rangeOf(*own).width() >= kMinimumShare * rangeOf(*joint).width();
  }

  nn::GraphOp graph_;
  const QuantPlan& plan_;
  const Target& target_;
  llvm::EquivalenceClasses<void*> groups_;
};
} // namespace

bool runsInInteger(Operation* op, const QuantPlan& plan) {
  if (!op || op->getNumResults() == 0) return false;
  const OpPlan* p = plan.op(nn::valueName(op->getResult(0)));
  return p && isInteger(p->precision);
}

Integers integersOf(const LockedScale& lock) {
  Integers out;
  const rt::StoredRange range = rt::storedRange(lock.dtype);
  out.form = {range.low, range.high, static_cast<double>(range.high)};
  out.affine = {lock.scale, lock.zeroPoint};
  out.dtype = lock.dtype;
  return out;
}

Integers integersForRange(double min, double max, double threshold, const ActivationScheme& activations,
                          Scheme scheme) {
  Integers out;
  out.form = activations.formFor(min);
  out.affine = scheme == Scheme::Symmetric ? rt::symmetricAffine(threshold, out.form)
                                           : rt::asymmetricAffine(min, max, out.form);
  out.dtype = out.form.isSigned() ? rt::DType::I8 : rt::DType::U8;
  return out;
}

Result<ScaleAssignment> ScaleAssignment::compute(nn::GraphOp graph, const QuantPlan& plan,
                                                 const Target& target, Scheme scheme) {
  const ActivationScheme* activations = target.scheme(scheme);
  if (!activations) return fail(ErrorCode::Usage, target.name + " has no " + nameOf(scheme) + " activations");
  llvm::EquivalenceClasses<void*> groups = Grouping(graph, plan, target).run();
  auto leader = [&](Value v) {
    auto it = groups.findLeader(v.getAsOpaquePointer());
    return it == groups.member_end() ? v.getAsOpaquePointer() : *it;
  };

  // The group's range is that of its members that are computed; moved elements bring nothing new.
  llvm::DenseMap<void*, Range> ranges;
  std::vector<Value> values;
  for (Operation& op : graph.getBody().front())
    for (Value v : op.getResults()) {
      const TensorPlan* t = plan.tensor(nn::valueName(v));
      if (!t) continue;
      values.push_back(v);
      bool moved = runsInInteger(&op, plan) && keepsScale(&op);
      if (moved || t->locked) continue;
      Range r = rangeOf(*t);
      ranges[leader(v)].include(r.min, r.max, r.threshold);
    }

  ScaleAssignment assignment;
  for (Value v : values) {
    if (const TensorPlan* t = plan.tensor(nn::valueName(v)); t->locked) {
      assignment.scales_[v] = integersOf(*t->locked);
      continue;
    }
    const Range& r = ranges[leader(v)];
    if (!r.set)
      return fail(Error{ErrorCode::Input,
                        {},
                        nn::valueName(v),
                        "the plan has no range for this tensor",
                        "add it to the plan's tensors"});
    Integers integers = integersForRange(r.min, r.max, r.threshold, *activations, scheme);
    integers.channels = plan.tensor(nn::valueName(v))->channels;
    auto type = dyn_cast<RankedTensorType>(v.getType());
    if (!integers.channels.empty() && (!mayHaveChannelScales(v, target.channelScales) ||
                                       type.getDimSize(1) != static_cast<int64_t>(integers.channels.size())))
      return fail(Error{ErrorCode::Input,
                        {},
                        nn::valueName(v),
                        "the plan gives this tensor scales per channel, which its neighbours cannot take",
                        "remove 'channels' from the plan"});
    assignment.scales_[v] = std::move(integers);
  }
  return assignment;
}

} // namespace burin::quantize
