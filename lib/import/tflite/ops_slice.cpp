// Parts of tensors.
#include "lib/import/tflite/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::tflite {

namespace {
// Begin and size of every axis; a size of -1 reaches to the end.
void importSlice(NodeContext& c) {
  auto begin = c.constantInts(1, "begin"), size = c.constantInts(2, "size");
  if (!begin || !size) return;
  Ints dims = NodeContext::dims(c.in(0));
  if (begin->size() != dims.size() || size->size() != dims.size())
    return c.invalid("its begin and size do not fit its input");
  for (size_t i = 0; i < dims.size(); ++i) {
    if ((*size)[i] == -1) (*size)[i] = dims[i] - (*begin)[i];
    if ((*begin)[i] < 0 || (*begin)[i] > dims[i] || (*size)[i] < 0 || (*size)[i] > dims[i] - (*begin)[i])
      return c.invalid(fmt::format("axis {} has no part of {} from {} on", i, (*size)[i], (*begin)[i]));
  }
  c.give(0,
         c.emit("slice", {c.real(0)},
                c.attrs().ints("starts", *begin).ints("sizes", *size).ints("steps", Ints(dims.size(), 1))));
}

// The entry of a STRIDED_SLICE for one axis of the input, or for a new axis.
struct Cut {
  int64_t start = 0, size = 0, step = 1;
  bool drops = false; // its axis
};

struct StridedSlice {
  Ints begin, end, stride;
  int32_t beginMask, endMask, ellipsisMask, newMask, shrinkMask;
  bool offset;
};

bool bit(int32_t mask, size_t i) { return i < 32 && (mask >> i & 1); }

// Positions below zero count from the end, positions outside the axis are clamped to it.
std::optional<Cut> cutOf(NodeContext& c, const StridedSlice& s, size_t i, int64_t dim) {
  const int64_t step = s.stride[i];
  auto wrapped = [&](int64_t p) { return p < 0 ? p + dim : p; };
  if (bit(s.shrinkMask, i)) {
    const int64_t at = wrapped(s.begin[i]);
    if (at >= 0 && at < dim) return Cut{at, 1, 1, true};
    c.invalid(fmt::format("its entry {} takes index {} of {}", i, s.begin[i], dim));
    return std::nullopt;
  }
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? dim : dim - 1;
  const int64_t first =
      bit(s.beginMask, i) ? (step > 0 ? low : high) : std::clamp(wrapped(s.begin[i]), low, high);
  const int64_t stop = s.offset ? wrapped(s.begin[i]) + s.end[i] : wrapped(s.end[i]);
  const int64_t last = bit(s.endMask, i) ? (step > 0 ? high : low) : std::clamp(stop, low, high);
  const int64_t span = step > 0 ? last - first : first - last, stride = step > 0 ? step : -step;
  const int64_t size = span > 0 ? (span + stride - 1) / stride : 0;
  return Cut{size ? first : 0, size, size > 1 ? step : 1, false};
}

std::optional<StridedSlice> readStridedSlice(NodeContext& c) {
  auto begin = c.constantInts(1, "begin"), end = c.constantInts(2, "end"),
       stride = c.constantInts(3, "strides");
  if (!begin || !end || !stride) return std::nullopt;
  const auto& o = c.options<tfl::StridedSliceOptions>();
  if (begin->size() != end->size() || begin->size() != stride->size() || begin->size() > 32 ||
      std::find(stride->begin(), stride->end(), 0) != stride->end()) {
    c.invalid("its begin, end and strides do not fit together");
    return std::nullopt;
  }
  for (Ints* list : {&*begin, &*end, &*stride})
    for (int64_t& v : *list) v = std::clamp(v, -(int64_t(1) << 40), int64_t(1) << 40);
  return StridedSlice{*begin,
                      *end,
                      *stride,
                      o.begin_mask(),
                      o.end_mask(),
                      o.ellipsis_mask(),
                      o.new_axis_mask(),
                      o.shrink_axis_mask(),
                      o.offset()};
}

void importStridedSlice(NodeContext& c) {
  auto s = readStridedSlice(c);
  if (!s) return;
  Ints dims = NodeContext::dims(c.in(0)), starts, sizes, steps, shape;
  const size_t entries = s->begin.size();
  size_t news = 0, ellipses = 0;
  for (size_t i = 0; i < entries; ++i) {
    ellipses += bit(s->ellipsisMask, i);
    news += bit(s->newMask, i) && !bit(s->ellipsisMask, i);
  }
  const size_t named = entries - news - ellipses;
  if (ellipses > 1 || named > dims.size()) return c.invalid("its entries do not fit its input");
  auto takeWhole = [&](size_t count) {
    for (; count > 0; --count) {
      shape.push_back(dims[starts.size()]);
      sizes.push_back(dims[starts.size()]), steps.push_back(1), starts.push_back(0);
    }
  };
  for (size_t i = 0; i < entries; ++i) {
    if (bit(s->ellipsisMask, i)) {
      takeWhole(dims.size() - named);
    } else if (bit(s->newMask, i)) {
      shape.push_back(1);
    } else {
      auto cut = cutOf(c, *s, i, dims[starts.size()]);
      if (!cut) return;
      starts.push_back(cut->start), sizes.push_back(cut->size), steps.push_back(cut->step);
      if (!cut->drops) shape.push_back(cut->size);
    }
  }
  takeWhole(dims.size() - starts.size());
  Value y = c.emit("slice", {c.real(0)},
                   c.attrs().ints("starts", starts).ints("sizes", sizes).ints("steps", steps));
  c.give(0, c.reshape(y, shape));
}

void giveParts(NodeContext& c, Value x, int64_t axis, const Ints& sizes) {
  int64_t at = 0;
  for (int i = 0; i < c.outputCount() && !c.failed(); ++i) {
    const int64_t size = sizes[static_cast<size_t>(i)];
    if (c.wants(i)) c.give(i, c.slice(x, axis, at, size));
    at += size;
  }
}

// Axis, tensor: equal parts.
void importSplit(NodeContext& c) {
  auto given = c.constantInt(0, "axis");
  if (!given) return;
  Value x = c.real(1);
  const int64_t axis = c.axis(*given, NodeContext::rank(x)), parts = c.outputCount();
  if (c.failed()) return;
  const int64_t size = NodeContext::dims(x)[static_cast<size_t>(axis)];
  if (parts < 1 || size % parts)
    return c.invalid(fmt::format("{} cannot be split into {} equal parts", size, parts));
  giveParts(c, x, axis, Ints(static_cast<size_t>(parts), size / parts));
}

// Tensor, sizes (one may be -1), axis.
void importSplitV(NodeContext& c) {
  auto sizes = c.constantInts(1, "sizes");
  auto given = c.constantInt(2, "axis");
  if (!sizes || !given) return;
  Value x = c.real(0);
  const int64_t axis = c.axis(*given, NodeContext::rank(x));
  if (c.failed()) return;
  const int64_t size = NodeContext::dims(x)[static_cast<size_t>(axis)];
  int64_t sum = 0, *open = nullptr;
  for (int64_t& part : *sizes) {
    if (part < -1 || part > size || (part == -1 && open))
      return c.invalid(fmt::format("a part of {} is not possible", part));
    if (part == -1)
      open = &part;
    else
      sum += part;
  }
  if (open) *open = size - sum, sum = size;
  if (sum != size || (open && *open < 0) || static_cast<int>(sizes->size()) != c.outputCount())
    return c.invalid(fmt::format("its {} parts do not add up to {}", sizes->size(), size));
  giveParts(c, x, axis, *sizes);
}

const OperatorRow kRows[] = {
    {"SLICE", importSlice, 3, 3, "fixture"},
    {"STRIDED_SLICE", importStridedSlice, 4, 4, "model"},
    {"SPLIT", importSplit, 2, 2, "fixture"},
    {"SPLIT_V", importSplitV, 3, 3, "fixture"},
};
} // namespace

const OperatorTable<OperatorRow> kSliceOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite
