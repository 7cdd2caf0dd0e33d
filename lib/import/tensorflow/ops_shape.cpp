// Shapes as values, and tensors made from nothing. All of it is known while importing.
#include "lib/import/tensorflow/operators.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
Value shapeOf(RuleContext& c, Attributes& a, Value x) {
  return c.cast(c.constant(RuleContext::dims(x)), a.type("out_type", rt::DType::I32));
}

void importShape(RuleContext& c, Attributes& a) {
  for (int i = 0; i < c.inputCount(); ++i)
    if (c.wants(i)) c.set(i, shapeOf(c, a, c.in(i)));
}

void importSize(RuleContext& c, Attributes& a) {
  int64_t elements = RuleContext::shape(c.in(0)).elements();
  c.set(0, c.cast(c.reshape(c.constant(Ints{elements}), {}), a.type("out_type", rt::DType::I32)));
}

void importRank(RuleContext& c, Attributes&) {
  c.set(0, c.scalar(static_cast<double>(RuleContext::rank(c.in(0))), rt::DType::I32));
}

int64_t mostElements(RuleContext& c) {
  return std::min<int64_t>(c.session().options().foldLimits.elements, 1 << 24);
}

// Every element is start + i * step, floats computed in double as TensorFlow does.
void importRange(RuleContext& c, Attributes&) {
  rt::DType type = RuleContext::dtype(c.in(0));
  if (!rt::isFloat(type)) {
    auto start = c.constantInt(0, "start"), limit = c.constantInt(1, "limit"),
         step = c.constantInt(2, "step");
    if (!start || !limit || !step) return;
    for (int64_t value : {*start, *limit, *step})
      if (std::abs(static_cast<double>(value)) > 0x1p53) return c.invalid("its range is too large");
    double count = *step == 0 ? -1
                              : std::ceil((static_cast<double>(*limit) - static_cast<double>(*start)) /
                                          static_cast<double>(*step));
    if (count < 0 || count > static_cast<double>(mostElements(c)))
      return c.invalid(fmt::format("its range from {} to {} by {} is not possible", *start, *limit, *step));
    Ints values;
    for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) values.push_back(*start + i * *step);
    return c.set(0, c.cast(c.constant(values), type));
  }
  auto start = c.constantFloat(0, "start"), limit = c.constantFloat(1, "limit"),
       step = c.constantFloat(2, "step");
  if (!start || !limit || !step) return;
  double count = std::ceil(
      std::abs((static_cast<double>(*limit) - static_cast<double>(*start)) / static_cast<double>(*step)));
  if (!(count >= 0 && count <= static_cast<double>(mostElements(c))))
    return c.invalid(fmt::format("its range from {} to {} by {} is not possible", *start, *limit, *step));
  std::vector<float> values;
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i)
    values.push_back(static_cast<float>(static_cast<double>(*start) +
                                        static_cast<double>(i) * static_cast<double>(*step)));
  c.set(0, c.cast(c.constant(values, {static_cast<int64_t>(values.size())}), type));
}

void importFill(RuleContext& c, Attributes&) {
  auto shape = c.constantInts(0, "shape");
  if (shape) c.set(0, c.expand(c.in(1), *shape));
}

void importLike(RuleContext& c, Attributes& a) {
  Value value = c.scalarLike(a.variant()[0] == '1' ? 1 : 0, c.in(0));
  c.set(0, c.expand(value, RuleContext::dims(c.in(0))));
}

// The shape that two shapes broadcast to.
void importBroadcastArgs(RuleContext& c, Attributes&) {
  auto a = c.constantInts(0, "shape"), b = c.constantInts(1, "shape");
  if (!a || !b) return;
  if (a->size() < b->size()) std::swap(*a, *b);
  const size_t more = a->size() - b->size();
  for (size_t i = 0; i < b->size(); ++i) {
    int64_t &x = (*a)[i + more], y = (*b)[i];
    if (x != y && x != 1 && y != 1)
      return c.invalid(fmt::format("{} and {} do not broadcast", dimsText(*a), dimsText(*b)));
    if (x == 1) x = y;
  }
  c.set(0, c.cast(c.constant(*a), RuleContext::dtype(c.in(0))));
}

const OperatorRow kRows[] = {
    {"Shape", importShape, 1, 1},
    {"ShapeN", importShape, 1, kAny},
    {"Size", importSize, 1, 1},
    {"Rank", importRank, 1, 1},
    {"Range", importRange, 3, 3},
    {"Fill", importFill, 2, 2},
    {"ZerosLike", importLike, 1, 1, "0"},
    {"OnesLike", importLike, 1, 1, "1"},
    {"BroadcastArgs", importBroadcastArgs, 2, 2},
};
} // namespace

const OperatorTable<OperatorRow> kShapeOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
