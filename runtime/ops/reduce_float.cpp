// nn.reduce in float, in the lane order of runtime/kernels/lanes.h.
#include "runtime/kernels/lanes.h"
#include "runtime/kernels/vector_kernels.h"
#include "runtime/ops/reduce_ops.h"
#include "runtime/ops/reduce_walk.h"

namespace burin::rt {

namespace {
// One reduction without its instruction set: how elements enter lanes, how lanes join.
struct LaneRule {
  float identity;
  void (*steps)(const float* x, int64_t step, int64_t count, int firstLane, float* lanes);
  float (*join)(float* lanes);
};

template <class F>
void stridedSteps(const float* x, int64_t step, int64_t count, int firstLane, float* lanes) {
  for (int64_t i = 0; i < count; ++i) {
    float& lane = lanes[(firstLane + i) % kLanes];
    lane = F::step(lane, x[i * step]);
  }
}
template <class F>
constexpr LaneRule ruleOf() {
  return {F::kIdentity, stridedSteps<F>, joinLanes<F>};
}
const LaneRule kRules[kLaneFnCount] = {ruleOf<SumLane>(), ruleOf<SumAbsLane>(), ruleOf<SumSquareLane>(),
                                       ruleOf<MaxLane>(), ruleOf<MinLane>(),    ruleOf<ProdLane>()};

LaneFn laneFnOf(ReduceFn fn) {
  switch (fn) {
  case ReduceFn::Max:
  case ReduceFn::LogSumExp:
    return LaneFn::Max; // its first pass
  case ReduceFn::Min:
    return LaneFn::Min;
  case ReduceFn::Prod:
    return LaneFn::Prod;
  case ReduceFn::L1:
    return LaneFn::SumAbs;
  case ReduceFn::L2:
  case ReduceFn::SumSquare:
    return LaneFn::SumSquare;
  default:
    return LaneFn::Sum;
  }
}

void axesMask(const Node& node, bool* reduced) {
  for (int axis = 0; axis < kMaxRank; ++axis) reduced[axis] = false;
  for (int64_t axis : node.attrs.ints("axes")) reduced[axis] = true;
}

class FloatReduce final : public Kernel {
public:
  FloatReduce(const Node& node, ReduceFn fn, const VectorKernels* kernels, const bool* reducedAxis)
      : node_(node), fn_(fn), laneFn_(laneFnOf(fn)), rule_(kRules[static_cast<int>(laneFn_)]),
        walk_(node.in(0), node.out(), reducedAxis, node.attrs.integer("keep_dims") != 0) {
    const int index = static_cast<int>(laneFn_);
    if (!kernels) return;
    kernels_ = kernels;
    const bool rows =
        walk_.reduced.step(0) == 1 && (walk_.reduced.rank() <= 1 || walk_.reduced.runLength() % kLanes == 0);
    const bool columns = walk_.reduced.rank() <= 1 && walk_.kept.step(0) == 1 && walk_.kept.step(1) == 1 &&
                         walk_.kept.runLength() > 1 && fn != ReduceFn::LogSumExp;
    if (columns && !(rows && walk_.reduced.elements() > 1))
      columns_ = kernels->laneColumns[index];
    else if (rows)
      row_ = kernels->laneRow[index];
  }

  void run(Context& context) override {
    const float* x = node_.in(0).as<const float>();
    float* y = node_.out().as<float>();
    context.pool.parallelFor(walk_.kept.elements(), walk_.grain(), [&](int64_t begin, int64_t end, int) {
      walk_.kept.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
        if (columns_)
          reduceColumns(x + offset[0], y + offset[1], count);
        else
          for (int64_t i = 0; i < count; ++i)
            y[offset[1] + i * walk_.kept.step(1)] = reduceOne(x + offset[0] + i * walk_.kept.step(0));
      });
    });
  }
  const char* name() const override { return row_ || columns_ ? kernels_->name : "reference"; }

private:
  // From the joined lanes of the elements at x to the result; columns have no x, and no second pass.
  float finish(const float* x, float value) const {
    switch (fn_) {
    case ReduceFn::LogSumExp:
      return logSumExp(x, value);
    case ReduceFn::Mean:
      return value / static_cast<float>(walk_.reduced.elements());
    case ReduceFn::L2:
      return math::squareRoot(value);
    case ReduceFn::LogSum:
      return math::log(value);
    default:
      return value;
    }
  }

  void reduceColumns(const float* x, float* y, int64_t count) const {
    columns_(x, walk_.reduced.rank() ? walk_.reduced.step(0) : 0, walk_.reduced.elements(), count, y);
    for (int64_t i = 0; i < count; ++i) y[i] = finish(nullptr, y[i]);
  }

  float reduceOne(const float* x) const {
    if (whole_) return finish(x, whole_(x, walk_.reduced.elements()));
    float lanes[kLanes];
    for (float& lane : lanes) lane = rule_.identity;
    int lane = 0;
    walk_.reduced.forRuns(0, walk_.reduced.elements(), [&](const int64_t* offset, int64_t count) {
      if (row_)
        row_(x + offset[0], count, lanes);
      else
        rule_.steps(x + offset[0], walk_.reduced.step(0), count, lane, lanes);
      lane = static_cast<int>((lane + count) % kLanes);
    });
    return finish(x, rule_.join(lanes));
  }

  // log(sum exp(x)) = shift + log(sum exp(x - shift)) with the maximum as shift, so that nothing overflows.
  float logSumExp(const float* x, float maximum) const {
    const float shift = math::absolute(maximum) == math::kInfinity ? 0.0f : maximum;
    float lanes[kLanes] = {};
    int64_t position = 0;
    walk_.reduced.forRuns(0, walk_.reduced.elements(), [&](const int64_t* offset, int64_t count) {
      const float* from = x + offset[0];
      if (row_)
        kernels_->expRow(from, shift, nullptr, count, lanes);
      else
        for (int64_t i = 0; i < count; ++i)
          lanes[(position + i) % kLanes] += math::exp(from[i * walk_.reduced.step(0)] - shift);
      position += count;
    });
    return shift + math::log(joinLanes<SumLane>(lanes));
  }

  const Node& node_;
  ReduceFn fn_;
  LaneFn laneFn_;
  const LaneRule& rule_;
  ReduceWalk walk_;
  const VectorKernels* kernels_ = nullptr;
  LaneRow row_ = nullptr;
  LaneReduce whole_ = nullptr; // when the reduced elements are one run
  LaneColumns columns_ = nullptr;
};
} // namespace

std::unique_ptr<Kernel> makeFloatReduce(const Node& node, ReduceFn fn, const KernelConfig& config) {
  bool reduced[kMaxRank];
  axesMask(node, reduced);
  return std::make_unique<FloatReduce>(node, fn, vectorKernels(config.isa), reduced);
}

} // namespace burin::rt
