#include "runtime/ops/recurrent_cell.h"

#include "runtime/ops/index_reader.h"

#include <cmath>

namespace burin::rt {

namespace {
int64_t roundUp(int64_t count) { return (count + kPanel - 1) / kPanel * kPanel; } // 64 bytes of floats

constexpr int64_t kMultiplyGrain = 65536; // multiplications worth a thread

RecurrentSizes sizesOf(const Node& node, int gates) {
  const Shape& x = node.in(kX).shape();
  RecurrentSizes sizes;
  sizes.time = x[0];
  sizes.batch = x[1];
  sizes.features = x[2];
  sizes.hidden = node.in(kR).shape()[2];
  sizes.directions = node.in(kR).shape()[0];
  sizes.gates = gates;
  return sizes;
}
} // namespace

RecurrentKernel::RecurrentKernel(const Node& node, const KernelConfig& config, const RecurrentKind& kind)
    : node_(node), sizes_(sizesOf(node, kind.gates)), kind_(kind), clip_(node.attrs.real("clip")),
      threads_(config.threads < 1 ? 1 : config.threads) {
  std::string error; // the shape rule has accepted the text
  parseGateFunctions(node.attrs.text("activations"), functions_, error);
  while (static_cast<int64_t>(functions_.size()) < kind.functionCount * sizes_.directions) {
    std::vector<GateFunction> defaults;
    parseGateFunctions(kind.functions, defaults, error);
    functions_.insert(functions_.end(), defaults.begin(), defaults.end());
  }
  gateStep_ = sizes_.hidden;
  if (!node.in(kW).constant || !node.in(kR).constant) return;
  kernels_ = vectorKernels(config.isa);
  if (kernels_) packWeights();
}

// Rows beyond the hidden units of a gate get zeros.
void RecurrentKernel::packWeights() {
  gateStep_ = roundUp(sizes_.hidden);
  const int64_t gates = sizes_.directions * sizes_.gates;
  packed_.resize(static_cast<size_t>(gates * gateStep_ * (sizes_.features + sizes_.hidden)));
  float* to = packed_.data();
  for (int operand : {kW, kR}) {
    const Tensor& w = node_.in(operand);
    for (int64_t gate = 0; gate < gates; ++gate) {
      const float* from = w.as<const float>() + gate / sizes_.gates * w.stride[0] +
                          gate % sizes_.gates * sizes_.hidden * w.stride[1];
      for (int64_t first = 0; first < gateStep_; first += kPanel)
        for (int64_t k = 0; k < w.shape()[2]; ++k)
          for (int64_t row = first; row < first + kPanel; ++row)
            *to++ = row < sizes_.hidden ? from[row * w.stride[1] + k * w.stride[2]] : 0.0f;
    }
  }
}

int64_t RecurrentKernel::scratchPerThread() const {
  return roundUp(sizes_.features) + 2 * roundUp(sizes_.hidden) + roundUp((sizes_.gates + 1) * gateStep_);
}

size_t RecurrentKernel::scratchBytes() const {
  return static_cast<size_t>(biasLength() + threads_ * scratchPerThread()) * sizeof(float);
}

void RecurrentKernel::run(Context& context) {
  if (!lengthsAreValid()) return context.fail("a sequence length is negative or longer than the time axis");
  float* bias = reinterpret_cast<float*>(context.scratch);
  readBias(bias);
  bias_ = bias;
  float* scratch = bias + biasLength();
  const int64_t sequences = sizes_.directions * sizes_.batch;
  if (sequences < context.pool.threads()) { // the threads share each product instead
    for (int64_t i = 0; i < sequences; ++i)
      runSequence(&context.pool, static_cast<int>(i / sizes_.batch), i % sizes_.batch, scratch);
    return;
  }
  context.pool.parallelFor(sequences, 1, [&](int64_t begin, int64_t end, int thread) {
    for (int64_t i = begin; i < end; ++i)
      runSequence(nullptr, static_cast<int>(i / sizes_.batch), i % sizes_.batch,
                  scratch + thread * scratchPerThread());
  });
}

int64_t RecurrentKernel::biasLength() const {
  return roundUp(sizes_.directions * 2 * sizes_.gates * gateStep_);
}

int64_t RecurrentKernel::lengthOf(int64_t batch) const {
  const Tensor* lengths = node_.input(kLengths);
  return lengths ? IndexReader(*lengths)(batch * lengths->stride[0]) : sizes_.time;
}

bool RecurrentKernel::lengthsAreValid() const {
  for (int64_t b = 0; b < sizes_.batch; ++b)
    if (lengthOf(b) < 0 || lengthOf(b) > sizes_.time) return false;
  return true;
}

void RecurrentKernel::readBias(float* to) const {
  const Tensor* bias = node_.input(kBias);
  for (int64_t d = 0; d < sizes_.directions; ++d)
    for (int64_t gate = 0; gate < 2 * sizes_.gates; ++gate)
      for (int64_t j = 0; j < gateStep_; ++j) {
        const int64_t row = gate * sizes_.hidden + j;
        *to++ = bias && j < sizes_.hidden
                    ? bias->as<const float>()[d * bias->stride[0] + row * bias->stride[1]]
                    : 0.0f;
      }
}

void RecurrentKernel::readState(int operand, int direction, int64_t batch, float* state) const {
  const Tensor* t = node_.input(operand);
  for (int64_t j = 0; j < sizes_.hidden; ++j)
    state[j] =
        t ? t->as<const float>()[direction * t->stride[0] + batch * t->stride[1] + j * t->stride[2]] : 0.0f;
}

void RecurrentKernel::writeState(int result, int direction, int64_t batch, const float* state) const {
  const Tensor& t = node_.out(result);
  float* to = t.as<float>() + direction * t.stride[0] + batch * t.stride[1];
  for (int64_t j = 0; j < sizes_.hidden; ++j) to[j * t.stride[2]] = state[j];
}

void RecurrentKernel::runSequence(ThreadPool* pool, int direction, int64_t batch, float* scratch) const {
  const Tensor &x = node_.in(kX), &y = node_.out(0);
  float* row = scratch;
  float* h = row + roundUp(sizes_.features);
  float* c = h + roundUp(sizes_.hidden);
  float* spare = c + roundUp(sizes_.hidden);
  float* sums = spare + gateStep_;
  readState(kInitialH, direction, batch, h);
  if (hasCell()) readState(kInitialH + 1, direction, batch, c);
  const bool reverse = direction == 1 || node_.attrs.text("direction") == "reverse";
  const int64_t length = lengthOf(batch);
  for (int64_t i = 0; i < sizes_.time; ++i) {
    const int64_t t = reverse && i < length ? length - 1 - i : i;
    if (i < length) {
      const float* from = x.as<const float>() + t * x.stride[0] + batch * x.stride[1];
      for (int64_t k = 0; k < sizes_.features; ++k) row[k] = from[k * x.stride[2]];
      step({pool, direction, row, h, c, sums, spare});
    }
    float* to = y.as<float>() + t * y.stride[0] + direction * y.stride[1] + batch * y.stride[2];
    for (int64_t j = 0; j < sizes_.hidden; ++j) to[j * y.stride[3]] = i < length ? h[j] : 0.0f;
  }
  writeState(1, direction, batch, h);
  if (hasCell()) writeState(2, direction, batch, c);
}

void RecurrentKernel::multiplyReference(const Step& s, int operand, const float* x, int first, int count,
                                        float* sums) const {
  const Tensor& weight = node_.in(operand);
  const int64_t depth = weight.shape()[2];
  const float* w = weight.as<const float>() + s.direction * weight.stride[0];
  for (int gate = 0; gate < count; ++gate)
    for (int64_t j = 0; j < sizes_.hidden; ++j) {
      const float* row = w + ((first + gate) * sizes_.hidden + j) * weight.stride[1];
      float sum = sums[gate * gateStep_ + j];
      for (int64_t k = 0; k < depth; ++k) sum = std::fma(x[k], row[k * weight.stride[2]], sum);
      sums[gate * gateStep_ + j] = sum;
    }
}

void RecurrentKernel::multiply(const Step& s, int operand, const float* x, int first, int count,
                               float* sums) const {
  if (!kernels_) return multiplyReference(s, operand, x, first, count, sums);
  const int64_t depth = node_.in(operand).shape()[2];
  const int64_t start = operand == kW ? 0 : sizes_.directions * sizes_.gates * gateStep_ * sizes_.features;
  const float* panels = packed_.data() + start + (s.direction * sizes_.gates + first) * gateStep_ * depth;
  const int64_t panelCount = count * gateStep_ / kPanel;
  if (!s.pool) return kernels_->multiplyPanels(x, depth, panels, panelCount, sums);
  const int64_t grain = kMultiplyGrain / (depth * kPanel + 1) + 1;
  s.pool->parallelFor(panelCount, grain, [&](int64_t begin, int64_t end, int) {
    kernels_->multiplyPanels(x, depth, panels + begin * depth * kPanel, end - begin, sums + begin * kPanel);
  });
}

void RecurrentKernel::addInput(const Step& s, int first, int count, float* sums) const {
  multiply(s, kW, s.x, first, count, sums);
}

void RecurrentKernel::addHidden(const Step& s, const float* h, int first, int count, float* sums) const {
  multiply(s, kR, h, first, count, sums);
}

void RecurrentKernel::activate(int direction, int i, float* values, int64_t count) const {
  const GateFunction& function = functions_[static_cast<size_t>(direction * kind_.functionCount + i)];
  if (clip_ > 0.0f)
    for (int64_t j = 0; j < count; ++j) values[j] = math::clampTo(values[j], -clip_, clip_);
  const int index = static_cast<int>(function.fn);
  if (kernels_ && function.kind == GateFunction::Kind::Unary && index < math::kVectorUnaryCount)
    return kernels_->unary[index](values, values, count, function.params);
  for (int64_t j = 0; j < count; ++j) values[j] = function(values[j]);
}

} // namespace burin::rt
