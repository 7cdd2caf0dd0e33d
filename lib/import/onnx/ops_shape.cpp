// What depends on shapes alone, and constants.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
void importShape(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  int64_t rank = static_cast<int64_t>(dims.size());
  auto position = [&](int64_t p) { return std::clamp<int64_t>(p < 0 ? p + rank : p, 0, rank); };
  int64_t start = position(c.integer("start")), end = std::max(start, position(c.integer("end", rank)));
  c.set(0, c.constant(Ints(dims.begin() + start, dims.begin() + end)));
}

void importSize(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  c.set(0, c.importer().builder().constantInt(product(dims, 0, dims.size())));
}

void importConstant(NodeContext& c) {
  if (const auto* tensor = c.tensor("value")) {
    auto value = c.importer().tensors().read(*tensor, c.name());
    if (!value) return c.fail(value.error());
    return c.set(0, *value);
  }
  if (c.hasAttribute("value_float"))
    return c.set(0, c.scalar(static_cast<double>(c.real("value_float")), rt::DType::F32));
  if (c.hasAttribute("value_int"))
    return c.set(0, c.importer().builder().constantInt(c.integer("value_int")));
  if (c.hasAttribute("value_ints")) return c.set(0, c.constant(c.ints("value_ints")));
  if (c.hasAttribute("value_floats")) {
    std::vector<float> values = c.floats("value_floats");
    return c.set(0, c.constant(values, {static_cast<int64_t>(values.size())}));
  }
  if (c.hasAttribute("value_string") || c.hasAttribute("value_strings"))
    return c.unsupported("strings are not supported");
  if (c.hasAttribute("sparse_value")) return c.unsupported("sparse tensors are not supported");
  c.invalid("it has no value");
}

void importConstantOfShape(NodeContext& c) {
  auto shape = c.constantInts(0, "shape");
  if (!shape) return;
  for (int64_t d : *shape)
    if (d < 0) return c.invalid(fmt::format("its shape holds {}", d));
  Value fill = c.constant(std::vector<float>{0}, {1});
  if (const auto* tensor = c.tensor("value")) {
    auto value = c.importer().tensors().read(*tensor, c.name());
    if (!value) return c.fail(value.error());
    fill = *value;
  }
  if (NodeContext::dims(fill) != Ints{1} && NodeContext::rank(fill) != 0)
    return c.invalid("its value is not a single element");
  c.set(0, c.expand(c.reshape(fill, {}), *shape));
}

const OperatorRow kRows[] = {
    {"Shape", importShape, 1, 1},
    {"Size", importSize, 1, 1},
    {"Constant", importConstant, 0, 0},
    {"ConstantOfShape", importConstantOfShape, 1, 1},
};
} // namespace

const OperatorTable<OperatorRow> kShapeOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
