// Constants, ranges, shapes.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"

#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

namespace burin::mxnet {

namespace {
void importFilled(Node& n) {
  auto dtype = n.dtype("dtype", rt::DType::F32);
  Ints shape = n.ints("shape");
  float value = n.row().variant[0] ? std::strtof(n.row().variant, nullptr) : n.real("value");
  for (int64_t d : shape)
    if (d < 0 || d > int64_t(1) << 31)
      return n->invalid(fmt::format("its shape {} is not possible", dimsText(shape)));
  if (dtype) n->set(0, n->expand(n->scalar(value, *dtype), shape.empty() ? Ints{1} : shape));
}

void importFilledLike(Node& n) {
  rt::DType type = RuleContext::dtype(n.x());
  n->set(0, n->expand(n->scalar(std::strtof(n.row().variant, nullptr), type), RuleContext::dims(n.x())));
}

std::vector<float> rangeOf(Node& n, double start, double step, double count, int64_t repeat) {
  std::vector<float> values;
  if (!(count * static_cast<double>(repeat) < double(1 << 24)) || repeat < 1) {
    n->invalid("its range is too long");
    return values;
  }
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i)
    values.insert(values.end(), static_cast<size_t>(repeat),
                  static_cast<float>(start + step * static_cast<double>(i)));
  return values;
}

// Without a stop, start is the stop.
void importArange(Node& n) {
  double start = n.real("start"), step = n.real("step", 1), stop = n.real("stop");
  if (!n.has("stop")) stop = start, start = 0;
  auto dtype = n.dtype("dtype", rt::DType::F32);
  if (step == 0 || !dtype) return n->invalid("its step is 0");
  std::vector<float> values =
      rangeOf(n, start, step, std::ceil((stop - start) / step), n.integer("repeat", 1));
  n->set(0, n->cast(n->constant(values, {static_cast<int64_t>(values.size())}), *dtype));
}

// As long as an axis of the input, or as many as it has elements and in its shape.
void importArangeLike(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  auto axis = n.optionalInt("axis");
  Ints shape = axis ? Ints{1} : dims;
  if (axis) {
    int64_t at = n->axis(*axis, static_cast<int64_t>(dims.size()));
    if (n->failed() || dims.empty()) return n->invalid("its input is a scalar");
    shape[0] = dims[static_cast<size_t>(at)];
  }
  int64_t repeat = n.integer("repeat", 1), count = product(shape);
  if (repeat < 1 || count % repeat)
    return n->invalid(fmt::format("{} entries cannot repeat {} times", count, repeat));
  n->set(0, n->constant(
                rangeOf(n, n.real("start"), n.real("step", 1), static_cast<double>(count / repeat), repeat),
                shape));
}

void importShape(Node& n) { n->set(0, n->constant(RuleContext::dims(n.x()))); }
void importSize(Node& n) { n->set(0, n->constant(Ints{product(RuleContext::dims(n.x()))})); }

const OperatorRow kRows[] = {
    {"_zeros", importFilled, "0"},
    {"_ones", importFilled, "1"},
    {"_full", importFilled},
    {"zeros_like", importFilledLike, "0"},
    {"ones_like", importFilledLike, "1"},
    {"_arange", importArange},
    {"_contrib_arange_like", importArangeLike},
    {"shape_array", importShape},
    {"size_array", importSize},
};
} // namespace

const OperatorTable<OperatorRow> kConstantOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet
