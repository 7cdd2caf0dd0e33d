// nn.grid_sample: x is read at the coordinates of a grid. Coordinates in [-1, 1] span the input; the last
// number of a grid entry belongs to the innermost axis. Float law as nn.resize: taps ascending, innermost
// axis first.
#include "runtime/ops/resize_ops.h"

#include <cmath>
#include <cstring>

namespace burin::rt {

bool inferGridSample(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error) ||
      !checkChoice(signature, "mode", "linear nearest cubic", error) ||
      !checkChoice(signature, "padding", "zeros border reflection", error) ||
      !checkInts(signature, "align_corners", 1, 0, 1, error))
    return false;
  const TensorType &x = *signature.input(0), &grid = *signature.input(1);
  const int rank = x.shape.rank, spatial = rank - 2;
  if (spatial < 1 || spatial > 3)
    return reject(error, "the operand has " + std::to_string(rank) +
                             " axes; 1 to 3 spatial ones after batch and channel are supported");
  if (grid.shape.rank != rank || grid.shape[0] != x.shape[0] || grid.shape[rank - 1] != spatial)
    return reject(error, "a grid of shape " + toString(grid.shape) + " does not fit the operand " +
                             toString(x.shape));
  if (!isFloat(x.dtype) || !isFloat(grid.dtype)) return reject(error, "operand and grid must be floats");
  Shape shape{x.shape[0], x.shape[1]};
  for (int axis = 1; axis <= spatial; ++axis) {
    shape.push(grid.shape[axis]);
    if (x.shape[axis + 1] < 1) return reject(error, "the operand has an empty spatial axis");
    if (x.shape[axis + 1] > 1 << 21)
      return reject(error, "a spatial axis is longer than float coordinates can address");
  }
  results = {{x.dtype, shape}};
  return checkShape(shape, error);
}

namespace {
enum class Mode : uint8_t { Linear, Nearest, Cubic };
enum class Padding : uint8_t { Zeros, Border, Reflection };

// The input positions and weights of one grid entry along one axis; position -1 reads zero.
constexpr int kMaxSpatial = 3;

struct AxisTaps {
  int count;
  int64_t index[4];
  float weight[4];
};

// Mirrors x at the borders until it lies between them.
float reflect(float x, float low, float high) {
  const float range = high - low;
  if (range <= 0) return low;
  const bool below = x < low;
  const float distance = below ? low - x : x - high;
  if (!(distance < 1e9f)) return low;
  const int64_t turns = static_cast<int64_t>(distance / range);
  const float rest = distance - static_cast<float>(turns) * range;
  return (turns % 2 == 0) == below ? low + rest : high - rest;
}

float roundHalfEven(float x) { // |x| < 2^22
  const float shifted = x + 12582912.0f;
  return shifted - 12582912.0f;
}

// Keys' kernel with a = -0.75 at the four taps around a fraction.
void cubicWeights(float t, float* weight) {
  const float a = -0.75f, u = 1 - t;
  weight[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
  weight[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  weight[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
  weight[3] = ((a * (u + 1) - 5 * a) * (u + 1) + 8 * a) * (u + 1) - 4 * a;
}

class GridSampleKernel final : public Kernel {
public:
  explicit GridSampleKernel(const Node& node) : node_(node), spatial_(node.in(0).type.shape.rank - 2) {
    const std::string &mode = node.attrs.text("mode"), &padding = node.attrs.text("padding");
    mode_ = mode == "nearest" ? Mode::Nearest : mode == "cubic" ? Mode::Cubic : Mode::Linear;
    padding_ = padding == "border"       ? Padding::Border
               : padding == "reflection" ? Padding::Reflection
                                         : Padding::Zeros;
    alignCorners_ = node.attrs.integer("align_corners") != 0;
  }

  void run(Context& context) override {
    const Tensor &x = node_.in(0), &grid = node_.in(1), &y = node_.out();
    Shape points = grid.type.shape;
    --points.rank;
    int64_t strideX[kMaxRank] = {x.stride[0]}, strideY[kMaxRank] = {y.stride[0]};
    for (int axis = 0; axis < spatial_; ++axis) strideY[axis + 1] = y.stride[axis + 2];
    const StridedWalk<3> walk(points, {grid.stride, strideX, strideY});
    context.pool.parallelFor(walk.elements(), 64, [&](int64_t begin, int64_t end, int) {
      walk.forEach(begin, end, [&](const int64_t* offset) { samplePoint(offset[0], offset[1], offset[2]); });
    });
  }

private:
  void samplePoint(int64_t gridPlace, int64_t placeX, int64_t placeY) const {
    const Tensor &x = node_.in(0), &grid = node_.in(1), &y = node_.out();
    AxisTaps taps[kMaxSpatial];
    for (int axis = 0; axis < spatial_; ++axis) {
      const int64_t last = grid.stride[spatial_ + 1];
      taps[axis] = tapsOf(grid.as<float>()[gridPlace + (spatial_ - 1 - axis) * last], x.type.shape[axis + 2]);
    }
    for (int64_t c = 0; c < x.type.shape[1]; ++c)
      y.as<float>()[placeY + c * y.stride[1]] = interpolate(taps, 0, placeX + c * x.stride[1]);
  }

  AxisTaps tapsOf(float normal, int64_t length) const {
    const float n = static_cast<float>(length);
    const float low = alignCorners_ ? 0 : -0.5f, high = alignCorners_ ? n - 1 : n - 0.5f;
    float x = alignCorners_ ? (normal + 1) / 2 * (n - 1) : ((normal + 1) * n - 1) / 2;
    // Far away is outside all the same; NaN counts as far below.
    x = x > -1e9f ? x : -1e9f;
    x = x < 1e9f ? x : 1e9f;
    if (mode_ == Mode::Nearest && x > -4e6f && x < 4e6f) x = roundHalfEven(x);
    if (x < low || x > high) {
      if (padding_ == Padding::Border) x = x < 0 ? 0 : n - 1;
      if (padding_ == Padding::Reflection) x = reflect(x, low, high);
    }
    const float cut = static_cast<float>(static_cast<int64_t>(x)), floor = cut > x ? cut - 1 : cut;
    AxisTaps taps = {1, {}, {1, 0, 0, 0}};
    int64_t first = static_cast<int64_t>(floor);
    if (mode_ == Mode::Linear) {
      taps.count = 2;
      taps.weight[1] = x - floor;
      taps.weight[0] = 1 - taps.weight[1];
    } else if (mode_ == Mode::Cubic) {
      taps.count = 4;
      --first;
      cubicWeights(x - floor, taps.weight);
    }
    for (int t = 0; t < taps.count; ++t) taps.index[t] = inputPosition(first + t, length, low, high);
    return taps;
  }

  int64_t inputPosition(int64_t i, int64_t length, float low, float high) const {
    if (i >= 0 && i < length) return i;
    if (padding_ == Padding::Zeros) return -1;
    if (padding_ == Padding::Reflection) i = static_cast<int64_t>(reflect(static_cast<float>(i), low, high));
    return std::max<int64_t>(0, std::min(i, length - 1));
  }

  float interpolate(const AxisTaps* taps, int axis, int64_t place) const {
    const Tensor& x = node_.in(0);
    // At most 3 spatial axes: said again for GCC, which follows the recursion further than it goes.
    if (axis == spatial_ || axis >= kMaxSpatial) return x.as<float>()[place];
    const AxisTaps& a = taps[axis];
    float sum = 0;
    for (int t = 0; t < a.count; ++t) {
      const float value =
          a.index[t] < 0 ? 0 : interpolate(taps, axis + 1, place + a.index[t] * x.stride[axis + 2]);
      sum = t == 0 ? a.weight[0] * value : std::fma(a.weight[t], value, sum);
    }
    return sum;
  }

  const Node& node_;
  int spatial_;
  Mode mode_ = Mode::Linear;
  Padding padding_ = Padding::Zeros;
  bool alignCorners_ = false;
};
} // namespace

std::unique_ptr<Kernel> makeGridSample(const Node& node, const KernelConfig&, std::string& error) {
  if (node.in(0).dtype() != DType::F32 || node.in(1).dtype() != DType::F32) {
    error = "16-bit floats need a cast to f32";
    return nullptr;
  }
  return std::make_unique<GridSampleKernel>(node);
}

} // namespace burin::rt
