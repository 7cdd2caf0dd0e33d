// Parts of tensors by position.
#include "lib/import/tensorflow/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
void importSlice(RuleContext& c, Attributes&) {
  auto begin = c.constantInts(1, "begin"), size = c.constantInts(2, "size");
  if (!begin || !size) return;
  Ints dims = RuleContext::dims(c.in(0));
  if (begin->size() != dims.size() || size->size() != dims.size())
    return c.invalid(
        fmt::format("it has {} begins and {} sizes for {} axes", begin->size(), size->size(), dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    const bool starts = (*begin)[i] >= 0 && (*begin)[i] <= dims[i];
    if (starts && (*size)[i] == -1) (*size)[i] = dims[i] - (*begin)[i];
    if (!starts || (*size)[i] < 0 || (*size)[i] > dims[i] - (*begin)[i])
      return c.invalid(
          fmt::format("{} entries from {} are outside of axis {} of {}", (*size)[i], (*begin)[i], i, dims[i]),
          "check --input-shapes; the network may be made for another size");
  }
  c.set(0, c.emit("slice", {c.in(0)},
                  c.attrs().ints("starts", *begin).ints("sizes", *size).ints("steps", Ints(dims.size(), 1))));
}

// A strided slice: entry i of the specification is a range of an axis unless a bit of a mask says otherwise.
struct StridedSlice {
  Ints begin, end, stride;
  int64_t beginMask, endMask, ellipsisMask, newAxisMask, shrinkMask;

  static bool bit(int64_t mask, size_t i) { return i < 63 && (mask >> i & 1); }
};

// What it makes of the axes: starts, sizes and steps over the input's, then the shape with axes dropped and
// added.
struct SlicePlan {
  Ints starts, sizes, steps, shape;
};

// One range over an axis of `dim` entries, as in Python: positions are clamped to the axis.
void addRange(const StridedSlice& s, size_t i, int64_t dim, SlicePlan& plan) {
  const int64_t stride = s.stride[i];
  const bool up = stride > 0;
  auto clamped = [&](int64_t at) {
    if (at < 0) at += dim;
    return std::clamp<int64_t>(at, up ? 0 : -1, up ? dim : dim - 1);
  };
  int64_t from = StridedSlice::bit(s.beginMask, i) ? (up ? 0 : dim - 1) : clamped(s.begin[i]);
  int64_t to = StridedSlice::bit(s.endMask, i) ? (up ? dim : -1) : clamped(s.end[i]);
  int64_t span = up ? to - from : from - to, step = up ? stride : -stride;
  int64_t size = span > 0 ? (span + step - 1) / step : 0;
  plan.starts.push_back(size ? from : 0);
  plan.sizes.push_back(size);
  plan.steps.push_back(stride);
  plan.shape.push_back(size);
}

void keepAxis(int64_t dim, SlicePlan& plan) {
  plan.starts.push_back(0);
  plan.sizes.push_back(dim);
  plan.steps.push_back(1);
  plan.shape.push_back(dim);
}

std::optional<SlicePlan> planSlice(RuleContext& c, const StridedSlice& s, const Ints& dims) {
  auto bit = StridedSlice::bit;
  SlicePlan plan;
  size_t axes = 0, entries = s.begin.size();
  for (size_t i = 0; i < entries; ++i) axes += !bit(s.newAxisMask, i) && !bit(s.ellipsisMask, i);
  if (axes > dims.size()) {
    c.invalid(fmt::format("it slices {} axes of {}", axes, dims.size()));
    return std::nullopt;
  }
  size_t axis = 0;
  bool ellipsis = false;
  for (size_t i = 0; i < entries; ++i) {
    if (bit(s.ellipsisMask, i)) {
      for (size_t n = dims.size() - axes; n > 0 && !ellipsis; --n) keepAxis(dims[axis++], plan);
      ellipsis = true;
    } else if (bit(s.newAxisMask, i)) {
      plan.shape.push_back(1);
    } else if (bit(s.shrinkMask, i)) {
      int64_t dim = dims[axis++], at = s.begin[i] < 0 ? s.begin[i] + dim : s.begin[i];
      if (at < 0 || at >= dim) {
        c.invalid(fmt::format("position {} is outside of an axis of {}", s.begin[i], dim));
        return std::nullopt;
      }
      plan.starts.push_back(at);
      plan.sizes.push_back(1);
      plan.steps.push_back(1);
    } else if (s.stride[i] == 0 || s.stride[i] < -(int64_t(1) << 40) || s.stride[i] > int64_t(1) << 40) {
      c.invalid(fmt::format("a stride of {} is not possible", s.stride[i]));
      return std::nullopt;
    } else {
      addRange(s, i, dims[axis++], plan);
    }
  }
  while (axis < dims.size()) keepAxis(dims[axis++], plan);
  return plan;
}

void importStridedSlice(RuleContext& c, Attributes& a) {
  auto begin = c.constantInts(1, "begin"), end = c.constantInts(2, "end"),
       stride = c.constantInts(3, "strides");
  if (!begin || !end || !stride) return;
  if (begin->size() != end->size() || begin->size() != stride->size() || begin->size() > 62)
    return c.invalid("its begin, end and strides have different lengths");
  StridedSlice slice{*begin,
                     *end,
                     *stride,
                     a.integer("begin_mask"),
                     a.integer("end_mask"),
                     a.integer("ellipsis_mask"),
                     a.integer("new_axis_mask"),
                     a.integer("shrink_axis_mask")};
  auto plan = planSlice(c, slice, RuleContext::dims(c.in(0)));
  if (!plan) return;
  Value y =
      c.emit("slice", {c.in(0)},
             c.attrs().ints("starts", plan->starts).ints("sizes", plan->sizes).ints("steps", plan->steps));
  c.set(0, c.reshape(y, plan->shape));
}

const OperatorRow kRows[] = {
    {"Slice", importSlice, 3, 3},
    {"StridedSlice", importStridedSlice, 4, 4},
};
} // namespace

const OperatorTable<OperatorRow> kSliceOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
