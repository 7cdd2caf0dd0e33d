// Operators that move data without looking at it.
#include "lib/import/tflite/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::tflite {

namespace {
Ints toInts(const flatbuffers::Vector<int32_t>* stored) {
  return stored ? Ints(stored->begin(), stored->end()) : Ints();
}

// One entry may be -1. False: that is no shape for so many elements.
bool fillOpenDim(Ints& shape, int64_t elements) {
  int64_t known = 1, *open = nullptr;
  for (int64_t& d : shape) {
    if (d < -1 || (d == -1 && open) || (d > 0 && known > (int64_t(1) << 40) / d)) return false;
    if (d == -1)
      open = &d;
    else
      known *= d;
  }
  if (open) *open = known > 0 ? elements / known : 0;
  return product(shape) == elements;
}

// The shape is the second input, or an option of old files.
void importReshape(NodeContext& c) {
  Ints shape = toInts(c.options<tfl::ReshapeOptions>().new_shape());
  if (c.has(1)) {
    auto given = c.constantInts(1, "shape");
    if (!given) return;
    shape = *given;
  }
  Ints from = NodeContext::dims(c.in(0)), wanted = shape;
  if (!fillOpenDim(shape, product(from)))
    return c.invalid(fmt::format("{} cannot become {}", dimsText(from), dimsText(wanted)),
                     "shapes that the file fixes stay as they are under --input-shapes");
  c.give(0, c.reshape(c.real(0), shape));
}

void importSqueeze(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0)), shape;
  Ints axes = c.axes(toInts(c.options<tfl::SqueezeOptions>().squeeze_dims()), NodeContext::rank(c.in(0)));
  if (c.failed()) return;
  for (size_t i = 0; i < dims.size(); ++i) {
    const bool named = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(i));
    if (named && dims[i] != 1) return c.invalid(fmt::format("axis {} of {} is not 1", i, dimsText(dims)));
    if (dims[i] != 1 || !(named || axes.empty())) shape.push_back(dims[i]);
  }
  c.give(0, c.reshape(c.real(0), shape));
}

void importExpandDims(NodeContext& c) {
  auto axis = c.constantInt(1, "axis");
  if (!axis) return;
  int64_t at = c.axis(*axis, NodeContext::rank(c.in(0)) + 1);
  if (!c.failed()) c.give(0, c.unsqueeze(c.real(0), at));
}

void importTranspose(NodeContext& c) {
  auto perm = c.constantInts(1, "permutation");
  if (!perm) return;
  if (!perm->empty() && std::is_sorted(perm->begin(), perm->end()) &&
      static_cast<int64_t>(perm->size()) != NodeContext::rank(c.in(0)))
    return c.invalid("its permutation does not fit its input");
  c.give(0, c.emit("transpose", {c.real(0)}, c.attrs().ints("perm", *perm)));
}

void importConcatenation(NodeContext& c) {
  const auto& o = c.options<tfl::ConcatenationOptions>();
  std::vector<Value> parts;
  for (int i = 0; i < c.inputCount(); ++i) parts.push_back(c.real(i));
  int64_t axis = c.axis(o.axis(), NodeContext::rank(parts[0]));
  if (!c.failed()) c.give(0, c.activated(c.concat(parts, axis), o.activation()));
}

void importPack(NodeContext& c) {
  int64_t axis = c.axis(c.options<tfl::PackOptions>().axis(), NodeContext::rank(c.in(0)) + 1);
  std::vector<Value> parts;
  for (int i = 0; i < c.inputCount() && !c.failed(); ++i) {
    if (NodeContext::rank(c.in(i)) < axis) return c.invalid("its inputs differ in shape");
    parts.push_back(c.unsqueeze(c.real(i), axis));
  }
  if (!c.failed()) c.give(0, c.concat(parts, axis));
}

void importUnpack(NodeContext& c) {
  Value x = c.real(0);
  int64_t axis = c.axis(c.options<tfl::UnpackOptions>().axis(), NodeContext::rank(x));
  if (c.failed()) return;
  if (NodeContext::dims(x)[static_cast<size_t>(axis)] < c.outputCount())
    return c.invalid(fmt::format("{} has no {} parts along axis {}", dimsText(NodeContext::dims(x)),
                                 c.outputCount(), axis));
  for (int i = 0; i < c.outputCount() && !c.failed(); ++i)
    if (c.wants(i)) c.give(i, c.squeeze(c.slice(x, axis, i, 1), axis));
}

// Rows (before, after), one per axis, as nn.pad writes them.
std::optional<Ints> readPads(NodeContext& c, size_t rank) {
  auto rows = c.constantInts(1, "paddings");
  if (!rows) return std::nullopt;
  Ints pads(2 * rank, 0);
  if (rows->size() != pads.size()) {
    c.invalid(fmt::format("it has {} paddings for {} axes", rows->size(), rank));
    return std::nullopt;
  }
  for (size_t i = 0; i < rows->size(); ++i) {
    if ((*rows)[i] < 0 || (*rows)[i] > (int64_t(1) << 31)) {
      c.invalid(fmt::format("a padding is {}", (*rows)[i]));
      return std::nullopt;
    }
    pads[i / 2 + (i % 2 ? rank : 0)] = (*rows)[i];
  }
  return pads;
}

// A constant that may be quantized, as one real number.
std::optional<float> constantReal(NodeContext& c, int i, const char* what) {
  const TensorFacts* facts = c.tensor(i);
  if (!facts || !facts->quantization) return c.constantFloat(i, what);
  auto integer = c.constantInt(i, what);
  if (!integer) return std::nullopt;
  const Quantization& q = *facts->quantization;
  return static_cast<float>(*integer - q.zeroPoint[0]) * q.scale[0];
}

void importPad(NodeContext& c) {
  Value x = c.real(0);
  auto pads = readPads(c, static_cast<size_t>(NodeContext::rank(x)));
  if (!pads) return;
  nn::AttrList list = c.attrs();
  list.ints("pads", *pads).s("mode", "constant");
  if (c.has(2)) {
    auto value = constantReal(c, 2, "padding value");
    if (!value) return;
    list.f("value", *value);
  }
  c.give(0, c.emit("pad", {x}, list));
}

// The border's own elements mirrored: the first `before` reversed, x, the last `after` reversed.
Value mirrored(NodeContext& c, Value x, int64_t axis, int64_t before, int64_t after) {
  const int64_t size = NodeContext::dims(x)[static_cast<size_t>(axis)];
  if (before > size || after > size) {
    c.invalid(fmt::format("a padding of {} is longer than axis {}", std::max(before, after), axis));
    return {};
  }
  std::vector<Value> parts;
  if (before) parts.push_back(c.slice(x, axis, before - 1, before, -1));
  parts.push_back(x);
  if (after) parts.push_back(c.slice(x, axis, size - 1, after, -1));
  return parts.size() == 1 ? x : c.concat(parts, axis);
}

void importMirrorPad(NodeContext& c) {
  Value x = c.real(0);
  const size_t rank = static_cast<size_t>(NodeContext::rank(x));
  auto pads = readPads(c, rank);
  if (!pads) return;
  if (c.options<tfl::MirrorPadOptions>().mode() == tfl::MirrorPadMode::REFLECT)
    return c.give(0, c.emit("pad", {x}, c.attrs().ints("pads", *pads).s("mode", "reflect")));
  for (size_t axis = 0; axis < rank && !c.failed(); ++axis)
    x = mirrored(c, x, static_cast<int64_t>(axis), (*pads)[axis], (*pads)[axis + rank]);
  c.give(0, x);
}

void importSpaceToDepth(NodeContext& c) {
  Value y = c.emit("space_to_depth", {c.channelsFirst(c.real(0))},
                   c.attrs().i("block", c.options<tfl::SpaceToDepthOptions>().block_size()));
  c.give(0, c.channelsLast(y));
}

void importDepthToSpace(NodeContext& c) {
  Value y = c.emit("depth_to_space", {c.channelsFirst(c.real(0))},
                   c.attrs().i("block", c.options<tfl::DepthToSpaceOptions>().block_size()).s("mode", "dcr"));
  c.give(0, c.channelsLast(y));
}

struct Blocks {
  Ints size, before, after; // per spatial axis
};

// Block sizes and the paddings (or crops) of the axes behind the batch.
std::optional<Blocks> readBlocks(NodeContext& c) {
  auto size = c.constantInts(1, "block shape"), rows = c.constantInts(2, "paddings");
  if (!size || !rows) return std::nullopt;
  Blocks blocks{*size, {}, {}};
  bool good =
      rows->size() == 2 * size->size() && static_cast<int64_t>(size->size()) < NodeContext::rank(c.in(0));
  for (int64_t b : *size) good &= b >= 1 && b <= (1 << 20);
  for (int64_t p : *rows) good &= p >= 0 && p <= (1 << 20);
  if (!good) {
    c.invalid("its block shape and paddings do not fit its input");
    return std::nullopt;
  }
  for (size_t i = 0; i < size->size(); ++i) {
    blocks.before.push_back((*rows)[2 * i]);
    blocks.after.push_back((*rows)[2 * i + 1]);
  }
  return blocks;
}

// [N, S.., C] -> [N, S/b, b, .., C] -> [b.., N, S/b.., C]
void importSpaceToBatch(NodeContext& c) {
  auto blocks = readBlocks(c);
  if (!blocks) return;
  const size_t n = blocks->size.size(), rank = static_cast<size_t>(NodeContext::rank(c.in(0)));
  Ints pads(2 * rank, 0);
  for (size_t i = 0; i < n; ++i) pads[i + 1] = blocks->before[i], pads[i + 1 + rank] = blocks->after[i];
  Value x = c.emit("pad", {c.real(0)}, c.attrs().ints("pads", pads).s("mode", "constant"));
  if (c.failed()) return;
  Ints dims = NodeContext::dims(x), split = {dims[0]}, perm, shape = dims;
  for (size_t i = 0; i < n; ++i) {
    if (dims[i + 1] % blocks->size[i]) return c.invalid("its blocks do not divide its padded input");
    shape[i + 1] = dims[i + 1] / blocks->size[i];
    split.insert(split.end(), {shape[i + 1], blocks->size[i]});
    perm.push_back(static_cast<int64_t>(2 * i + 2));
    shape[0] *= blocks->size[i];
  }
  perm.push_back(0);
  for (size_t i = 0; i < n; ++i) perm.push_back(static_cast<int64_t>(2 * i + 1));
  for (size_t i = n + 1; i < rank; ++i) {
    perm.push_back(static_cast<int64_t>(split.size()));
    split.push_back(dims[i]);
  }
  c.give(0, c.reshape(c.transpose(c.reshape(x, split), perm), shape));
}

// The way back, then crops.
void importBatchToSpace(NodeContext& c) {
  auto blocks = readBlocks(c);
  if (!blocks) return;
  Value x = c.real(0);
  Ints dims = NodeContext::dims(x), split = blocks->size, perm, shape = dims;
  const size_t n = blocks->size.size(), rank = dims.size();
  const int64_t count = product(blocks->size);
  if (dims[0] % count)
    return c.invalid(fmt::format("its batch of {} is not a multiple of its blocks", dims[0]));
  split.push_back(shape[0] = dims[0] / count);
  split.insert(split.end(), dims.begin() + 1, dims.end());
  perm.push_back(static_cast<int64_t>(n));
  for (size_t i = 0; i < n; ++i) {
    perm.insert(perm.end(), {static_cast<int64_t>(n + 1 + i), static_cast<int64_t>(i)});
    shape[i + 1] = dims[i + 1] * blocks->size[i];
  }
  for (size_t i = n + 1; i < rank; ++i) perm.push_back(static_cast<int64_t>(n + i));
  Value y = c.reshape(c.transpose(c.reshape(x, split), perm), shape);
  for (size_t i = 0; i < n && !c.failed(); ++i) {
    const int64_t size = shape[i + 1] - blocks->before[i] - blocks->after[i];
    if (size < 0) return c.invalid("its crops are longer than its result");
    if (size != shape[i + 1]) y = c.slice(y, static_cast<int64_t>(i + 1), blocks->before[i], size);
  }
  c.give(0, y);
}

void importTile(NodeContext& c) {
  auto repeats = c.constantInts(1, "multiples");
  if (repeats) c.give(0, c.emit("tile", {c.real(0)}, c.attrs().ints("repeats", *repeats)));
}

void importBroadcastTo(NodeContext& c) {
  auto shape = c.constantInts(1, "shape");
  if (shape) c.give(0, c.expand(c.real(0), *shape));
}

void importReverse(NodeContext& c) {
  auto given = c.constantInts(1, "axes");
  if (!given) return;
  Value x = c.real(0);
  for (int64_t axis : c.axes(*given, NodeContext::rank(x))) {
    const int64_t size = NodeContext::dims(x)[static_cast<size_t>(axis)];
    if (size > 0) x = c.slice(x, axis, size - 1, size, -1);
  }
  c.give(0, x);
}

void importReverseSequence(NodeContext& c) {
  const auto& o = c.options<tfl::ReverseSequenceOptions>();
  const int64_t rank = NodeContext::rank(c.in(0));
  const int64_t batch = c.axis(o.batch_dim(), rank), time = c.axis(o.seq_dim(), rank);
  c.give(0, c.emit("reverse_sequence", {c.real(0), c.cast(c.in(1), rt::DType::I64)},
                   c.attrs().i("batch_axis", batch).i("time_axis", time)));
}

const OperatorRow kRows[] = {
    {"RESHAPE", importReshape, 1, 2, "model"},
    {"SQUEEZE", importSqueeze, 1, 1, "model"},
    {"EXPAND_DIMS", importExpandDims, 2, 2, "fixture"},
    {"TRANSPOSE", importTranspose, 2, 2, "model"},
    {"CONCATENATION", importConcatenation, 1, kAny, "model"},
    {"PACK", importPack, 1, kAny, "model"},
    {"UNPACK", importUnpack, 1, 1, "model"},
    {"PAD", importPad, 2, 2, "model"},
    {"PADV2", importPad, 3, 3, "fixture"},
    {"MIRROR_PAD", importMirrorPad, 2, 2, "fixture"},
    {"SPACE_TO_DEPTH", importSpaceToDepth, 1, 1, "fixture"},
    {"DEPTH_TO_SPACE", importDepthToSpace, 1, 1, "fixture"},
    {"SPACE_TO_BATCH_ND", importSpaceToBatch, 3, 3, "model"},
    {"BATCH_TO_SPACE_ND", importBatchToSpace, 3, 3, "model"},
    {"TILE", importTile, 2, 2, "fixture"},
    {"BROADCAST_TO", importBroadcastTo, 2, 2, "fixture"},
    {"REVERSE_V2", importReverse, 2, 2, "fixture"},
    {"REVERSE_SEQUENCE", importReverseSequence, 2, 2, "fixture"},
};
} // namespace

const OperatorTable<OperatorRow> kMovementOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite
