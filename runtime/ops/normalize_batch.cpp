// nn.batch_norm with given statistics: y = x * a + b per channel, a = scale / sqrt(variance + epsilon),
// b = bias - mean * a.
#include "runtime/kernels/vector_kernels.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/iterate.h"
#include "runtime/ops/normalize_ops.h"

namespace burin::rt {

bool inferBatchNorm(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 5, 5, error) || !checkFloatInput(signature, 2, error)) return false;
  const TensorType& x = *signature.input(0);
  const char* const names[] = {"x", "scale", "bias", "mean", "variance"};
  for (int i = 1; i < 5; ++i)
    if (!checkFloatVector(signature, i, names[i], x.shape[1], error)) return false;
  results = {x};
  return true;
}

namespace {
class BatchNorm final : public Kernel {
public:
  BatchNorm(const Node& node, const VectorKernels* kernels)
      : node_(node), channels_(node.in(0).shape()[1]), epsilon_(node.attrs.real("epsilon", 1e-5f)) {
    const int64_t perChannel[kMaxRank] = {0, 1};
    walk_ = StridedWalk<3>(node.in(0).shape(), {node.in(0).stride, perChannel, node.out().stride});
    walk_.orderBy(2);
    if (walk_.step(0) == 1 && walk_.step(1) <= 1 && walk_.step(2) == 1) kernels_ = kernels;
  }
  size_t scratchBytes() const override { return static_cast<size_t>(channels_) * 2 * sizeof(float); }
  const char* name() const override { return kernels_ ? kernels_->name : "reference"; }

  void run(Context& context) override {
    float* a = reinterpret_cast<float*>(context.scratch);
    float* b = a + channels_;
    coefficients(a, b);
    context.pool.parallelFor(walk_.elements(), kElementwiseGrain, [&](int64_t begin, int64_t end, int) {
      walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) { row(offset, a, b, count); });
    });
  }

private:
  void coefficients(float* a, float* b) const {
    auto at = [&](int operand, int64_t c) {
      return node_.in(operand).as<const float>()[c * node_.in(operand).stride[0]];
    };
    for (int64_t c = 0; c < channels_; ++c) {
      a[c] = at(1, c) / math::squareRoot(at(4, c) + epsilon_);
      b[c] = at(2, c) - at(3, c) * a[c];
    }
  }
  void row(const int64_t* offset, const float* a, const float* b, int64_t count) const {
    const float* x = node_.in(0).as<const float>() + offset[0];
    float* y = node_.out().as<float>() + offset[2];
    a += offset[1];
    b += offset[1];
    if (kernels_) return kernels_->affineRow(x, a, b, walk_.step(1), y, count);
    for (int64_t i = 0; i < count; ++i)
      y[i * walk_.step(2)] = x[i * walk_.step(0)] * a[i * walk_.step(1)] + b[i * walk_.step(1)];
  }

  const Node& node_;
  int64_t channels_;
  float epsilon_;
  StridedWalk<3> walk_;
  const VectorKernels* kernels_ = nullptr;
};
} // namespace

std::unique_ptr<Kernel> makeBatchNorm(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  return std::make_unique<BatchNorm>(node, vectorKernels(config.isa));
}

} // namespace burin::rt
