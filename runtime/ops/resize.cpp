// nn.resize: one table of taps per axis, applied axis by axis. The table of this family is here too.
//
// Float law: along the last axis v = fma(w[t], x[t], ...) over ascending taps, starting with w[0] * x[0]; the
// results are combined in the same way along the axis before, and so on. Integers are resampled in float32,
// rounded half to even and saturated: the zero point needs no care, as the weights of a position sum to 1.
#include "runtime/ops/resize_ops.h"
#include "runtime/ops/stored_value.h"
#include "runtime/ops/table_copy.h"

#include <cmath>
#include <cstring>

namespace burin::rt {

namespace {
constexpr int64_t kMaxTableEntries = int64_t{1} << 26; // table entries of one axis
constexpr int64_t kMaxWindow = int64_t{1} << 22; // elements read for one result: a run ends in finite time

ResizeRule ruleOf(const Attrs& attrs) {
  ResizeRule rule;
  rule.mode = attrs.text("mode");
  rule.coordinate = attrs.text("coordinate");
  rule.nearest = attrs.has("nearest") ? attrs.text("nearest") : "round_prefer_floor";
  rule.cubicA = static_cast<double>(attrs.real("cubic_a", -0.75f));
  rule.excludeOutside = attrs.integer("exclude_outside") != 0;
  rule.antialias = attrs.integer("antialias") != 0;
  return rule;
}

bool checkResizeFloats(const Signature& signature, int rank, std::string& error) {
  const std::vector<float>&scales = signature.attrs.floats("scales"), &roi = signature.attrs.floats("roi");
  if (scales.size() != static_cast<size_t>(rank))
    return reject(error, "attribute 'scales' has " + std::to_string(scales.size()) + " numbers, " +
                             std::to_string(rank) + " are needed");
  for (float scale : scales)
    if (!(scale > 0) || !std::isfinite(scale))
      return reject(error, "scale " + std::to_string(scale) + " is not a positive number");
  const float a = signature.attrs.real("cubic_a", -0.75f);
  if (!(a >= -1e3f && a <= 1e3f))
    return reject(error, "cubic_a " + std::to_string(a) + " is no sensible coefficient");
  const bool crops = signature.attrs.text("coordinate") == "tf_crop_and_resize";
  if (crops && roi.size() != 2 * static_cast<size_t>(rank))
    return reject(error, "attribute 'roi' has " + std::to_string(roi.size()) + " numbers, " +
                             std::to_string(2 * rank) + " are needed for tf_crop_and_resize");
  for (float bound : roi)
    if (!std::isfinite(bound)) return reject(error, "attribute 'roi' contains a number that is not finite");
  return true;
}
} // namespace

bool inferResize(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  const int rank = x.shape.rank;
  if (!checkChoice(signature, "mode", "nearest linear cubic", error) ||
      !checkChoice(
          signature, "coordinate",
          "half_pixel half_pixel_symmetric align_corners asymmetric pytorch_half_pixel tf_crop_and_resize",
          error) ||
      !checkInts(signature, "sizes", rank, 0, kMaxElements, error) ||
      !checkResizeFloats(signature, rank, error))
    return false;
  if (signature.attrs.has("nearest") &&
      !checkChoice(signature, "nearest", "round_prefer_floor round_prefer_ceil floor ceil", error))
    return false;
  const ResizeRule rule = ruleOf(signature.attrs);
  Shape shape;
  int64_t window = 1; // taps of one element
  for (int axis = 0; axis < rank; ++axis) {
    const size_t a = static_cast<size_t>(axis);
    const int64_t size = signature.attrs.ints("sizes")[a];
    if (size > 0 && x.shape[axis] == 0)
      return reject(error, "axis " + std::to_string(axis) + " of the operand is empty");
    if (size > 0) {
      const int64_t taps =
          resizeTaps(rule, exactScale(x.shape[axis], size, signature.attrs.floats("scales")[a]));
      window = boundedProduct(window, std::min(taps, kMaxElements));
      if (boundedProduct(taps, size) > kMaxTableEntries)
        return reject(error, "axis " + std::to_string(axis) + " would need a table of " +
                                 std::to_string(taps) + " x " + std::to_string(size) + " weights");
    }
    shape.push(size);
  }
  if (window > kMaxWindow)
    return reject(error,
                  "every element would read " + std::to_string(window) + " others; the scales are too small");
  results = {{x.dtype, shape}};
  return checkShape(shape, error);
}

namespace {
std::vector<ResizeAxis> resizeAxes(const Node& node) {
  const Tensor &x = node.in(0), &y = node.out();
  const ResizeRule rule = ruleOf(node.attrs);
  const std::vector<float>& roi = node.attrs.floats("roi");
  const int rank = x.type.shape.rank;
  std::vector<ResizeAxis> axes;
  for (int axis = 0; axis < rank && y.type.shape.elements() > 0; ++axis) {
    const size_t a = static_cast<size_t>(axis);
    const bool crops = rule.coordinate == "tf_crop_and_resize";
    const float begin = crops ? roi[a] : 0, end = crops ? roi[a + static_cast<size_t>(rank)] : 1;
    axes.push_back(makeResizeAxis(rule, x.type.shape[axis], y.type.shape[axis],
                                  node.attrs.floats("scales")[a], begin, end));
  }
  return axes;
}

bool anyOutside(const std::vector<ResizeAxis>& axes) {
  for (const ResizeAxis& axis : axes)
    for (uint8_t outside : axis.outside)
      if (outside) return true;
  return false;
}

template <class T>
T storedAs(uint64_t bits) { // as written by storedValue
  const auto narrow = static_cast<typename UnsignedOf<sizeof(T)>::type>(bits);
  T value;
  std::memcpy(&value, &narrow, sizeof value);
  return value;
}

class ResizeKernel final : public Kernel {
public:
  ResizeKernel(const Node& node, std::vector<ResizeAxis> axes) : node_(node), axes_(std::move(axes)) {
    nearest_ = node.attrs.text("mode") == "nearest";
    extrapolation_ = storedValue(node.out(), node.attrs.real("extrapolation"));
  }

  void run(Context& context) override {
    const Tensor& y = node_.out();
    if (y.type.shape.elements() == 0) return;
    if (nearest_)
      dispatchBytes(dtypeBytes(y.dtype()), [&](auto tag) { runAs<decltype(tag)>(context, true); });
    else
      dispatchType(y.dtype(), [&](auto tag) { runAs<decltype(tag)>(context, false); });
  }

private:
  template <class T>
  void runAs(Context& context, bool copies) const {
    const Tensor& y = node_.out();
    const Shape& shape = y.type.shape;
    context.pool.parallelFor(shape.elements(), 512, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t position[kMaxRank] = {}, rest = i, target = 0;
        bool outside = false;
        for (int axis = shape.rank - 1; axis >= 0; --axis) {
          position[axis] = rest % shape[axis];
          rest /= shape[axis];
          target += position[axis] * y.stride[axis];
          outside = outside || axes_[static_cast<size_t>(axis)].outside[static_cast<size_t>(position[axis])];
        }
        T& result = y.as<T>()[target];
        if (outside)
          result = storedAs<T>(extrapolation_);
        else if (copies)
          result = node_.in(0).as<T>()[placeOf(position)];
        else
          result = fromReal<T>(interpolate<T>(position, 0, 0));
      }
    });
  }

  int64_t placeOf(const int64_t* position) const {
    int64_t place = 0;
    for (size_t axis = 0; axis < axes_.size(); ++axis)
      place += axes_[axis].index[static_cast<size_t>(position[axis])] * node_.in(0).stride[axis];
    return place;
  }

  template <class T>
  float interpolate(const int64_t* position, size_t axis, int64_t place) const {
    if (axis == axes_.size()) return static_cast<float>(node_.in(0).as<T>()[place]);
    const ResizeAxis& a = axes_[axis];
    const size_t first = static_cast<size_t>(position[axis] * a.taps);
    const int64_t step = node_.in(0).stride[axis];
    float sum = a.weight[first] * interpolate<T>(position, axis + 1, place + a.index[first] * step);
    for (size_t t = first + 1; t < first + static_cast<size_t>(a.taps); ++t)
      sum = std::fma(a.weight[t], interpolate<T>(position, axis + 1, place + a.index[t] * step), sum);
    return sum;
  }

  const Node& node_;
  std::vector<ResizeAxis> axes_;
  bool nearest_ = false;
  uint64_t extrapolation_ = 0;
};

class NearestKernel final : public Kernel {
public:
  NearestKernel(const Node& node, const TableCopy& copy) : node_(node), copy_(copy) {}
  void run(Context& context) override { copy_.run(node_.in(0).data, node_.out().data, context.pool); }
  const char* name() const override { return copy_.copiesRuns() ? "copy-runs" : "copy-table"; }

private:
  const Node& node_;
  TableCopy copy_;
};

TableCopy nearestTable(const Node& node, const std::vector<ResizeAxis>& axes, Isa isa) {
  const Tensor &x = node.in(0), &y = node.out();
  std::vector<int64_t> places[kMaxRank];
  for (size_t axis = 0; axis < axes.size(); ++axis)
    for (int64_t i : axes[axis].index) places[axis].push_back(i * x.stride[axis]);
  return TableCopy(y.type.shape, y.stride, places, dtypeBytes(y.dtype()), isa);
}
} // namespace

std::unique_ptr<Kernel> makeResize(const Node& node, const KernelConfig& config, std::string& error) {
  const DType dtype = node.in(0).dtype();
  const bool nearest = node.attrs.text("mode") == "nearest";
  if (!nearest && isFloat(dtype) && dtype != DType::F32)
    return reject(error, "interpolating 16-bit floats needs a cast to f32"), nullptr;
  std::vector<ResizeAxis> axes = resizeAxes(node);
  if (config.isa != Isa::Reference && !axes.empty() && !anyOutside(axes)) {
    if (nearest) return std::make_unique<NearestKernel>(node, nearestTable(node, axes, config.isa));
    if (auto rows = makeResizeRows(node, axes, config)) return rows;
  }
  return std::make_unique<ResizeKernel>(node, std::move(axes));
}

static const OpDef kOps[] = {
    {"nn.resize", inferResize, makeResize},
    {"nn.grid_sample", inferGridSample, makeGridSample},
};
extern const OpTable kResizeOps;
const OpTable kResizeOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
