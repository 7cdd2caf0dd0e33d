#include "runtime/math/float_math.h"
#include "runtime/ops/op_case.h"

#include <algorithm>
#include <map>

namespace burin::rt {
extern const OpTable kReduceOps;
namespace {
using namespace test;

OpCase reduce(const char* fn, const std::vector<int64_t>& axes, bool keepDims = true) {
  OpCase c(kReduceOps, "nn.reduce");
  c.attrs.setText("fn", fn);
  c.attrs.setInts("axes", axes);
  c.attrs.setInt("keep_dims", keepDims);
  return c;
}

// Values of each result of a reduction, in row-major order.
std::vector<std::vector<double>> groupsOf(const Shape& shape, const std::vector<float>& x,
                                          const std::vector<int64_t>& axes) {
  std::map<std::vector<int64_t>, std::vector<double>> groups;
  std::vector<int64_t> index(static_cast<size_t>(shape.rank), 0);
  for (float value : x) {
    std::vector<int64_t> key = index;
    for (int64_t axis : axes) key[static_cast<size_t>(axis)] = 0;
    groups[key].push_back(value);
    for (int axis = shape.rank - 1; axis >= 0 && ++index[static_cast<size_t>(axis)] == shape[axis]; --axis)
      index[static_cast<size_t>(axis)] = 0;
  }
  std::vector<std::vector<double>> ordered;
  for (auto& group : groups) ordered.push_back(group.second);
  return ordered;
}

double exactReduce(const std::string& fn, const std::vector<double>& v) {
  double sum = 0, absolute = 0, square = 0, product = 1, exponential = 0;
  for (double x : v)
    sum += x, absolute += std::fabs(x), square += x * x, product *= x, exponential += std::exp(x);
  if (fn == "sum") return sum;
  if (fn == "mean") return sum / static_cast<double>(v.size());
  if (fn == "max") return *std::max_element(v.begin(), v.end());
  if (fn == "min") return *std::min_element(v.begin(), v.end());
  if (fn == "prod") return product;
  if (fn == "l1") return absolute;
  if (fn == "l2") return std::sqrt(square);
  if (fn == "log_sum") return std::log(sum);
  if (fn == "log_sum_exp") return std::log(exponential);
  return square;
}

TEST(Reduce, MatchesTheDefinitionOverAnyAxes) {
  const Shape shapes[] = {{2, 21, 6, 5}, {3, 64, 4, 16}, {40}, {5, 33}};
  for (const Shape& shape : shapes)
    for (const char* fn :
         {"sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum", "log_sum_exp", "sum_square"})
      for (int mask = 0; mask < 1 << shape.rank; ++mask) {
        std::vector<int64_t> axes;
        for (int axis = 0; axis < shape.rank; ++axis)
          if (mask >> axis & 1) axes.push_back(axis);
        const bool positive = std::string(fn) == "log_sum";
        std::vector<float> x = randomFloats(shape, 5, positive ? 0.1f : -2.0f, 2.0f);
        if (std::string(fn) == "prod") x = randomFloats(shape, 5, 0.9f, 1.1f);
        OpCase c = reduce(fn, axes, mask % 3 != 0);
        const std::vector<float> y = c.in(shape, x).run<float>();
        std::vector<double> want;
        for (const std::vector<double>& group : groupsOf(shape, x, axes))
          want.push_back(exactReduce(fn, group));
        SCOPED_TRACE(std::string(fn) + " of " + toString(shape) + ", axes mask " + std::to_string(mask));
        expectNear(y, want, 3e-6, 1e-3);
      }
}

TEST(Reduce, KeepsOrDropsTheReducedAxes) {
  OpCase keep = reduce("sum", {1, 2}), drop = reduce("sum", {1, 2}, false);
  keep.in({2, 3, 4}, std::vector<float>(24, 1.0f)).infer();
  drop.in({2, 3, 4}, std::vector<float>(24, 1.0f)).infer();
  EXPECT_EQ(keep.type().shape, (Shape{2, 1, 1}));
  EXPECT_EQ(drop.type().shape, (Shape{2}));
}

// The order of a sum is part of the result: 16 lanes, then pairs.
TEST(Reduce, SumsInLaneOrder) {
  const std::vector<float> x = randomFloats({37}, 9);
  float lanes[16] = {};
  for (size_t i = 0; i < x.size(); ++i) lanes[i % 16] += x[i];
  for (int half = 8; half; half /= 2)
    for (int l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  EXPECT_EQ(reduce("sum", {0}).in({37}, x).run<float>()[0], lanes[0]);
}

TEST(Reduce, OfNothingIsTheIdentity) {
  const std::vector<float> none;
  EXPECT_EQ(reduce("sum", {1}).in({2, 0}, none).run<float>(), (std::vector<float>{0, 0}));
  EXPECT_EQ(reduce("prod", {1}).in({1, 0}, none).run<float>(), (std::vector<float>{1}));
  EXPECT_EQ(reduce("max", {1}).in({1, 0}, none).run<float>(), (std::vector<float>{-math::kInfinity}));
  EXPECT_EQ(reduce("min", {1}).in({1, 0}, none).run<float>(), (std::vector<float>{math::kInfinity}));
  EXPECT_EQ(reduce("log_sum", {1}).in({1, 0}, none).run<float>(), (std::vector<float>{-math::kInfinity}));
  EXPECT_EQ(reduce("log_sum_exp", {1}).in({1, 0}, none).run<float>(), (std::vector<float>{-math::kInfinity}));
  EXPECT_EQ(reduce("max", {0}).in<int8_t>(DType::I8, {0}, {}).run<int8_t>(), (std::vector<int8_t>{-128}));
  EXPECT_EQ(reduce("min", {0}).in<uint64_t>(DType::U64, {0}, {}).run<uint64_t>(),
            (std::vector<uint64_t>{UINT64_MAX}));
  EXPECT_TRUE(reduce("sum", {0}).in({3, 0}, none).run<float>().empty());
}

TEST(Reduce, PassesNaNOn) {
  for (const char* fn : {"sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum_exp", "sum_square"})
    for (size_t place : {size_t{0}, size_t{20}, size_t{39}}) {
      std::vector<float> x(40, 1.0f);
      x[place] = math::kNaN;
      EXPECT_TRUE(std::isnan(reduce(fn, {0}).in({40}, x).run<float>()[0])) << fn;
    }
}

TEST(Reduce, LogSumExpDoesNotOverflow) {
  EXPECT_NEAR(reduce("log_sum_exp", {0}).in({2}, {1000.0f, 1000.0f}).run<float>()[0], 1000.6931f, 1e-3);
  EXPECT_EQ(reduce("log_sum_exp", {0}).in({2}, {-math::kInfinity, -math::kInfinity}).run<float>()[0],
            -math::kInfinity);
  EXPECT_EQ(reduce("log_sum_exp", {0}).in({2}, {math::kInfinity, 1.0f}).run<float>()[0], math::kInfinity);
}

TEST(Reduce, Integers) {
  const std::vector<int32_t> x = {3, -4, 5, 7, -1, -6};
  auto run = [&](const char* fn) {
    return reduce(fn, {1}).in<int32_t>(DType::I32, {2, 3}, x).run<int32_t>();
  };
  using I32 = std::vector<int32_t>;
  EXPECT_EQ(run("sum"), (I32{4, 0}));
  EXPECT_EQ(run("mean"), (I32{1, 0}));
  EXPECT_EQ(run("max"), (I32{5, 7}));
  EXPECT_EQ(run("min"), (I32{-4, -6}));
  EXPECT_EQ(run("prod"), (I32{-60, 42}));
  EXPECT_EQ(run("l1"), (I32{12, 14}));
  EXPECT_EQ(run("l2"), (I32{7, 9}));
  EXPECT_EQ(run("sum_square"), (I32{50, 86}));
  EXPECT_EQ(reduce("max", {0}).in<uint8_t>(DType::Bool, {3}, {0, 1, 0}).run<uint8_t>(),
            (std::vector<uint8_t>{1}));
  EXPECT_EQ(reduce("min", {0}).in<uint8_t>(DType::Bool, {3}, {1, 1, 0}).run<uint8_t>(),
            (std::vector<uint8_t>{0}));
}

TEST(Reduce, RefusesWhatIsNotDefined) {
  EXPECT_NE(reduce("sum", {1, 0}).in({2, 2}, {1, 2, 3, 4}).infer(), "");
  EXPECT_NE(reduce("sum", {0, 0}).in({2, 2}, {1, 2, 3, 4}).infer(), "");
  EXPECT_NE(reduce("sum", {2}).in({2, 2}, {1, 2, 3, 4}).infer(), "");
  EXPECT_NE(reduce("sum", {-1}).in({2}, {1, 2}).infer(), "");
  EXPECT_NE(reduce("median", {0}).in({2}, {1, 2}).infer(), "");
  EXPECT_NE(reduce("sum", {0}).in<uint8_t>(DType::Bool, {1}, {1}).infer(), "");
  EXPECT_NE(reduce("log_sum", {0}).in<int32_t>(DType::I32, {1}, {1}).infer(), "");
}

OpCase argReduce(const char* fn, int64_t axis, bool keepDims = false, bool last = false) {
  OpCase c(kReduceOps, "nn.arg_reduce");
  c.attrs.setText("fn", fn);
  c.attrs.setInt("axis", axis);
  c.attrs.setInt("keep_dims", keepDims);
  if (last) c.attrs.setInt("select_last", 1);
  return c;
}

TEST(ArgReduce, TakesTheFirstOrLastExtremum) {
  using I64 = std::vector<int64_t>;
  const std::vector<float> x = {2, 7, 7, -1, 0.0f, -0.0f, 3, 3};
  EXPECT_EQ(argReduce("max", 1).in({2, 4}, x).run<int64_t>(), (I64{1, 2}));
  EXPECT_EQ(argReduce("max", 1, false, true).in({2, 4}, x).run<int64_t>(), (I64{2, 3}));
  EXPECT_EQ(argReduce("min", 1).in({2, 4}, x).run<int64_t>(), (I64{3, 0}));
  EXPECT_EQ(argReduce("min", 1, false, true).in({2, 4}, x).run<int64_t>(), (I64{3, 1}));
  EXPECT_EQ(argReduce("max", 0).in({2, 4}, x).run<int64_t>(), (I64{0, 0, 0, 1}));
  OpCase keep = argReduce("max", 0, true);
  keep.in({2, 4}, x).run<int64_t>();
  EXPECT_EQ(keep.type().shape, (Shape{1, 4}));
}

TEST(ArgReduce, NaNIsTheExtremum) {
  const std::vector<float> x = {1, math::kNaN, math::kInfinity, math::kNaN};
  EXPECT_EQ(argReduce("max", 0).in({4}, x).run<int64_t>()[0], 1);
  EXPECT_EQ(argReduce("min", 0).in({4}, x).run<int64_t>()[0], 1);
  EXPECT_EQ(argReduce("max", 0, false, true).in({4}, x).run<int64_t>()[0], 3);
}

TEST(ArgReduce, WorksOnIntegersAndLongAxes) {
  std::vector<int64_t> x(700, INT64_MIN);
  EXPECT_EQ(argReduce("max", 0).in<int64_t>(DType::I64, {700}, x).run<int64_t>()[0], 0);
  x[600] = INT64_MIN + 1;
  EXPECT_EQ(argReduce("max", 0).in<int64_t>(DType::I64, {700}, x).run<int64_t>()[0], 600);
  EXPECT_EQ(argReduce("min", 0).in<uint64_t>(DType::U64, {3}, {UINT64_MAX, 5, 6}).run<int64_t>()[0], 1);
}

TEST(ArgReduce, RefusesAnEmptyAxis) {
  EXPECT_NE(argReduce("max", 1).in({2, 0}, std::vector<float>{}).infer(), "");
  EXPECT_NE(argReduce("max", 0).in({}, {1.0f}).infer(), "");
  EXPECT_NE(argReduce("mean", 0).in({1}, {1.0f}).infer(), "");
}

TEST(CumSum, ForwardReverseExclusive) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  auto run = [&](int64_t axis, bool exclusive, bool reverse) {
    OpCase c(kReduceOps, "nn.cumsum");
    c.attrs.setInt("axis", axis);
    c.attrs.setInt("exclusive", exclusive);
    c.attrs.setInt("reverse", reverse);
    return c.in({2, 3}, x).run<float>();
  };
  EXPECT_EQ(run(1, false, false), (std::vector<float>{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(run(1, true, false), (std::vector<float>{0, 1, 3, 0, 4, 9}));
  EXPECT_EQ(run(1, false, true), (std::vector<float>{6, 5, 3, 15, 11, 6}));
  EXPECT_EQ(run(1, true, true), (std::vector<float>{5, 3, 0, 11, 6, 0}));
  EXPECT_EQ(run(0, false, false), (std::vector<float>{1, 2, 3, 5, 7, 9}));
  OpCase wrap(kReduceOps, "nn.cumsum");
  wrap.attrs.setInt("axis", 0);
  EXPECT_EQ(wrap.in<int8_t>(DType::I8, {3}, {100, 27, 1}).run<int8_t>(),
            (std::vector<int8_t>{100, 127, -128}));
}

OpCase topK(int64_t k, int64_t axis, bool largest) {
  OpCase c(kReduceOps, "nn.topk");
  c.attrs.setInt("k", k);
  c.attrs.setInt("axis", axis);
  c.attrs.setInt("largest", largest);
  return c;
}

TEST(TopK, SortsAndBreaksTiesByPlace) {
  OpCase largest = topK(4, 0, true);
  EXPECT_EQ(largest.in({6}, {3, 9, 3, -1, 9, 5}).run<float>(), (std::vector<float>{9, 9, 5, 3}));
  EXPECT_EQ(largest.get<int64_t>(1), (std::vector<int64_t>{1, 4, 5, 0}));
  OpCase smallest = topK(3, 0, false);
  EXPECT_EQ(smallest.in({6}, {3, 9, 3, -1, 9, 5}).run<float>(), (std::vector<float>{-1, 3, 3}));
  EXPECT_EQ(smallest.get<int64_t>(1), (std::vector<int64_t>{3, 0, 2}));
}

TEST(TopK, MatchesASortAlongEveryAxis) {
  const Shape shape = {3, 20, 2, 5};
  std::vector<float> x = randomFloats(shape, 4);
  for (float& value : x) value = std::floor(value); // ties
  for (int axis = 0; axis < shape.rank; ++axis)
    for (int64_t k : {int64_t{0}, int64_t{1}, shape[axis]}) {
      OpCase c = topK(k, axis, true);
      const std::vector<float> y = c.in(shape, x).run<float>();
      const std::vector<int64_t> places = c.get<int64_t>(1);
      const std::vector<std::vector<double>> groups = groupsOf(shape, x, {axis});
      const std::vector<std::vector<double>> got = groupsOf(c.type().shape, y, {axis});
      const std::vector<std::vector<double>> index =
          groupsOf(c.type().shape, std::vector<float>(places.begin(), places.end()), {axis});
      for (size_t g = 0; g < got.size(); ++g) {
        std::vector<double> order(groups[g].size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<double>(i);
        std::sort(order.begin(), order.end(), [&](double a, double b) {
          const double valueA = groups[g][static_cast<size_t>(a)], valueB = groups[g][static_cast<size_t>(b)];
          return valueA != valueB ? valueA > valueB : a < b;
        });
        order.resize(static_cast<size_t>(k));
        EXPECT_EQ(index[g], order);
      }
    }
}

TEST(TopK, NaNIsTheLargest) {
  OpCase c = topK(2, 0, true);
  EXPECT_TRUE(std::isnan(c.in({3}, {1.0f, math::kNaN, 5.0f}).run<float>()[0]));
  EXPECT_EQ(c.get<int64_t>(1), (std::vector<int64_t>{1, 2}));
  OpCase smallest = topK(3, 0, false);
  smallest.in({3}, {1.0f, math::kNaN, 5.0f}).run<float>();
  EXPECT_EQ(smallest.get<int64_t>(1), (std::vector<int64_t>{0, 2, 1}));
}

TEST(TopK, RefusesMoreThanThereAre) {
  EXPECT_NE(topK(4, 0, true).in({3}, {1, 2, 3}).infer(), "");
  EXPECT_NE(topK(-1, 0, true).in({3}, {1, 2, 3}).infer(), "");
  EXPECT_NE(topK(1, 1, true).in({3}, {1, 2, 3}).infer(), "");
}

} // namespace
} // namespace burin::rt
