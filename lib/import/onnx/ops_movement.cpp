// Rearranging elements: reshapes, transposes, concatenation, padding, blocks.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
// 0 copies the input's dimension (unless allowzero), one -1 takes what is left. Shape is an attribute before
// opset 5.
void importReshape(NodeContext& c) {
  Ints from = NodeContext::dims(c.in(0));
  auto given = c.attributeOrInput("shape", 1, 5);
  if (c.failed()) return;
  if (!given) return c.invalid("its shape is missing");
  Ints shape = *given;
  bool keepsZero = c.flag("allowzero");
  int64_t elements = product(from, 0, from.size()), others = 1;
  int open = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && !keepsZero) {
      if (i >= from.size()) return c.invalid("its shape copies a dimension that the input does not have");
      shape[i] = from[i];
    }
    if (shape[i] == -1 && open < 0)
      open = static_cast<int>(i);
    else if (shape[i] < 0 || (shape[i] > 0 && others > (int64_t(1) << 40) / shape[i]))
      return c.invalid(fmt::format("its shape holds {}", shape[i]));
    else
      others *= shape[i];
  }
  if (open >= 0) {
    if (others == 0 || elements % others)
      return c.invalid(fmt::format("{} elements cannot take the shape {}", elements, dimsText(shape)),
                       "check --input-shapes");
    shape[static_cast<size_t>(open)] = elements / others;
  }
  c.set(0, c.reshape(c.in(0), shape));
}

void importFlatten(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  int64_t axis = c.integer("axis", 1), rank = static_cast<int64_t>(dims.size());
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank)
    return c.invalid(fmt::format("attribute 'axis' is outside a tensor of {} dimensions", rank));
  size_t at = static_cast<size_t>(axis);
  c.set(0, c.reshape(c.in(0), {product(dims, 0, at), product(dims, at, dims.size())}));
}

void importSqueeze(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0)), kept;
  bool runtimeAxes = c.opset() >= 13 && c.has(1) && !nn::isConstant(c.in(1));
  auto given = c.attributeOrInput("axes", 1, 13);
  if (c.failed() || runtimeAxes) return;
  Ints axes = c.axes(given.value_or(Ints()), static_cast<int64_t>(dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    bool named = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(i));
    if (named && dims[i] != 1)
      return c.invalid(fmt::format("axis {} has {} entries, only 1 can be squeezed", i, dims[i]),
                       "check --input-shapes");
    if (given ? !named : dims[i] != 1) kept.push_back(dims[i]);
  }
  c.set(0, c.reshape(c.in(0), kept));
}

void importUnsqueeze(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  auto given = c.attributeOrInput("axes", 1, 13);
  if (c.failed()) return;
  if (!given) return c.invalid("its axes are missing");
  Ints axes = c.axes(*given, static_cast<int64_t>(dims.size() + given->size()));
  if (c.failed()) return;
  for (int64_t axis : axes) dims.insert(dims.begin() + axis, 1);
  c.set(0, c.reshape(c.in(0), dims));
}

void importTranspose(NodeContext& c) {
  Ints backwards = allAxes(NodeContext::rank(c.in(0)));
  std::reverse(backwards.begin(), backwards.end());
  Ints perm = c.ints("perm", backwards);
  c.set(0, c.emit("transpose", {c.in(0)}, c.attrs().ints("perm", perm)));
}

void importConcat(NodeContext& c) {
  std::vector<Value> parts;
  for (int i = 0; i < c.inputCount(); ++i)
    if (c.has(i)) parts.push_back(c.in(i));
  int64_t axis = c.axis(c.integer("axis", c.opset() < 4 ? 1 : 0), NodeContext::rank(parts[0]));
  if (!c.failed() && !c.hasAttribute("axis") && c.opset() >= 4)
    return c.invalid("attribute 'axis' is missing");
  if (parts.size() == 1) return c.set(0, parts[0]);
  c.set(0, c.concat(parts, axis));
}

// Sizes from the attribute (before opset 13) or input `split`; otherwise equal parts, the last one smaller.
void importSplit(NodeContext& c) {
  Value x = c.in(0);
  int64_t axis = c.axis(c.integer("axis"), NodeContext::rank(x));
  if (c.failed()) return;
  int64_t size = NodeContext::shape(x)[static_cast<int>(axis)], parts = c.outputCount();
  auto given = c.attributeOrInput("split", 1, 13);
  if (c.failed()) return;
  Ints sizes = given.value_or(Ints());
  if (!given) {
    parts = c.integer("num_outputs", parts);
    if (parts < c.outputCount() || parts > 65536)
      return c.invalid(fmt::format("attribute 'num_outputs' is {}", parts));
    int64_t part = (size + parts - 1) / parts;
    for (int64_t i = 0; i < parts; ++i) sizes.push_back(std::clamp<int64_t>(size - i * part, 0, part));
  }
  int64_t start = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0 || sizes[i] > size - start)
      return c.invalid(fmt::format("its parts {} do not fit into {}", dimsText(sizes), size));
    if (c.wants(static_cast<int>(i))) c.set(static_cast<int>(i), c.slice(x, axis, start, sizes[i]));
    start += sizes[i];
  }
  if (start != size || sizes.size() < static_cast<size_t>(c.outputCount()))
    c.invalid(fmt::format("its parts {} do not add up to {}", dimsText(sizes), size));
}

std::optional<float> padValue(NodeContext& c) {
  if (c.opset() < 11) return c.real("value");
  if (!c.has(2)) return 0.0f;
  auto value = c.constantFloat(2, "constant_value");
  return value;
}

// Pads are attributes before opset 11; since 18 they may name only some axes.
void importPad(NodeContext& c) {
  int64_t rank = NodeContext::rank(c.in(0));
  auto given = c.attributeOrInput(c.opset() < 2 ? "paddings" : "pads", 1, 11);
  auto value = padValue(c);
  if (c.failed()) return;
  if (!given || !value) return c.invalid("its pads are missing");
  Ints axes = allAxes(rank);
  if (c.has(3)) {
    auto named = c.constantInts(3, "axes");
    if (!named) return;
    axes = *named;
  }
  if (given->size() != 2 * axes.size())
    return c.invalid(fmt::format("it has {} pads for {} axes", given->size(), axes.size()));
  Ints pads(static_cast<size_t>(2 * rank), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t axis = c.axis(axes[i], rank);
    if (c.failed()) return;
    pads[static_cast<size_t>(axis)] = (*given)[i];
    pads[static_cast<size_t>(axis + rank)] = (*given)[i + axes.size()];
  }
  c.set(0, c.emit("pad", {c.in(0)},
                  c.attrs().ints("pads", pads).s("mode", c.text("mode", "constant")).f("value", *value)));
}

// Broadcasts both ways: a dimension of 1 in the target keeps the input's.
void importExpand(NodeContext& c) {
  auto target = c.constantInts(1, "shape");
  if (!target) return;
  Ints from = NodeContext::dims(c.in(0)), shape = *target;
  if (shape.size() < from.size()) shape.insert(shape.begin(), from.size() - shape.size(), 1);
  for (size_t i = 0; i < from.size(); ++i) {
    int64_t& d = shape[shape.size() - from.size() + i];
    if (d == 1) d = from[i];
  }
  c.set(0, c.expand(c.in(0), shape));
}

void importTile(NodeContext& c) {
  auto repeats = c.constantInts(1, "repeats");
  if (!repeats) return;
  c.set(0, c.emit("tile", {c.in(0)}, c.attrs().ints("repeats", *repeats)));
}

void importDepthToSpace(NodeContext& c) {
  std::string mode = c.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") return c.invalid(fmt::format("attribute 'mode' is '{}'", mode));
  c.set(0, c.emit("depth_to_space", {c.in(0)},
                  c.attrs().i("block", c.integer("blocksize")).s("mode", mode == "DCR" ? "dcr" : "crd")));
}

void importSpaceToDepth(NodeContext& c) {
  c.set(0, c.emit("space_to_depth", {c.in(0)}, c.attrs().i("block", c.integer("blocksize"))));
}

void importTrilu(NodeContext& c) {
  int64_t k = 0;
  if (c.has(1)) {
    auto given = c.constantInt(1, "k");
    if (!given) return;
    k = *given;
  }
  c.set(0, c.emit("trilu", {c.in(0)}, c.attrs().i("k", k).b("upper", c.flag("upper", true))));
}

void importReverseSequence(NodeContext& c) {
  c.set(0,
        c.emit("reverse_sequence", {c.in(0), c.in(1)},
               c.attrs().i("batch_axis", c.integer("batch_axis", 1)).i("time_axis", c.integer("time_axis"))));
}

const OperatorRow kRows[] = {
    {"Reshape", importReshape, 1, 2},
    {"Flatten", importFlatten, 1, 1},
    {"Squeeze", importSqueeze, 1, 2},
    {"Unsqueeze", importUnsqueeze, 1, 2},
    {"Transpose", importTranspose, 1, 1},
    {"Concat", importConcat, 1, kAny},
    {"Split", importSplit, 1, 2, 2},
    {"Pad", importPad, 1, 4},
    {"Expand", importExpand, 2, 2},
    {"Tile", importTile, 2, 2, 6},
    {"DepthToSpace", importDepthToSpace, 1, 1},
    {"SpaceToDepth", importSpaceToDepth, 1, 1},
    {"Trilu", importTrilu, 1, 2},
    {"ReverseSequence", importReverseSequence, 2, 2},
};
} // namespace

const OperatorTable<OperatorRow> kMovementOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
