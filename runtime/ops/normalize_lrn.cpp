// nn.lrn: local response normalisation across channels (Krizhevsky et al., 2012):
// y = x / (bias + alpha / size * sum of squares over a window of `size` channels)^beta.
#include "runtime/kernels/vector_kernels.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/iterate.h"
#include "runtime/ops/normalize_ops.h"

#include "runtime/math/double_math.h"
#include "runtime/math/float_math.h"

#include <algorithm>

namespace burin::rt {

bool inferLrn(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error) || !checkFloatInput(signature, 2, error)) return false;
  if (!checkInts(signature, "size", 1, 1, kMaxElements, error)) return false;
  results = {*signature.input(0)};
  return true;
}

namespace {
// base^beta; the usual exponent 3/4 by two square roots.
float powerOfBeta(float base, float beta) {
  if (beta == 0.75f) {
    const float root = math::squareRoot(base);
    return root * math::squareRoot(root);
  }
  if (beta == 0.5f) return math::squareRoot(base);
  return beta == 1.0f ? base : math::power(base, beta);
}

class Lrn final : public Kernel {
public:
  Lrn(const Node& node, const KernelConfig& config)
      : node_(node), channels_(node.in(0).shape()[1]), size_(node.attrs.integer("size")) {
    alpha_ = node.attrs.real("alpha", 1e-4f) / static_cast<float>(size_);
    beta_ = node.attrs.real("beta", 0.75f);
    bias_ = node.attrs.real("bias", 1.0f);
    Shape places = node.in(0).shape();
    places[1] = 1;
    walk_ = StridedWalk<2>(places, {node.in(0).stride, node.out().stride});
    before_ = std::min((size_ - 1) / 2, channels_);
    after_ = std::min(size_ / 2, channels_);
    threads_ = config.threads < 1 ? 1 : config.threads;
    if (node.in(0).stride[1] == 1 && node.out().stride[1] == 1 && beta_ == 0.75f)
      kernels_ = vectorKernels(config.isa);
  }
  const char* name() const override { return kernels_ ? kernels_->name : "reference"; }
  size_t scratchBytes() const override {
    return kernels_ ? static_cast<size_t>(threads_ * paddedLength()) * sizeof(float) : 0;
  }
  void run(Context& context) override {
    const int64_t grain = channels_ >= 1024 ? 1 : channels_ ? 1024 / channels_ : 1;
    float* scratch = reinterpret_cast<float*>(context.scratch);
    context.pool.parallelFor(walk_.elements(), grain, [&](int64_t begin, int64_t end, int thread) {
      walk_.forEach(begin, end, [&](const int64_t* offset) {
        const float* x = node_.in(0).as<const float>() + offset[0];
        float* y = node_.out().as<float>() + offset[1];
        kernels_ ? vectorRow(x, scratch + thread * paddedLength(), y) : normalize(x, y);
      });
    });
  }

private:
  int64_t paddedLength() const { return (before_ + channels_ + after_ + 15) / 16 * 16; }

  void vectorRow(const float* x, float* padded, float* y) const {
    std::fill(padded, padded + before_, 0.0f);
    std::copy(x, x + channels_, padded + before_);
    std::fill(padded + before_ + channels_, padded + before_ + channels_ + after_, 0.0f);
    kernels_->lrnRow({padded, before_ + 1 + after_, alpha_, bias_}, padded + before_, y, channels_);
  }

  void normalize(const float* x, float* y) const {
    const int64_t stepX = node_.in(0).stride[1], stepY = node_.out().stride[1];
    for (int64_t c = 0; c < channels_; ++c) {
      const int64_t first = c > before_ ? c - before_ : 0;
      const int64_t last = channels_ - 1 - c > after_ ? c + after_ : channels_ - 1;
      float sum = 0.0f;
      for (int64_t i = first; i <= last; ++i) sum = std::fma(x[i * stepX], x[i * stepX], sum);
      y[c * stepY] = x[c * stepX] / powerOfBeta(bias_ + alpha_ * sum, beta_);
    }
  }

  const Node& node_;
  int64_t channels_, size_, before_ = 0, after_ = 0; // the window reaches so far, at most over all channels
  int threads_ = 1;
  float alpha_ = 0, beta_ = 0, bias_ = 0;
  StridedWalk<2> walk_;
  const VectorKernels* kernels_ = nullptr;
};
} // namespace

std::unique_ptr<Kernel> makeLrn(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  return std::make_unique<Lrn>(node, config);
}

} // namespace burin::rt
