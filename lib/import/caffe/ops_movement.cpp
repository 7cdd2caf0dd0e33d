// Layers that move data.
#include "lib/import/caffe/operators.h"
#include "lib/import/caffe/rules.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace burin::caffe {

namespace {
// `axis`, or what older files call `legacy`.
int64_t axisOrLegacy(LayerContext& c, const char* legacy) {
  return c.axis(c.params.has(legacy) ? legacy : "axis", 1);
}

void importConcat(LayerContext& c) {
  const int64_t axis = axisOrLegacy(c, "concat_dim");
  std::vector<Value> parts;
  for (int i = 0; i < c.op.inputCount(); ++i) parts.push_back(c.op.in(i));
  c.op.set(0, parts.size() == 1 ? c.x : c.op.concat(parts, axis));
}

// At the given points, else into equal parts.
void importSlice(LayerContext& c) {
  const int64_t axis = axisOrLegacy(c, "slice_dim"), parts = c.op.outputCount();
  if (c.op.failed()) return;
  const int64_t total = c.dims()[static_cast<size_t>(axis)];
  Ints points = c.params.integers("slice_point");
  if (points.empty() && parts > 0 && total % parts == 0)
    for (int64_t i = 1; i < parts; ++i) points.push_back(total / parts * i);
  points.insert(points.begin(), 0);
  points.push_back(total);
  if (static_cast<int64_t>(points.size()) != parts + 1)
    return c.op.invalid(fmt::format("{} cannot be cut into {} parts", total, parts));
  for (int i = 0; i < parts; ++i) {
    const int64_t begin = points[static_cast<size_t>(i)], end = points[static_cast<size_t>(i) + 1];
    if (begin >= end || end > total) return c.op.invalid(fmt::format("a slice_point is {}", end));
    c.op.set(i, c.op.slice(c.x, axis, begin, end - begin));
  }
}

// To the size of the second bottom from `axis` on.
void importCrop(LayerContext& c) {
  const int64_t axis = c.axis("axis", 2);
  Ints offsets = c.params.integers("offset"), sizes = c.dims(), wanted = RuleContext::dims(c.op.in(1));
  if (c.op.failed()) return;
  const size_t cut = sizes.size() - static_cast<size_t>(axis);
  if (wanted.size() != sizes.size()) return c.op.invalid("its bottoms have different numbers of dimensions");
  if (offsets.size() < 2) offsets.assign(cut, offsets.empty() ? 0 : offsets[0]);
  if (offsets.size() != cut) return c.op.invalid(fmt::format("offset needs {} entries", cut));
  Ints starts(sizes.size(), 0);
  for (size_t i = 0; i < cut; ++i) {
    const size_t at = static_cast<size_t>(axis) + i;
    if (offsets[i] < 0 || offsets[i] + wanted[at] > sizes[at])
      return c.op.invalid(
          fmt::format("{} elements from {} on are not in an axis of {}", wanted[at], offsets[i], sizes[at]));
    starts[at] = offsets[i];
    sizes[at] = wanted[at];
  }
  if (sizes == c.dims()) return c.op.set(0, c.x);
  c.op.set(
      0, c.op.emit(
             "slice", {c.x},
             c.op.attrs().ints("starts", starts).ints("sizes", sizes).ints("steps", Ints(sizes.size(), 1))));
}

// `wanted` with 0 for "as before" and -1 for "the rest" replaces the axes [first, last).
std::optional<Ints> reshaped(LayerContext& c, const Ints& wanted, int64_t first, int64_t last) {
  Ints dims = c.dims(), shape(dims.begin(), dims.begin() + first);
  int64_t inferred = -1, known = 1, elements = 1;
  for (int64_t dim : dims) elements *= dim;
  for (size_t i = 0; i < wanted.size(); ++i) {
    int64_t dim = wanted[i];
    const size_t from = static_cast<size_t>(first) + i;
    if (dim == 0 && from < dims.size()) dim = dims[from];
    if (dim == -1 && inferred < 0) inferred = static_cast<int64_t>(shape.size()), dim = 1;
    if (dim < 1) {
      c.op.invalid(fmt::format("shape.dim is {}", wanted[i]));
      return std::nullopt;
    }
    shape.push_back(dim);
  }
  shape.insert(shape.end(), dims.begin() + last, dims.end());
  for (int64_t dim : shape)
    if (__builtin_mul_overflow(known, dim, &known)) known = 0;
  if (inferred >= 0 && known > 0 && elements % known == 0)
    shape[static_cast<size_t>(inferred)] = elements / known;
  else if (known != elements) {
    c.op.invalid(fmt::format("{} cannot become {}", dimsText(dims), dimsText(shape)),
                 "its shape may belong to another input size or batch; see --input-shapes");
    return std::nullopt;
  }
  return shape;
}

void importReshape(LayerContext& c) {
  int64_t first = c.params.integer("axis", 0);
  if (first < 0) first += c.rank() + 1;
  const int64_t count = c.params.integer("num_axes", -1), last = count < 0 ? c.rank() : first + count;
  if (first < 0 || first > c.rank() || last > c.rank())
    return c.op.invalid("its axis or num_axes is out of range");
  auto shape = reshaped(c, c.params.inner("shape").integers("dim"), first, last);
  if (shape) c.op.set(0, c.op.reshape(c.x, *shape));
}

void importFlatten(LayerContext& c) {
  const int64_t first = c.axis("axis", 1), last = c.axis("end_axis", -1);
  if (c.op.failed()) return;
  if (first > last) return c.op.invalid("its axis lies behind its end_axis");
  auto shape = reshaped(c, {-1}, first, last + 1);
  if (shape) c.op.set(0, c.op.reshape(c.x, *shape));
}

// The axes named come first, the others keep their order behind.
void importPermute(LayerContext& c) {
  Ints order = c.params.integers("order");
  for (int64_t i = 0; i < c.rank(); ++i)
    if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
  if (static_cast<int64_t>(order.size()) != c.rank())
    return c.op.invalid("order is no permutation of its axes");
  c.op.set(0, c.op.transpose(c.x, order));
}

void importTile(LayerContext& c) {
  const int64_t axis = c.axis("axis", 1), tiles = c.params.integer("tiles");
  if (tiles < 1) return c.op.invalid(fmt::format("tiles is {}", tiles));
  Ints repeats(static_cast<size_t>(c.rank()), 1);
  if (c.op.failed()) return;
  repeats[static_cast<size_t>(axis)] = tiles;
  c.op.set(0, c.op.emit("tile", {c.x}, c.op.attrs().ints("repeats", repeats)));
}

void importBatchReindex(LayerContext& c) {
  c.op.set(0, c.op.gather(c.x, c.op.cast(c.op.in(1), rt::DType::I64), 0));
}

// Channels of one group end up a group's count apart.
void importShuffleChannel(LayerContext& c) {
  const int64_t groups = c.params.integer("group", 1);
  Ints dims = c.dims();
  if (dims.size() != 4 || groups < 1 || dims[1] % groups)
    return c.op.invalid(fmt::format("{} groups do not divide its channels", groups));
  Value split = c.op.reshape(c.x, {dims[0], groups, dims[1] / groups, dims[2], dims[3]});
  c.op.set(0, c.op.reshape(c.op.transpose(split, {0, 2, 1, 3, 4}), dims));
}

Value resized(LayerContext& c, Value x, int64_t height, int64_t width, const char* mode,
              const char* coordinate) {
  Ints from = RuleContext::dims(x);
  const float tall = static_cast<float>(height) / static_cast<float>(from[2]),
              wide = static_cast<float>(width) / static_cast<float>(from[3]);
  return c.op.emit("resize", {x},
                   c.op.attrs()
                       .s("mode", mode)
                       .ints("sizes", {from[0], from[1], height, width})
                       .floats("scales", {1, 1, tall, wide})
                       .s("coordinate", coordinate)
                       .s("nearest", "floor"));
}

// Pixels repeated; with a second bottom (the places of the maxima of a pooling) scattered.
void importUpsample(LayerContext& c) {
  Ints dims = c.dims();
  const int64_t scale = c.params.integer("scale", 2);
  if (dims.size() != 4) return c.op.invalid("its input is no picture");
  if (scale < 1 || scale > 1 << 12) return c.op.invalid(fmt::format("scale is {}", scale));
  dims[2] = c.params.integer("upsample_h", dims[2] * scale);
  dims[3] = c.params.integer("upsample_w", dims[3] * scale);
  if (!c.op.has(1)) return c.op.set(0, resized(c, c.x, dims[2], dims[3], "nearest", "asymmetric"));
  c.op.set(0, c.op.emit("max_unpool", {c.x, c.op.in(1)}, c.op.attrs().ints("sizes", dims)));
}

// The size that an Interp layer gives one axis of `in` elements.
int64_t interpolated(LayerContext& c, int64_t in, const char* size) {
  const int64_t shrink = c.params.integer("shrink_factor", 1), zoom = c.params.integer("zoom_factor", 1);
  if (shrink < 1 || zoom < 1 || zoom > 1 << 12) {
    c.op.invalid(fmt::format("shrink_factor is {} and zoom_factor {}", shrink, zoom));
    return 1;
  }
  if (!c.params.has("shrink_factor") && !c.params.has("zoom_factor")) return c.params.integer(size, in);
  in = (in - 1) / shrink + 1;
  return in + (in - 1) * (zoom - 1);
}

// Bilinear with the corners on each other, after cropping (a negative pad).
void importInterp(LayerContext& c) {
  Ints dims = c.dims();
  if (dims.size() != 4) return c.op.invalid("its input is no picture");
  const int64_t before = c.params.integer("pad_beg", 0), behind = c.params.integer("pad_end", 0);
  if (before > 0 || behind > 0)
    return c.op.invalid("pad_beg and pad_end may only crop, they cannot be positive");
  Value x = c.x;
  for (int64_t axis = 2; axis < 4 && (before || behind); ++axis) {
    const int64_t left = dims[static_cast<size_t>(axis)] + before + behind;
    if (left < 1) return c.op.invalid("pad_beg and pad_end leave nothing");
    x = c.op.slice(x, axis, -before, left);
  }
  dims = RuleContext::dims(x);
  if (c.op.failed()) return;
  Ints like = c.op.has(1) ? RuleContext::dims(c.op.in(1)) : Ints();
  if (c.op.has(1) && like.size() != 4) return c.op.invalid("its second bottom is no picture");
  const int64_t height = like.empty() ? interpolated(c, dims[2], "height") : like[2];
  const int64_t width = like.empty() ? interpolated(c, dims[3], "width") : like[3];
  if (height < 1 || width < 1) return c.op.invalid(fmt::format("its output would be {}x{}", height, width));
  if (c.op.failed()) return;
  c.op.set(0, resized(c, x, height, width, "linear", "align_corners"));
}

const LayerRow kRows[] = {
    {"Concat", importConcat, "concat_param", 1, kAny, "model"},
    {"Slice", importSlice, "slice_param", 1, 1, "fixture"},
    {"Crop", importCrop, "crop_param", 2, 2, "model"},
    {"Reshape", importReshape, "reshape_param", 1, 1, "model"},
    {"Flatten", importFlatten, "flatten_param", 1, 1, "fixture"},
    {"Permute", importPermute, "permute_param", 1, 1, "model"},
    {"Tile", importTile, "tile_param", 1, 1, "fixture"},
    {"BatchReindex", importBatchReindex, "", 2, 2, "fixture"},
    {"ShuffleChannel", importShuffleChannel, "shuffle_channel_param", 1, 1, "fixture"},
    {"Upsample", importUpsample, "upsample_param", 1, 2, "fixture"},
    {"Interp", importInterp, "interp_param", 1, 2, "fixture"},
};
} // namespace

const OperatorTable<LayerRow> kMovementLayers = {kRows, std::size(kRows)};

} // namespace burin::caffe
