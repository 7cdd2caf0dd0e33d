// nn.softmax: exp(x - max) / sum(exp(x - max)) along one axis; log: (x - max) - log(sum). Maximum and sum in
// lanes.
#include "runtime/kernels/lanes.h"
#include "runtime/kernels/vector_kernels.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/iterate.h"
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
      : node_(node), log_(node.attrs.integer("log") != 0) {
    const int axis = static_cast<int>(node.attrs.integer("axis"));
    Shape places = node.in(0).shape();
    length_ = places[axis];
    places[axis] = 1;
    stepX_ = node.in(0).stride[axis];
    stepY_ = node.out().stride[axis];
    walk_ = StridedWalk<2>(places, {node.in(0).stride, node.out().stride});
    walk_.orderBy(1);
    const bool row = stepX_ == 1 && stepY_ == 1;
    columns_ = !row && walk_.step(0) == 1 && walk_.step(1) == 1;
    if (row || columns_) kernels_ = kernels;
  }
  const char* name() const override { return kernels_ ? kernels_->name : "reference"; }

  void run(Context& context) override {
    if (length_ == 0) return;
    const int64_t grain = length_ >= 2048 ? 1 : 2048 / length_;
    context.pool.parallelFor(walk_.elements(), grain, [&](int64_t begin, int64_t end, int) {
      walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
        run(node_.in(0).as<const float>() + offset[0], node_.out().as<float>() + offset[1], count);
      });
    });
  }

private:
  // `count` softmaxes, walk_.step() apart.
  void run(const float* x, float* y, int64_t count) const {
    if (kernels_ && columns_) return kernels_->softmaxColumns({x, y, stepX_, stepY_, length_}, count, log_);
    if (kernels_ && length_ <= kLanes)
      return kernels_->softmaxShortRows({x, y, walk_.step(0), walk_.step(1), count}, length_, log_);
    for (int64_t i = 0; i < count; ++i, x += walk_.step(0), y += walk_.step(1)) {
      if (kernels_)
        kernels_->softmaxRow(x, y, length_, log_);
      else
        stridedRow(x, y);
    }
  }

  void stridedRow(const float* x, float* y) const {
    float lanes[kLanes];
    for (float& lane : lanes) lane = MaxLane::kIdentity;
    for (int64_t i = 0; i < length_; ++i) lanes[i % kLanes] = MaxLane::step(lanes[i % kLanes], x[i * stepX_]);
    const float maximum = joinLanes<MaxLane>(lanes);
    for (float& lane : lanes) lane = 0.0f;
    for (int64_t i = 0; i < length_; ++i) {
      const float value = math::exp(x[i * stepX_] - maximum);
      lanes[i % kLanes] += value;
      if (!log_) y[i * stepY_] = value;
    }
    const float sum = joinLanes<SumLane>(lanes);
    const float logSum = math::log(sum);
    for (int64_t i = 0; i < length_; ++i)
      y[i * stepY_] = log_ ? (x[i * stepX_] - maximum) - logSum : y[i * stepY_] / sum;
  }

  const Node& node_;
  bool log_, columns_ = false;
  int64_t length_ = 0, stepX_ = 0, stepY_ = 0;
  StridedWalk<2> walk_;
  const VectorKernels* kernels_ = nullptr;
};
} // namespace

std::unique_ptr<Kernel> makeSoftmax(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  return std::make_unique<Softmax>(node, vectorKernels(config.isa));
}

} // namespace burin::rt
