// Tensors in other shapes and orders: reshaping, joining, splitting, padding.
#include "lib/import/tensorflow/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
int64_t elements(const Ints& dims) {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

// At most one -1 stands for what is left.
void importReshape(RuleContext& c, Attributes&) {
  auto shape = c.constantInts(1, "shape");
  if (!shape) return;
  int64_t all = elements(RuleContext::dims(c.in(0))), known = 1;
  auto open = std::find(shape->begin(), shape->end(), -1);
  for (int64_t d : *shape) {
    if (d < -1 || (d == -1 && std::count(shape->begin(), shape->end(), -1) > 1) ||
        (d > 0 && known > (int64_t(1) << 40) / d))
      return c.invalid(fmt::format("its shape {} is not possible", dimsText(*shape)));
    if (d >= 0) known *= d;
  }
  if (open != shape->end()) *open = known > 0 ? all / known : 0;
  if (elements(*shape) != all)
    return c.invalid(
        fmt::format("its shape {} does not hold its input of {} elements", dimsText(*shape), all),
        "check --input-shapes; the network may be made for another size");
  c.set(0, c.reshape(c.in(0), *shape));
}

void importTranspose(RuleContext& c, Attributes&) {
  auto perm = c.constantInts(1, "permutation");
  if (!perm) return;
  Ints sorted = *perm;
  std::sort(sorted.begin(), sorted.end());
  bool valid = static_cast<int64_t>(sorted.size()) == RuleContext::rank(c.in(0));
  for (size_t i = 0; i < sorted.size(); ++i) valid &= sorted[i] == static_cast<int64_t>(i);
  if (!valid) return c.invalid(fmt::format("{} is no permutation of its axes", dimsText(*perm)));
  c.set(0, c.transpose(c.in(0), *perm));
}

void importSqueeze(RuleContext& c, Attributes& a) {
  Ints dims = RuleContext::dims(c.in(0)), shape;
  Ints axes = c.axes(a.ints("squeeze_dims", a.ints("axis")), static_cast<int64_t>(dims.size()));
  for (int64_t axis : axes)
    if (!c.failed() && dims[static_cast<size_t>(axis)] != 1)
      return c.invalid(fmt::format("axis {} has {} entries, not one", axis, dims[static_cast<size_t>(axis)]));
  for (size_t i = 0; i < dims.size(); ++i)
    if (axes.empty() ? dims[i] != 1 : !std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(i)))
      shape.push_back(dims[i]);
  c.set(0, c.reshape(c.in(0), shape));
}

void importExpandDims(RuleContext& c, Attributes&) {
  auto axis = c.constantInt(1, "axis");
  if (!axis) return;
  int64_t at = c.axis(*axis, RuleContext::rank(c.in(0)) + 1);
  if (!c.failed()) c.set(0, c.unsqueeze(c.in(0), at));
}

// The axis comes last, or first in graphs of the oldest kind.
void importConcat(RuleContext& c, Attributes&) {
  const int last = c.inputCount() - 1, axisInput = c.type() == "Concat" ? 0 : last;
  auto axis = c.constantInt(axisInput, "axis");
  if (!axis) return;
  std::vector<Value> parts;
  for (int i = 0; i <= last; ++i)
    if (i != axisInput) parts.push_back(c.in(i));
  int64_t at = c.axis(*axis, RuleContext::rank(parts[0]));
  if (!c.failed()) c.set(0, parts.size() == 1 ? parts[0] : c.concat(parts, at));
}

void importPack(RuleContext& c, Attributes& a) {
  int64_t axis = c.axis(a.integer("axis"), RuleContext::rank(c.in(0)) + 1);
  std::vector<Value> parts;
  for (int i = 0; i < c.inputCount() && !c.failed(); ++i) parts.push_back(c.unsqueeze(c.in(i), axis));
  if (!c.failed()) c.set(0, parts.size() == 1 ? parts[0] : c.concat(parts, axis));
}

void importUnpack(RuleContext& c, Attributes& a) {
  int64_t axis = c.axis(a.integer("axis"), RuleContext::rank(c.in(0)));
  if (c.failed()) return;
  int64_t count = RuleContext::shape(c.in(0))[static_cast<int>(axis)];
  if (a.integer("num", count) != count)
    return c.invalid(fmt::format("it makes {} parts of {}", a.integer("num"), count));
  for (int i = 0; i < std::min<int64_t>(count, c.outputCount()); ++i)
    if (c.wants(i)) c.set(i, c.squeeze(c.slice(c.in(0), axis, i, 1), axis));
}

// Split takes axis and tensor, SplitV tensor, sizes and axis.
void importSplit(RuleContext& c, Attributes& a) {
  const bool equal = c.type() == "Split";
  Value x = c.in(equal ? 1 : 0);
  auto axis = c.constantInt(equal ? 0 : 2, "axis");
  if (!axis) return;
  int64_t at = c.axis(*axis, RuleContext::rank(x));
  if (c.failed()) return;
  int64_t total = RuleContext::shape(x)[static_cast<int>(at)];
  Ints sizes;
  if (equal) {
    int64_t count = a.integer("num_split");
    if (count < 1 || total % count)
      return c.invalid(fmt::format("{} entries do not split into {}", total, count));
    sizes.assign(static_cast<size_t>(std::min<int64_t>(count, c.outputCount())), total / count);
  } else {
    auto given = c.constantInts(1, "sizes");
    if (!given) return;
    sizes = *given;
    int64_t rest = total;
    for (int64_t size : sizes) {
      if (size < -1 || size > total)
        return c.invalid(fmt::format("a part of {} entries is not possible", size));
      if (size > 0) rest -= size;
    }
    for (int64_t& size : sizes)
      if (size == -1) size = std::exchange(rest, 0);
    if (rest != 0) return c.invalid(fmt::format("its sizes do not add up to {}", total));
  }
  for (int64_t i = 0, start = 0; i < static_cast<int64_t>(sizes.size()); ++i) {
    int64_t size = sizes[static_cast<size_t>(i)];
    if (c.wants(static_cast<int>(i))) c.set(static_cast<int>(i), c.slice(x, at, start, size));
    start += size;
  }
}

void importTile(RuleContext& c, Attributes&) {
  auto repeats = c.constantInts(1, "multiples");
  if (repeats) c.set(0, c.emit("tile", {c.in(0)}, c.attrs().ints("repeats", *repeats)));
}

void importBroadcastTo(RuleContext& c, Attributes&) {
  auto shape = c.constantInts(1, "shape");
  if (shape) c.set(0, c.expand(c.in(0), *shape));
}

// Rows (before, after) as all befores, then all afters.
std::optional<Ints> readPads(RuleContext& c) {
  auto pairs = c.constantInts(1, "paddings");
  if (!pairs) return std::nullopt;
  size_t rank = RuleContext::dims(c.in(0)).size();
  if (pairs->size() != 2 * rank) {
    c.invalid(fmt::format("it has {} paddings for {} axes", pairs->size(), rank));
    return std::nullopt;
  }
  Ints pads(2 * rank);
  for (size_t i = 0; i < rank; ++i) {
    pads[i] = (*pairs)[2 * i];
    pads[i + rank] = (*pairs)[2 * i + 1];
  }
  for (int64_t pad : pads)
    if (pad < 0 || pad > int64_t(1) << 31) {
      c.invalid(fmt::format("a padding of {} is not possible", pad));
      return std::nullopt;
    }
  return pads;
}

void importPad(RuleContext& c, Attributes&) {
  auto pads = readPads(c);
  if (!pads) return;
  nn::AttrList list = c.attrs();
  list.ints("pads", *pads).s("mode", "constant");
  if (c.has(2)) {
    auto value = c.constantFloat(2, "padding value");
    if (!value) return;
    list.f("value", *value);
  }
  c.set(0, c.emit("pad", {c.in(0)}, list));
}

Value reversed(RuleContext& c, Value x, int64_t axis, int64_t from, int64_t count) {
  return c.slice(x, axis, from + count - 1, count, -1);
}

// REFLECT leaves the border element out, SYMMETRIC repeats it.
void importMirrorPad(RuleContext& c, Attributes& a) {
  auto pads = readPads(c);
  if (!pads) return;
  std::string mode = a.text("mode", "REFLECT");
  if (mode == "REFLECT")
    return c.set(0, c.emit("pad", {c.in(0)}, c.attrs().ints("pads", *pads).s("mode", "reflect")));
  if (mode != "SYMMETRIC") return c.invalid(fmt::format("attribute 'mode' is '{}'", mode));
  Value x = c.in(0);
  int64_t rank = RuleContext::rank(x);
  for (int64_t axis = 0; axis < rank; ++axis) {
    int64_t size = RuleContext::shape(x)[static_cast<int>(axis)];
    int64_t before = (*pads)[static_cast<size_t>(axis)], after = (*pads)[static_cast<size_t>(axis + rank)];
    if (before > size || after > size)
      return c.invalid(fmt::format("a mirrored padding of {} is wider than the {} entries",
                                   std::max(before, after), size));
    std::vector<Value> parts;
    if (before) parts.push_back(reversed(c, x, axis, 0, before));
    parts.push_back(x);
    if (after) parts.push_back(reversed(c, x, axis, size - after, after));
    if (parts.size() > 1) x = c.concat(parts, axis);
  }
  c.set(0, x);
}

void importReverse(RuleContext& c, Attributes&) {
  auto axes = c.constantInts(1, "axes");
  if (!axes) return;
  Value x = c.in(0);
  for (int64_t axis : c.axes(*axes, RuleContext::rank(x)))
    if (int64_t size = RuleContext::shape(x)[static_cast<int>(axis)]; size > 0)
      x = reversed(c, x, axis, 0, size);
  c.set(0, x);
}

const OperatorRow kRows[] = {
    {"Reshape", importReshape, 2, 2, "", "model"},
    {"Transpose", importTranspose, 2, 2, "", "model"},
    {"Squeeze", importSqueeze, 1, 1},
    {"ExpandDims", importExpandDims, 2, 2},
    {"Concat", importConcat, 2, kAny},
    {"ConcatV2", importConcat, 2, kAny},
    {"Pack", importPack, 1, kAny},
    {"Unpack", importUnpack, 1, 1},
    {"Split", importSplit, 2, 2},
    {"SplitV", importSplit, 3, 3},
    {"Tile", importTile, 2, 2},
    {"BroadcastTo", importBroadcastTo, 2, 2},
    {"Pad", importPad, 2, 2},
    {"PadV2", importPad, 3, 3},
    {"MirrorPad", importMirrorPad, 2, 2},
    {"ReverseV2", importReverse, 2, 2},
};
} // namespace

const OperatorTable<OperatorRow> kMovementOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
