// nn.softmax: exp(x - max) / sum(exp(x - max)) along one axis; log: (x - max) - log(sum). Maximum and sum in
// lanes.
#include "runtime/kernels/lanes.h"
#include "runtime/kernels/vector_kernels.h"
#include "runtime/ops/axis_lines.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/normalize_ops.h"

namespace burin::rt {

bool inferSoftmax(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error) || !checkFloatInput(signature, 1, error)) return false;
  if (!checkAxis(signature, "axis", signature.input(0)->shape.rank, error)) return false;
  results = {*signature.input(0)};
  return true;
}

namespace {
class Softmax final : public Kernel {
public:
  Softmax(const Node& node, const VectorKernels* kernels)
      : node_(node), lines_(node), log_(node.attrs.integer("log") != 0) {
    lines_.walk.orderBy(1);
    const bool row = lines_.stepX == 1 && lines_.stepY == 1;
    columns_ = !row && lines_.walk.step(0) == 1 && lines_.walk.step(1) == 1;
    if (row || columns_) kernels_ = kernels;
  }
  const char* name() const override { return kernels_ ? kernels_->name : "reference"; }

  void run(Context& context) override {
    if (lines_.length == 0) return;
    context.pool.parallelFor(
        lines_.walk.elements(), lines_.grain(2048), [&](int64_t begin, int64_t end, int) {
          lines_.walk.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
            run(node_.in(0).as<const float>() + offset[0], node_.out().as<float>() + offset[1], count);
          });
        });
  }

private:
  // `count` softmaxes, the lines of a run of the walk.
  void run(const float* x, float* y, int64_t count) const {
    if (kernels_ && columns_)
      return kernels_->softmaxColumns({x, y, lines_.stepX, lines_.stepY, lines_.length}, count, log_);
    if (kernels_ && lines_.length <= kLanes)
      return kernels_->softmaxShortRows({x, y, lines_.walk.step(0), lines_.walk.step(1), count},
                                        lines_.length, log_);
    for (int64_t i = 0; i < count; ++i, x += lines_.walk.step(0), y += lines_.walk.step(1)) {
      if (kernels_)
        kernels_->softmaxRow(x, y, lines_.length, log_);
      else
        stridedRow(x, y);
    }
  }

  void stridedRow(const float* x, float* y) const {
    float lanes[kLanes];
    for (float& lane : lanes) lane = MaxLane::kIdentity;
    for (int64_t i = 0; i < lines_.length; ++i)
      lanes[i % kLanes] = MaxLane::step(lanes[i % kLanes], x[i * lines_.stepX]);
    const float maximum = joinLanes<MaxLane>(lanes);
    for (float& lane : lanes) lane = 0.0f;
    for (int64_t i = 0; i < lines_.length; ++i) {
      const float value = math::exp(x[i * lines_.stepX] - maximum);
      lanes[i % kLanes] += value;
      if (!log_) y[i * lines_.stepY] = value;
    }
    const float sum = joinLanes<SumLane>(lanes);
    const float logSum = math::log(sum);
    for (int64_t i = 0; i < lines_.length; ++i)
      y[i * lines_.stepY] = log_ ? (x[i * lines_.stepX] - maximum) - logSum : y[i * lines_.stepY] / sum;
  }

  const Node& node_;
  AxisLines lines_;
  bool log_, columns_ = false;
  const VectorKernels* kernels_ = nullptr;
};
} // namespace

std::unique_ptr<Kernel> makeSoftmax(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  return std::make_unique<Softmax>(node, vectorKernels(config.isa));
}

} // namespace burin::rt
