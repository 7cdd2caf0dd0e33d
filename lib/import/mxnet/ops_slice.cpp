// slice and its variants, Crop, splits.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::mxnet {

namespace {
using Bound = std::optional<int64_t>;

struct Range {
  int64_t start, size, step;
};

// Negative positions count from the end; an absent one is the end of the axis that the step starts from or
// runs to.
Range rangeOf(Bound begin, Bound end, int64_t step, int64_t dim) {
  auto place = [&](int64_t v, int64_t low, int64_t high) {
    return std::clamp(v < 0 ? v + dim : v, low, high);
  };
  if (step > 0) {
    int64_t from = begin ? place(*begin, 0, dim) : 0, to = end ? place(*end, 0, dim) : dim;
    return {from, std::max<int64_t>((to - from + step - 1) / step, 0), step};
  }
  int64_t from = begin ? place(*begin, -1, dim - 1) : dim - 1, to = end ? place(*end, -1, dim - 1) : -1;
  return {std::max<int64_t>(from, 0), std::max<int64_t>((from - to - step - 1) / -step, 0), step};
}

Value sliced(Node& n, Value x, const std::vector<Range>& ranges) {
  Ints starts, sizes, steps;
  for (const Range& r : ranges) starts.push_back(r.start), sizes.push_back(r.size), steps.push_back(r.step);
  return n->emit("slice", {x}, n->attrs().ints("starts", starts).ints("sizes", sizes).ints("steps", steps));
}

std::vector<Range> whole(const Ints& dims) {
  std::vector<Range> ranges;
  for (int64_t d : dims) ranges.push_back({0, d, 1});
  return ranges;
}

bool isSane(Node& n, int64_t step) {
  if (step != 0 && std::abs(step) <= int64_t(1) << 31) return true;
  n->invalid(fmt::format("its step is {}", step));
  return false;
}

void importSlice(Node& n) {
  auto begin = n.optionalInts("begin"), end = n.optionalInts("end"), step = n.optionalInts("step");
  Ints dims = RuleContext::dims(n.x());
  if (begin.size() != end.size() || begin.size() > dims.size() ||
      (!step.empty() && step.size() != begin.size()))
    return n->invalid("its begin, end and step do not fit its input");
  std::vector<Range> ranges = whole(dims);
  for (size_t i = 0; i < begin.size(); ++i) {
    int64_t by = i < step.size() ? step[i].value_or(1) : 1;
    if (!isSane(n, by)) return;
    ranges[i] = rangeOf(begin[i], end[i], by, dims[i]);
  }
  n->set(0, sliced(n, n.x(), ranges));
}

void importSliceAxis(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  int64_t axis = n->axis(n.integer("axis"), static_cast<int64_t>(dims.size()));
  if (n->failed() || dims.empty()) return n->invalid("its input is a scalar");
  std::vector<Range> ranges = whole(dims);
  ranges[static_cast<size_t>(axis)] =
      rangeOf(n.optionalInt("begin"), n.optionalInt("end"), 1, dims[static_cast<size_t>(axis)]);
  n->set(0, sliced(n, n.x(), ranges));
}

// Cut at the end to the size of another tensor, on all axes or those named.
void importSliceLike(Node& n) {
  Ints dims = RuleContext::dims(n.x()), like = RuleContext::dims(n->in(1)), axes = n.ints("axes");
  std::vector<Range> ranges = whole(dims);
  if (axes.empty()) axes = allAxes(static_cast<int64_t>(std::min(dims.size(), like.size())));
  for (int64_t axis : n->axes(axes, static_cast<int64_t>(dims.size()))) {
    size_t at = static_cast<size_t>(axis);
    if (n->failed() || at >= like.size() || like[at] > dims[at])
      return n->invalid(fmt::format("{} cannot be cut to {}", dimsText(dims), dimsText(like)));
    ranges[at].size = like[at];
  }
  n->set(0, sliced(n, n.x(), ranges));
}

// Height and width of the second input or of h_w, at an offset or in the middle.
void importCrop(Node& n) {
  Ints dims = RuleContext::dims(n.x()), size = n.ints("h_w", {0, 0}), offset = n.ints("offset", {0, 0});
  if (n->inputCount() > 1) {
    Ints like = RuleContext::dims(n->in(1));
    size = like.size() == 4 ? Ints{like[2], like[3]} : Ints{};
  }
  if (dims.size() != 4 || size.size() != 2 || offset.size() != 2)
    return n->invalid("its input, h_w or offset has another number of dimensions than it needs");
  std::vector<Range> ranges = whole(dims);
  for (size_t i = 0; i < 2; ++i) {
    int64_t start = n.flag("center_crop") ? (dims[i + 2] - size[i]) / 2 : offset[i];
    if (start < 0 || size[i] < 1 || size[i] > dims[i + 2] - start)
      return n->invalid(fmt::format("{} entries from {} do not fit into {}", size[i], start, dims[i + 2]));
    ranges[i + 2] = {start, size[i], 1};
  }
  n->set(0, sliced(n, n.x(), ranges));
}

void importSplit(Node& n) {
  Value x = n.x();
  int64_t axis = n->axis(n.integer("axis", 1), RuleContext::rank(x)), parts = n.integer("num_outputs", 1);
  if (n->failed() || RuleContext::rank(x) == 0) return n->invalid("its input is a scalar");
  int64_t size = RuleContext::dims(x)[static_cast<size_t>(axis)];
  if (parts < 1 || size % parts)
    return n->invalid(fmt::format("{} entries cannot form {} parts", size, parts));
  for (int i = 0; i < n->outputCount() && i < parts && !n->failed(); ++i) {
    Value part = n->slice(x, axis, i * (size / parts), size / parts);
    n->set(i, n.flag("squeeze_axis") ? n->squeeze(part, axis) : part);
  }
}

// By the places where parts begin, or into as equal parts as possible.
void importSplitAt(Node& n) {
  Value x = n.x();
  int64_t axis = n->axis(n.integer("axis"), RuleContext::rank(x)), sections = n.integer("sections");
  if (n->failed() || RuleContext::rank(x) == 0) return n->invalid("its input is a scalar");
  int64_t size = RuleContext::dims(x)[static_cast<size_t>(axis)];
  Ints begins = n.ints("indices");
  if (sections < 0 || sections > 4096) return n->invalid(fmt::format("it has {} sections", sections));
  if (sections > 0) begins.clear();
  for (int64_t i = 0, at = 0; i < sections; ++i) {
    begins.push_back(at);
    at += size / sections + (i < size % sections);
  }
  if (begins.empty() || begins.front() != 0) begins.insert(begins.begin(), 0);
  begins.push_back(size);
  for (size_t i = 0; i + 1 < begins.size() && static_cast<int>(i) < n->outputCount() && !n->failed(); ++i) {
    Value part = n->slice(x, axis, begins[i], begins[i + 1] - begins[i]);
    n->set(static_cast<int>(i), n.flag("squeeze_axis") ? n->squeeze(part, axis) : part);
  }
}

const OperatorRow kRows[] = {
    {"slice", importSlice},
    {"crop", importSlice},
    {"slice_axis", importSliceAxis},
    {"slice_like", importSliceLike},
    {"Crop", importCrop, "", "model"},
    {"SliceChannel", importSplit},
    {"split", importSplit},
    {"_split_v2", importSplitAt},
};
} // namespace

const OperatorTable<OperatorRow> kSliceOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet
