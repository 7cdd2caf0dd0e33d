// Reshape, transpose, concat, split, slice, pad, tile and their kin.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::paddle {

namespace {
int64_t elements(const Ints& dims) { return product(dims, 0, dims.size()); }

// 0 copies the dimension, -1 takes what is left.
void importReshape(Node& n) {
  auto wanted = n.intsOr("shape", "Shape", "ShapeTensor");
  if (!wanted) return;
  Ints dims = RuleContext::dims(n.in("X")), shape = *wanted;
  int64_t known = 1, open = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && i < dims.size()) shape[i] = dims[i];
    if (shape[i] < -1 || (shape[i] == -1 && open >= 0) ||
        (shape[i] > 0 && known > (int64_t(1) << 40) / shape[i]))
      return n->invalid(fmt::format("its shape {} is not possible", dimsText(*wanted)));
    if (shape[i] == -1)
      open = static_cast<int64_t>(i);
    else
      known *= shape[i];
  }
  if (open >= 0) shape[static_cast<size_t>(open)] = known ? elements(dims) / known : 0;
  n.set("Out", n->reshape(n.in("X"), shape));
}

void importTranspose(Node& n) { n.set("Out", n->transpose(n.in("X"), n.ints("axis"))); }

void importFlatten(Node& n) {
  Ints dims = RuleContext::dims(n.in("X"));
  int64_t axis = n.integer("axis", 1);
  if (axis < 0 || axis > static_cast<int64_t>(dims.size()))
    return n->invalid("attribute 'axis' is out of range");
  size_t at = static_cast<size_t>(axis);
  n.set("Out", n->reshape(n.in("X"), {product(dims, 0, at), product(dims, at, dims.size())}));
}

void importFlattenRange(Node& n) {
  Ints dims = RuleContext::dims(n.in("X"));
  int64_t rank = static_cast<int64_t>(dims.size());
  if (rank == 0) return n.set("Out", n->reshape(n.in("X"), {1}));
  int64_t start = n->axis(n.integer("start_axis", 1), rank), stop = n->axis(n.integer("stop_axis", 1), rank);
  if (n->failed()) return;
  if (start > stop) return n->invalid("its start_axis lies behind its stop_axis");
  Ints shape(dims.begin(), dims.begin() + start);
  shape.push_back(product(dims, static_cast<size_t>(start), static_cast<size_t>(stop) + 1));
  shape.insert(shape.end(), dims.begin() + stop + 1, dims.end());
  n.set("Out", n->reshape(n.in("X"), shape));
}

// The named axes that are 1; without names all of them.
void importSqueeze(Node& n) {
  auto given = n.intsOr("axes", "AxesTensor", "AxesTensorList");
  if (!given) return;
  Ints dims = RuleContext::dims(n.in("X")), shape;
  int64_t rank = static_cast<int64_t>(dims.size());
  Ints axes = given->empty() ? allAxes(rank) : n->axes(*given, rank);
  for (int64_t i = 0; i < rank; ++i)
    if (dims[static_cast<size_t>(i)] != 1 || std::find(axes.begin(), axes.end(), i) == axes.end())
      shape.push_back(dims[static_cast<size_t>(i)]);
  n.set("Out", n->reshape(n.in("X"), shape));
}

// One after the other, each counted in the shape so far.
void importUnsqueeze(Node& n) {
  auto axes = n.intsOr("axes", "AxesTensor", "AxesTensorList");
  if (!axes) return;
  Ints shape = RuleContext::dims(n.in("X"));
  for (int64_t given : *axes) {
    int64_t axis = n->axis(given, static_cast<int64_t>(shape.size()) + 1);
    if (n->failed() || shape.size() >= static_cast<size_t>(rt::kMaxRank))
      return n->invalid("it adds more axes than are supported");
    shape.insert(shape.begin() + axis, 1);
  }
  n.set("Out", n->reshape(n.in("X"), shape));
}

void importConcat(Node& n) {
  auto axis = n.integerOr("axis", 0, "AxisTensor");
  std::vector<Value> xs = n.list("X");
  if (!axis || xs.empty()) return n->invalid("it has nothing to join");
  n.set("Out", n->concat(xs, n->axis(*axis, RuleContext::rank(xs.front()))));
}

void importStack(Node& n) {
  std::vector<Value> xs = n.list("X");
  if (xs.empty()) return n->invalid("it has nothing to join");
  int64_t axis = n->axis(n.integer("axis"), RuleContext::rank(xs.front()) + 1);
  for (Value& x : xs) x = n->unsqueeze(x, axis);
  n.set("Y", n->concat(xs, axis));
}

void importUnstack(Node& n) {
  Value x = n.in("X");
  int64_t axis = n->axis(n.integer("axis"), RuleContext::rank(x));
  const char* slot = n.type() == "unbind" ? "Out" : "Y";
  for (int i = 0; i < n.outputCount(slot) && !n->failed(); ++i)
    n.set(slot, n->squeeze(n->slice(x, axis, i, 1), axis), i);
}

// Into `num` equal parts, or parts of these sizes, one of which may be -1.
void importSplit(Node& n) {
  Value x = n.in("X");
  auto given = n.integerOr("axis", 0, "AxisTensor");
  auto sections = n.intsOr("sections", nullptr, "SectionsTensorList");
  if (!given || !sections) return;
  int64_t axis = n->axis(*given, RuleContext::rank(x)), count = n.outputCount("Out");
  if (n->failed() || !count) return;
  int64_t size = RuleContext::dims(x)[static_cast<size_t>(axis)], rest = size;
  if (sections->empty()) {
    if (size % count)
      return n->invalid(fmt::format("{} entries cannot be split into {} equal parts", size, count));
    sections->assign(static_cast<size_t>(count), size / count);
  }
  if (static_cast<int64_t>(sections->size()) != count)
    return n->invalid(fmt::format("it has {} sections and {} results", sections->size(), count));
  for (int64_t s : *sections) rest -= std::clamp<int64_t>(s, 0, size);
  for (int64_t i = 0, at = 0; i < count && !n->failed(); ++i) {
    int64_t part = (*sections)[static_cast<size_t>(i)] < 0 ? rest : (*sections)[static_cast<size_t>(i)];
    if (part < 0 || part > size - at)
      return n->invalid(fmt::format("its sections do not fit into {} entries", size));
    n.set("Out", n->slice(x, axis, at, part), static_cast<int>(i));
    at += part;
  }
}

struct Range {
  int64_t start, size;
};

// [start, end) in steps: negative positions count from the end, and all are cut to the axis.
Range clampRange(int64_t start, int64_t end, int64_t step, int64_t dim) {
  auto place = [&](int64_t v, int64_t low, int64_t high) {
    return std::clamp(v < 0 ? v + dim : v, low, high);
  };
  if (step > 0) {
    start = place(start, 0, dim), end = place(end, 0, dim);
    return {start, std::max<int64_t>((end - start + step - 1) / step, 0)};
  }
  // An end before the first entry can only be written as -(dim + 1) or less.
  start = place(start, -1, dim - 1), end = place(end, -1, dim - 1);
  return {std::max<int64_t>(start, 0), std::max<int64_t>((start - end - step - 1) / -step, 0)};
}

void importSlice(Node& n) {
  bool strided = n.type() == "strided_slice";
  Value x = n.in(strided || n.has("Input") ? "Input" : "X");
  auto starts = n.intsOr("starts", "StartsTensor", "StartsTensorList");
  auto ends = n.intsOr("ends", "EndsTensor", "EndsTensorList");
  auto steps = strided ? n.intsOr("strides", "StridesTensor", "StridesTensorList") : Ints();
  if (!starts || !ends || !steps) return;
  Ints axes = n.ints("axes"), dims = RuleContext::dims(x);
  if (steps->empty()) steps->assign(axes.size(), 1);
  if (starts->size() != axes.size() || ends->size() != axes.size() || steps->size() != axes.size())
    return n->invalid("its axes, starts, ends and strides have different lengths");
  Ints begin(dims.size(), 0), sizes = dims, step(dims.size(), 1);
  for (size_t i = 0; i < axes.size(); ++i) {
    size_t axis = static_cast<size_t>(n->axis(axes[i], static_cast<int64_t>(dims.size())));
    constexpr int64_t kFar = int64_t(1) << 40;
    if (n->failed()) return;
    if ((*steps)[i] == 0 || std::abs((*steps)[i]) > kFar)
      return n->invalid("its stride is 0 or out of range");
    Range range = clampRange(std::clamp((*starts)[i], -kFar, kFar), std::clamp((*ends)[i], -kFar, kFar),
                             (*steps)[i], dims[axis]);
    begin[axis] = range.start, sizes[axis] = range.size, step[axis] = (*steps)[i];
  }
  Value y = n->emit("slice", {x}, n->attrs().ints("starts", begin).ints("sizes", sizes).ints("steps", step));
  Ints shape, dropped = n.ints("decrease_axis");
  for (size_t i = 0; i < sizes.size(); ++i)
    if (std::find(dropped.begin(), dropped.end(), static_cast<int64_t>(i)) == dropped.end())
      shape.push_back(sizes[i]);
  // Older programs have no scalars.
  if (auto declared = n.declaredShape("Out"); shape.empty() && !(declared && declared->empty())) shape = {1};
  n.set("Out", n->reshape(y, shape));
}

// To a shape: -1 keeps a dimension, new ones come in front.
void importExpand(Node& n) {
  auto wanted = n.intsOr("shape", "Shape", "expand_shapes_tensor");
  if (!wanted) return;
  Ints dims = RuleContext::dims(n.in("X")), shape = *wanted;
  if (shape.size() < dims.size()) return n->invalid("its shape has fewer dimensions than its input");
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == -1 && i + dims.size() >= shape.size()) shape[i] = dims[i + dims.size() - shape.size()];
  n.set("Out", n->expand(n.in("X"), shape));
}

void importExpandAs(Node& n) {
  Ints shape = n.has("Y") ? RuleContext::dims(n.in("Y")) : n.ints("target_shape");
  n.set("Out", n->expand(n.in("X"), shape));
}

void importTile(Node& n) {
  auto repeats = n.type() == "expand" ? n.intsOr("expand_times", "ExpandTimes", "expand_times_tensor")
                                      : n.intsOr("repeat_times", "RepeatTimes", "repeat_times_tensor");
  if (!repeats) return;
  Ints dims = RuleContext::dims(n.in("X"));
  while (dims.size() < repeats->size()) dims.insert(dims.begin(), 1);
  while (repeats->size() < dims.size()) repeats->insert(repeats->begin(), 1);
  n.set("Out", n->emit("tile", {n->reshape(n.in("X"), dims)}, n->attrs().ints("repeats", *repeats)));
}

void importFlip(Node& n) {
  Ints dims = RuleContext::dims(n.in("X")), starts(dims.size(), 0), steps(dims.size(), 1);
  Ints axes = n->axes(n.ints("axis"), static_cast<int64_t>(dims.size()));
  if (n->failed()) return;
  for (int64_t axis : axes)
    starts[static_cast<size_t>(axis)] = std::max<int64_t>(dims[static_cast<size_t>(axis)] - 1, 0),
    steps[static_cast<size_t>(axis)] = -1;
  n.set("Out", n->emit("slice", {n.in("X")},
                       n->attrs().ints("starts", starts).ints("sizes", dims).ints("steps", steps)));
}

void importRoll(Node& n) {
  Value x = n.in("X");
  auto shifts = n.intsOr("shifts", "ShiftsTensor");
  if (!shifts) return;
  Ints axes = n.ints("axis"), dims = RuleContext::dims(x);
  if (axes.empty()) x = n->reshape(x, {elements(dims)}), axes = {0};
  if (axes.size() != shifts->size()) return n->invalid("it has another number of shifts than of axes");
  for (size_t i = 0; i < axes.size() && !n->failed(); ++i) {
    int64_t axis = n->axis(axes[i], RuleContext::rank(x));
    if (n->failed() || RuleContext::rank(x) == 0) return;
    int64_t size = RuleContext::dims(x)[static_cast<size_t>(axis)];
    int64_t shift = size ? (((*shifts)[i] % size) + size) % size : 0;
    if (shift)
      x = n->concat({n->slice(x, axis, size - shift, shift), n->slice(x, axis, 0, size - shift)}, axis);
  }
  n.set("Out", n->reshape(x, dims));
}

// Pads of the last axes, written last axis first (pad3d) or height first (pad2d).
void importPadSpatial(Node& n) {
  Value x = n.in("X");
  auto given = n.intsOr("paddings", "Paddings");
  if (!given) return;
  bool heightFirst = n.type() == "pad2d", isLast = isChannelsLast(n);
  size_t rank = static_cast<size_t>(RuleContext::rank(x)), spatial = given->size() / 2;
  if (given->size() % 2 || rank < spatial + 2)
    return n->invalid(fmt::format("attribute 'paddings' has {} entries", given->size()));
  Ints pads(2 * rank, 0);
  for (size_t i = 0; i < spatial; ++i) {
    size_t axis = (isLast ? 1 : 2) + (heightFirst ? i : spatial - 1 - i);
    pads[axis] = (*given)[2 * i], pads[axis + rank] = (*given)[2 * i + 1];
  }
  std::string mode = n.text("mode", "constant");
  if (mode == "replicate") mode = "edge";
  if (mode == "circular") mode = "wrap";
  nn::AttrList list = n->attrs();
  list.ints("pads", pads).s("mode", mode);
  if (mode == "constant") list.f("value", n.real(heightFirst ? "pad_value" : "value"));
  n.set("Out", n->emit("pad", {x}, list));
}

// Begin and end of every axis in turn.
void importPad(Node& n) {
  Ints given = n.ints("paddings");
  size_t rank = static_cast<size_t>(RuleContext::rank(n.in("X")));
  if (given.size() != 2 * rank)
    return n->invalid(fmt::format("attribute 'paddings' has {} entries", given.size()));
  Ints pads(2 * rank);
  for (size_t i = 0; i < rank; ++i) pads[i] = given[2 * i], pads[i + rank] = given[2 * i + 1];
  n.set("Out", n->emit("pad", {n.in("X")},
                       n->attrs().ints("pads", pads).s("mode", "constant").f("value", n.real("pad_value"))));
}

void importPixelShuffle(Node& n) {
  bool isLast = isChannelsLast(n);
  Value x = isLast ? channelsFirst(n.context(), n.in("X")) : n.in("X");
  Value y =
      n->emit("depth_to_space", {x}, n->attrs().i("block", n.integer("upscale_factor", 1)).s("mode", "crd"));
  n.set("Out", isLast ? channelsLast(n.context(), y) : y);
}

void importSpaceToDepth(Node& n) {
  n.set("Out", n->emit("space_to_depth", {n.in("X")}, n->attrs().i("block", n.integer("blocksize", 1))));
}

// Channels seen as [groups, rest] change sides.
void importShuffleChannel(Node& n) {
  Value x = n.in("X");
  Ints dims = RuleContext::dims(x);
  int64_t groups = n.integer(n.type() == "channel_shuffle" ? "groups" : "group", 1);
  if (dims.size() != 4 || groups < 1 || dims[1] % groups)
    return n->invalid("its channels cannot form the groups");
  x = n->reshape(x, {dims[0], groups, dims[1] / groups, dims[2], dims[3]});
  n.set("Out", n->reshape(n->transpose(x, {0, 2, 1, 3, 4}), dims));
}

const OperatorRow kRows[] = {
    {"reshape", importReshape},
    {"reshape2", importReshape, "", "model"},
    {"transpose", importTranspose},
    {"transpose2", importTranspose},
    {"flatten", importFlatten},
    {"flatten2", importFlatten},
    {"flatten_contiguous_range", importFlattenRange, "", "model"},
    {"squeeze", importSqueeze},
    {"squeeze2", importSqueeze},
    {"unsqueeze", importUnsqueeze},
    {"unsqueeze2", importUnsqueeze},
    {"concat", importConcat},
    {"stack", importStack},
    {"unstack", importUnstack},
    {"unbind", importUnstack},
    {"split", importSplit},
    {"slice", importSlice, "", "model"},
    {"strided_slice", importSlice},
    {"expand", importTile},
    {"expand_v2", importExpand},
    {"expand_as_v2", importExpandAs},
    {"tile", importTile},
    {"flip", importFlip},
    {"roll", importRoll},
    {"pad", importPad},
    {"pad2d", importPadSpatial},
    {"pad3d", importPadSpatial},
    {"pixel_shuffle", importPixelShuffle},
    {"space_to_depth", importSpaceToDepth},
    {"shuffle_channel", importShuffleChannel},
    {"channel_shuffle", importShuffleChannel},
};
} // namespace

const OperatorTable<OperatorRow> kMovementOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
