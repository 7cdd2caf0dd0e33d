// nn.layer_norm and nn.group_norm: y = (x - mean) / sqrt(variance + epsilon) * scale + bias, where mean and
// variance are taken over a set of elements. The two differ in which elements form a set and how scale and
// bias lie along it.
#include "runtime/kernels/lanes.h"
#include "runtime/kernels/vector_kernels.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/iterate.h"
#include "runtime/ops/normalize_ops.h"

#include <algorithm>

namespace burin::rt {

namespace {
constexpr int64_t kColumns = 64; // normalised side by side

// Shapes and steps of the walk over sets, or within one set: of x, y, scale and bias.
struct Layout {
  int rank = 0;
  int64_t dim[kMaxRank + 1] = {};
  int64_t step[4][kMaxRank + 1] = {};

  void push(int64_t length, int64_t x, int64_t y, int64_t scale, int64_t bias) {
    dim[rank] = length;
    step[0][rank] = x;
    step[1][rank] = y;
    step[2][rank] = scale;
    step[3][rank] = bias;
    ++rank;
  }
  StridedWalk<4> walk() const { return StridedWalk<4>(rank, dim, {step[0], step[1], step[2], step[3]}); }
};

class Moments final : public Kernel {
public:
  Moments(const Node& node, const Layout& sets, const Layout& within, const VectorKernels* kernels)
      : node_(node), sets_(sets.walk()), within_(within.walk()),
        elements_(within.rank, within.dim, {within.step[0]}), epsilon_(node.attrs.real("epsilon", 1e-5f)),
        rms_(node.attrs.integer("rms") != 0) {
    fillAbsent();
    if (kernels) choosePaths(kernels);
  }
  const char* name() const override {
    return columns_ ? columns_->name : statistics_ && apply_ ? apply_->name : "reference";
  }

  void run(Context& context) override {
    const int64_t perSet = within_.elements() > 0 ? within_.elements() : 1;
    const int64_t grain = perSet >= kElementwiseGrain ? 1 : kElementwiseGrain / perSet;
    context.pool.parallelFor(sets_.elements(), grain, [&](int64_t begin, int64_t end, int) {
      if (columns_)
        sets_.forRuns(begin, end,
                      [&](const int64_t* offset, int64_t count) { normalizeColumns(offset, count); });
      else
        sets_.forEach(begin, end, [&](const int64_t* offset) { normalize(offset); });
    });
  }

private:
  // An absent scale or bias is a row of ones or zeros, as long as any run.
  void fillAbsent() {
    const size_t length = static_cast<size_t>(std::max(within_.runLength(), kColumns));
    if (!node_.input(1)) ones_.assign(length, 1.0f);
    if (!node_.input(2)) zeros_.assign(length, 0.0f);
  }

  void choosePaths(const VectorKernels* kernels) {
    const bool aligned = elements_.rank() <= 1 || elements_.runLength() % kLanes == 0;
    if (elements_.step(0) == 1 && aligned) statistics_ = kernels;
    const int64_t stepScale = within_.step(node_.input(1) ? 2 : 3),
                  stepBias = within_.step(node_.input(2) ? 3 : 2);
    applyStep_ = stepScale;
    const bool unitOrNone = applyStep_ == 0 || applyStep_ == 1;
    if (within_.step(0) == 1 && within_.step(1) == 1 && stepScale == stepBias && unitOrNone) apply_ = kernels;
    // Sets side by side in memory, each with one scale and one bias: channels-last instance normalisation.
    const bool sideBySide = sets_.step(0) == 1 && sets_.step(1) == 1 && sets_.runLength() > 1;
    const bool oneEach = within_.rank() == 1 && within_.step(2) == 0 && within_.step(3) == 0;
    const bool rows = (ones_.size() || sets_.step(2) == 1) && (zeros_.size() || sets_.step(3) == 1);
    if (sideBySide && oneEach && rows && !rms_) columns_ = kernels;
  }

  const float* scaleAt(int64_t offset) const {
    return ones_.empty() ? node_.in(1).as<const float>() + offset : ones_.data();
  }
  const float* biasAt(int64_t offset) const {
    return zeros_.empty() ? node_.in(2).as<const float>() + offset : zeros_.data();
  }
  float factorOf(float squares) const {
    return 1.0f / math::squareRoot(squares / static_cast<float>(within_.elements()) + epsilon_);
  }

  void normalize(const int64_t* offset) const {
    const float* x = node_.in(0).as<const float>() + offset[0];
    float* y = node_.out().as<float>() + offset[1];
    const float mean = rms_ ? 0.0f : sum(x) / static_cast<float>(within_.elements());
    const float factor = factorOf(squaredDeviations(x, mean));
    within_.forRuns(0, within_.elements(), [&](const int64_t* at, int64_t n) {
      const float *from = x + at[0], *scale = scaleAt(offset[2] + at[2]), *bias = biasAt(offset[3] + at[3]);
      float* to = y + at[1];
      if (apply_) return apply_->normalizeRow(from, mean, factor, scale, bias, applyStep_, to, n);
      for (int64_t i = 0; i < n; ++i)
        to[i * within_.step(1)] = ((from[i * within_.step(0)] - mean) * factor) * scale[i * within_.step(2)] +
                                  bias[i * within_.step(3)];
    });
  }

  void normalizeColumns(const int64_t* offset, int64_t count) const {
    float mean[kColumns], factor[kColumns];
    const int64_t rows = within_.elements(), stepX = within_.step(0);
    for (int64_t done = 0; done < count; done += kColumns) {
      const int64_t columns = std::min(count - done, kColumns);
      const float* x = node_.in(0).as<const float>() + offset[0] + done;
      float* y = node_.out().as<float>() + offset[1] + done;
      columns_->laneColumns[static_cast<int>(LaneFn::Sum)](x, stepX, rows, columns, mean);
      for (int64_t c = 0; c < columns; ++c) mean[c] /= static_cast<float>(rows);
      columns_->deviationColumns(x, mean, stepX, rows, columns, factor);
      for (int64_t c = 0; c < columns; ++c) factor[c] = factorOf(factor[c]);
      const ColumnMoments moments{mean, factor, scaleAt(offset[2] + done), biasAt(offset[3] + done)};
      columns_->normalizeColumns({x, y, stepX, within_.step(1), rows}, moments, columns);
    }
  }

  float sum(const float* x) const {
    float lanes[kLanes] = {};
    int64_t position = 0;
    elements_.forRuns(0, elements_.elements(), [&](const int64_t* at, int64_t n) {
      if (statistics_)
        statistics_->laneRow[static_cast<int>(LaneFn::Sum)](x + at[0], n, lanes);
      else
        for (int64_t i = 0; i < n; ++i) lanes[(position + i) % kLanes] += x[at[0] + i * elements_.step(0)];
      position += n;
    });
    return joinLanes<SumLane>(lanes);
  }

  float squaredDeviations(const float* x, float mean) const {
    float lanes[kLanes] = {};
    int64_t position = 0;
    elements_.forRuns(0, elements_.elements(), [&](const int64_t* at, int64_t n) {
      if (statistics_)
        statistics_->deviationRow(x + at[0], mean, n, lanes);
      else
        for (int64_t i = 0; i < n; ++i) {
          float& lane = lanes[(position + i) % kLanes];
          lane = SumSquareLane::step(lane, x[at[0] + i * elements_.step(0)] - mean);
        }
      position += n;
    });
    return joinLanes<SumLane>(lanes);
  }

  const Node& node_;
  StridedWalk<4> sets_, within_;
  StridedWalk<1> elements_; // of a set in logical row-major order, which is the order of the sums
  float epsilon_;
  bool rms_;
  std::vector<float> ones_, zeros_; // for an absent scale or bias
  int64_t applyStep_ = 0;
  // Null where the reference loops run.
  const VectorKernels *statistics_ = nullptr, *apply_ = nullptr, *columns_ = nullptr;
};
} // namespace

bool inferLayerNorm(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 3, error) || !checkFloatInput(signature, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  if (!checkAxis(signature, "axis", x.shape.rank, error)) return false;
  Shape normalized;
  for (int axis = static_cast<int>(signature.attrs.integer("axis")); axis < x.shape.rank; ++axis)
    normalized.push(x.shape[axis]);
  for (int i = 1; i < 3; ++i) {
    const TensorType* type = signature.input(i);
    if (!type) continue;
    const char* operand = i == 1 ? "scale" : "bias";
    if (!isFloat(type->dtype))
      return reject(error, std::string(operand) + " has element type " + dtypeName(type->dtype) +
                               "; a float type is needed");
    Shape both;
    if (!broadcastShapes(type->shape, normalized, both, error)) return false;
    if (both != normalized)
      return reject(error, std::string(operand) + " of shape " + toString(type->shape) +
                               " does not broadcast to the normalised axes " + toString(normalized));
  }
  results = {x};
  return true;
}

std::unique_ptr<Kernel> makeLayerNorm(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  const Tensor &x = node.in(0), &y = node.out();
  const int first = static_cast<int>(node.attrs.integer("axis"));
  Shape normalized;
  for (int axis = first; axis < x.shape().rank; ++axis) normalized.push(x.shape()[axis]);
  int64_t steps[2][kMaxRank] = {};
  for (int i = 0; i < 2; ++i)
    if (node.input(i + 1)) broadcastStrides(node.in(i + 1), normalized, steps[i]);
  Layout sets, within;
  for (int axis = 0; axis < x.shape().rank; ++axis)
    if (axis < first)
      sets.push(x.shape()[axis], x.stride[axis], y.stride[axis], 0, 0);
    else
      within.push(x.shape()[axis], x.stride[axis], y.stride[axis], steps[0][axis - first],
                  steps[1][axis - first]);
  return std::make_unique<Moments>(node, sets, within, vectorKernels(config.isa));
}

bool inferGroupNorm(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 3, error) || !checkFloatInput(signature, 2, error)) return false;
  const TensorType& x = *signature.input(0);
  const int64_t channels = x.shape[1];
  if (!checkInts(signature, "groups", 1, 1, kMaxElements, error)) return false;
  const int64_t groups = signature.attrs.integer("groups");
  if (channels % groups != 0)
    return reject(error, std::to_string(channels) + " channels do not divide into " + std::to_string(groups) +
                             " groups");
  if (!checkFloatVector(signature, 1, "scale", channels, error) ||
      !checkFloatVector(signature, 2, "bias", channels, error))
    return false;
  results = {x};
  return true;
}

std::unique_ptr<Kernel> makeGroupNorm(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  const Tensor &x = node.in(0), &y = node.out();
  const int64_t groups = node.attrs.integer("groups"), perGroup = x.shape()[1] / groups;
  const int64_t scale = node.input(1) ? node.in(1).stride[0] : 0,
                bias = node.input(2) ? node.in(2).stride[0] : 0;
  Layout sets, within;
  sets.push(x.shape()[0], x.stride[0], y.stride[0], 0, 0);
  sets.push(groups, perGroup * x.stride[1], perGroup * y.stride[1], perGroup * scale, perGroup * bias);
  within.push(perGroup, x.stride[1], y.stride[1], scale, bias);
  for (int axis = 2; axis < x.shape().rank; ++axis)
    within.push(x.shape()[axis], x.stride[axis], y.stride[axis], 0, 0);
  return std::make_unique<Moments>(node, sets, within, vectorKernels(config.isa));
}

} // namespace burin::rt
