// Detection heads as rows of boxes: centre and size in fractions of the picture, objectness, and a score per
// class. They are made where --outputs names a head; by default the raw tensors that the heads read are the
// outputs.
#include "lib/import/darknet/operators.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace burin::darknet {

namespace {
struct Head {
  int64_t anchors, classes, height, width;
  std::vector<float> sizes; // of the anchors in fractions of the picture: all widths and heights in pairs
};

// Anchors by number, in a unit of which the picture has `unitsX` and `unitsY`.
std::optional<Head> readHead(LayerContext& c, const Ints& used, double unitsX, double unitsY) {
  const std::vector<float> pairs = c.section.reals("anchors");
  const Ints dims = c.dims();
  Head head{static_cast<int64_t>(used.size()), c.section.integer("classes", 20), 0, 0, {}};
  if (dims.size() != 4 || head.classes < 0 || head.classes > 1 << 20 || used.empty() ||
      dims[1] != head.anchors * (5 + head.classes)) {
    c.op.invalid(fmt::format("its {} channels are no {} boxes of {} classes", dims.size() > 1 ? dims[1] : 0,
                             used.size(), head.classes));
    return std::nullopt;
  }
  head.height = dims[2], head.width = dims[3];
  for (int64_t anchor : used) {
    if (anchor < 0 || anchor >= static_cast<int64_t>(pairs.size() / 2)) {
      c.op.invalid(fmt::format("uses anchor {} of {}", anchor, pairs.size() / 2));
      return std::nullopt;
    }
    const size_t at = 2 * static_cast<size_t>(anchor);
    head.sizes.push_back(static_cast<float>(pairs[at] / unitsX));
    head.sizes.push_back(static_cast<float>(pairs[at + 1] / unitsY));
  }
  return head;
}

// The column and the row of each cell.
Value cellNumbers(LayerContext& c, const Head& head) {
  std::vector<float> numbers;
  for (int axis = 0; axis < 2; ++axis)
    for (int64_t y = 0; y < head.height; ++y)
      for (int64_t x = 0; x < head.width; ++x) numbers.push_back(static_cast<float>(axis ? y : x));
  return c.op.constant(numbers, {1, 1, 2, head.height, head.width});
}

// From parts [batch, anchors, entries, height, width]; `centre` lies within its cell.
Value boxRows(LayerContext& c, const Head& head, Value centre, Value size, const std::vector<Value>& scores) {
  Value cells =
      c.op.constant({static_cast<float>(head.width), static_cast<float>(head.height)}, {1, 1, 2, 1, 1});
  std::vector<Value> parts = {c.op.div(c.op.add(centre, cellNumbers(c, head)), cells),
                              c.op.mul(size, c.op.constant(head.sizes, {1, head.anchors, 2, 1, 1}))};
  parts.insert(parts.end(), scores.begin(), scores.end());
  Value rows = c.op.transpose(c.op.concat(parts, 2), {0, 3, 4, 1, 2});
  return c.op.reshape(rows, {c.dims()[0], head.height * head.width * head.anchors, 5 + head.classes});
}

Value entriesOf(LayerContext& c, const Head& head) {
  return c.op.reshape(c.x, {c.dims()[0], head.anchors, 5 + head.classes, head.height, head.width});
}

Ints upTo(int64_t count) {
  Ints numbers(static_cast<size_t>(std::clamp<int64_t>(count, 0, 1 << 16)));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// Anchors in pixels. With new_coords the convolution before activates, and sizes are (2 s)^2 anchors.
void importYolo(LayerContext& c) {
  const Ints mask = c.section.integers("mask");
  const Size declared = *c.layer.in; // the stride stays where --input-shapes gives another size
  const Ints dims = c.dims();
  const double strideX = static_cast<double>(c.picture.width) / static_cast<double>(declared.width),
               strideY = static_cast<double>(c.picture.height) / static_cast<double>(declared.height);
  auto head = readHead(c, mask.empty() ? upTo(c.section.integer("num", 1)) : mask,
                       strideX * static_cast<double>(dims.size() == 4 ? dims[3] : 1),
                       strideY * static_cast<double>(dims.size() == 4 ? dims[2] : 1));
  if (!head) return;
  const bool activated = c.section.flag("new_coords");
  const float stretch = c.section.real("scale_x_y", 1);
  auto sigmoid = [&](Value v) { return activated ? v : c.op.unary("sigmoid", v); };
  auto number = [](float value, RuleContext& op) { return op.scalar(value, rt::DType::F32); };
  Value x = entriesOf(c, *head), centre = sigmoid(c.op.slice(x, 2, 0, 2)), size = c.op.slice(x, 2, 2, 2);
  if (stretch != 1)
    centre = c.op.sub(c.op.mul(centre, number(stretch, c.op)), number(0.5f * (stretch - 1), c.op));
  size = activated ? c.op.unary("square", c.op.mul(size, number(2, c.op))) : c.op.unary("exp", size);
  c.result(boxRows(c, *head, centre, size, {sigmoid(c.op.slice(x, 2, 4, 1 + head->classes))}));
}

// Anchors in cells.
void importRegion(LayerContext& c) {
  if (c.section.has("tree")) return c.op.unsupported("a tree of classes is not supported");
  const Ints dims = c.dims();
  auto head =
      readHead(c, upTo(c.section.integer("num", 1)), static_cast<double>(dims.size() == 4 ? dims[3] : 1),
               static_cast<double>(dims.size() == 4 ? dims[2] : 1));
  if (!head) return;
  Value x = entriesOf(c, *head), objectness = c.op.unary("sigmoid", c.op.slice(x, 2, 4, 1));
  std::vector<Value> scores = {objectness};
  if (head->classes > 0) {
    Value classes = c.op.slice(x, 2, 5, head->classes);
    scores.push_back(c.section.flag("softmax") ? c.op.emit("softmax", {classes}, c.op.attrs().i("axis", 2))
                                               : classes);
  }
  c.result(boxRows(c, *head, c.op.unary("sigmoid", c.op.slice(x, 2, 0, 2)),
                   c.op.unary("exp", c.op.slice(x, 2, 2, 2)), scores));
}

Result<Measured> keepSize(const Section&, const std::vector<Size>& inputs) { return Measured{inputs[0]}; }

const LayerRow kRows[] = {
    {"yolo", importYolo, keepSize, Reads::Previous, "model"},
    {"region", importRegion, keepSize, Reads::Previous, "fixture"},
};
} // namespace

const OperatorTable<LayerRow> kHeadLayers = {kRows, std::size(kRows)};

} // namespace burin::darknet
