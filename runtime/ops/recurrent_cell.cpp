#include "runtime/ops/recurrent_cell.h"

#include "runtime/ops/index_reader.h"

#include <cmath>

namespace burin::rt {

namespace {
int64_t roundUp(int64_t count) { return (count + 15) / 16 * 16; } // 64 bytes of floats

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
  if (!node.in(kW).constant || !node.in(kR).constant) return;
  kernels_ = vectorKernels(config.isa);
  if (kernels_) packWeights();
}

void RecurrentKernel::packWeights() {
  packed_.resize(static_cast<size_t>(sizes_.directions * sizes_.rows() * (sizes_.features + sizes_.hidden)));
  float* to = packed_.data();
  for (int operand : {kW, kR}) {
    const Tensor& w = node_.in(operand);
    const float* from = w.as<const float>();
    for (int64_t d = 0; d < sizes_.directions; ++d)
      for (int64_t k = 0; k < w.shape()[2]; ++k)
        for (int64_t row = 0; row < sizes_.rows(); ++row)
          *to++ = from[d * w.stride[0] + row * w.stride[1] + k * w.stride[2]];
  }
}

int64_t RecurrentKernel::scratchPerThread() const {
  return roundUp(sizes_.features) + 3 * roundUp(sizes_.hidden) + roundUp(sizes_.rows());
}

size_t RecurrentKernel::scratchBytes() const {
  const int64_t bias = roundUp(sizes_.directions * 2 * sizes_.rows());
  return static_cast<size_t>(bias + threads_ * scratchPerThread()) * sizeof(float);
}

void RecurrentKernel::run(Context& context) {
  if (!lengthsAreValid()) return context.fail("a sequence length is negative or longer than the time axis");
  float* bias = reinterpret_cast<float*>(context.scratch);
  readBias(bias);
  bias_ = bias;
  float* scratch = bias + roundUp(sizes_.directions * 2 * sizes_.rows());
  // Sequences do not depend on each other.
  context.pool.parallelFor(sizes_.directions * sizes_.batch, 1, [&](int64_t begin, int64_t end, int thread) {
    for (int64_t i = begin; i < end; ++i)
      runSequence(static_cast<int>(i / sizes_.batch), i % sizes_.batch,
                  scratch + thread * scratchPerThread());
  });
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
    for (int64_t row = 0; row < 2 * sizes_.rows(); ++row)
      *to++ = bias ? bias->as<const float>()[d * bias->stride[0] + row * bias->stride[1]] : 0.0f;
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

void RecurrentKernel::runSequence(int direction, int64_t batch, float* scratch) const {
  const Tensor &x = node_.in(kX), &y = node_.out(0);
  float* row = scratch;
  float* h = row + roundUp(sizes_.features);
  float* c = h + roundUp(sizes_.hidden);
  float* spare = c + roundUp(sizes_.hidden);
  float* sums = spare + roundUp(sizes_.hidden);
  readState(kInitialH, direction, batch, h);
  if (hasCell()) readState(kInitialH + 1, direction, batch, c);
  const bool reverse = direction == 1 || node_.attrs.text("direction") == "reverse";
  const int64_t length = lengthOf(batch);
  for (int64_t i = 0; i < sizes_.time; ++i) {
    const int64_t t = reverse && i < length ? length - 1 - i : i;
    if (i < length) {
      const float* from = x.as<const float>() + t * x.stride[0] + batch * x.stride[1];
      for (int64_t k = 0; k < sizes_.features; ++k) row[k] = from[k * x.stride[2]];
      step({direction, row, h, c, sums, spare});
    }
    float* to = y.as<float>() + t * y.stride[0] + direction * y.stride[1] + batch * y.stride[2];
    for (int64_t j = 0; j < sizes_.hidden; ++j) to[j * y.stride[3]] = i < length ? h[j] : 0.0f;
  }
  writeState(1, direction, batch, h);
  if (hasCell()) writeState(2, direction, batch, c);
}

void RecurrentKernel::multiply(const Tensor& weight, int64_t packedAt, int direction, int64_t depth,
                               const float* x, int64_t first, int64_t count, float* sums) const {
  const int64_t rows = sizes_.rows();
  if (kernels_)
    return kernels_->multiplyAdd(x, depth, packed_.data() + packedAt + direction * depth * rows + first, rows,
                                 sums, count);
  const float* w = weight.as<const float>() + direction * weight.stride[0];
  for (int64_t j = 0; j < count; ++j)
    for (int64_t k = 0; k < depth; ++k)
      sums[j] = std::fma(x[k], w[(first + j) * weight.stride[1] + k * weight.stride[2]], sums[j]);
}

void RecurrentKernel::addInput(const Step& s, int64_t first, int64_t count, float* sums) const {
  multiply(node_.in(kW), 0, s.direction, sizes_.features, s.x, first, count, sums);
}

void RecurrentKernel::addHidden(int direction, const float* h, int64_t first, int64_t count,
                                float* sums) const {
  const int64_t packedAt = sizes_.directions * sizes_.rows() * sizes_.features;
  multiply(node_.in(kR), packedAt, direction, sizes_.hidden, h, first, count, sums);
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
