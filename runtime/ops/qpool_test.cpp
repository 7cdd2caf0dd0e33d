#include "runtime/numerics/elementwise_tflite.h"
#include "runtime/numerics/pool.h"
#include "runtime/numerics/quantize.h"
#include "runtime/numerics/registry.h"
#include "runtime/ops/data_test_support.h"

namespace burin::rt::data_test {
namespace {

constexpr const char* kAverages[] = {"float_half_even", "multiplier_shift_half_up", "qdm_half_away",
                                     "tflite",          "multiplier15_half_even",   "integer_half_away"};

struct Quantization {
  float scaleX = 0.05f, scaleY = 0.04f;
  int32_t zeroX = 0, zeroY = 0;
};

int64_t mean(const std::string& rule, int64_t sum, int64_t count, const Quantization& q, int64_t low,
             int64_t high) {
  if (rule == "integer_half_away")
    return averageInteger(static_cast<int32_t>(sum + count * q.zeroX), static_cast<int32_t>(count),
                          static_cast<int32_t>(low), static_cast<int32_t>(high));
  RequantPolicy policy = RequantPolicy::FloatHalfEven;
  EXPECT_TRUE(parse(rule, policy));
  Requant requant;
  EXPECT_EQ(encodeAverage(policy, q.scaleX, q.scaleY, static_cast<int32_t>(count), requant),
            EncodeStatus::Ok);
  return requantize(static_cast<int32_t>(sum), requant, q.zeroY, static_cast<int32_t>(low),
                    static_cast<int32_t>(high));
}

TEST(QAvgPool, PaddingIsZeroAndCountsOnDemand) {
  Random random(1);
  for (const char* rule : kAverages)
    for (DType dtype : {DType::I8, DType::U8, DType::I16})
      for (int64_t includePad : {0, 1}) {
        Quantization q;
        q.zeroX = dtype == DType::U8 ? 77 : -9;
        q.zeroY = dtype == DType::U8 ? 30 : 12;
        if (std::string(rule) == "integer_half_away") q.scaleY = q.scaleX, q.zeroY = q.zeroX;
        const int64_t c = pick(random, 1, 90), n = 9;
        const Array x = randomArray(dtype, {2, c, n, n}, random).quantized(q.scaleX, q.zeroX);
        const Shape shape{2, c, 5, 5};
        Array expected(dtype, shape);
        const int64_t low = dtype == DType::U8 ? 10 : -100, high = dtype == DType::I16 ? 32767 : 120;
        for (int64_t i = 0; i < expected.size(); ++i) {
          const std::vector<int64_t> p = unravel(shape, i);
          int64_t sum = 0, inside = 0, padded = 0;
          for (int64_t a = p[2] * 2 - 1; a < p[2] * 2 + 2; ++a)
            for (int64_t b = p[3] * 2 - 1; b < p[3] * 2 + 2; ++b) {
              ++padded; // kernel 3, stride 2, pads 1: no window leaves the padded input
              if (a < 0 || a >= n || b < 0 || b >= n) continue;
              ++inside;
              sum += static_cast<int64_t>(x.at(ravel(x.type.shape, {p[0], p[1], a, b}))) - q.zeroX;
            }
          store(expected, i, mean(rule, sum, includePad ? padded : inside, q, low, high));
        }
        OpCase op("qnn.avg_pool");
        op.input(x)
            .ints("kernel", {3, 3})
            .ints("strides", {2, 2})
            .ints("pads", {1, 1, 1, 1})
            .ints("sizes", {5, 5});
        op.integer("count_include_pad", includePad)
            .text("requant", rule)
            .integer("q_lo", low)
            .integer("q_hi", high);
        op.result(dtype, q.scaleY, q.zeroY);
        std::vector<std::string> kernels;
        expectSame(runEverywhere(op, &kernels)[0], expected);
        if (std::string(rule) == "float_half_even" && dtype != DType::I16)
          EXPECT_NE(std::find(kernels.begin(), kernels.end(), "mean-rows"), kernels.end());
      }
}

TEST(QReduce, MeansAndSums) {
  Random random(2);
  for (const char* rule : kAverages)
    for (DType dtype : {DType::I8, DType::U8})
      for (const std::vector<int64_t>& axes : {std::vector<int64_t>{2, 3}, {1}, {0, 2}, {0, 1, 2, 3}, {}})
        for (int64_t keep : {0, 1}) {
          Quantization q;
          q.zeroX = dtype == DType::U8 ? 77 : -9;
          q.zeroY = dtype == DType::U8 ? 30 : 12;
          if (std::string(rule) == "integer_half_away") q.scaleY = q.scaleX, q.zeroY = q.zeroX;
          const Array x =
              randomArray(dtype, {2, pick(random, 1, 90), 7, 6}, random).quantized(q.scaleX, q.zeroX);
          Shape shape, kept = x.type.shape;
          for (int64_t axis : axes) kept[static_cast<int>(axis)] = 1;
          for (int axis = 0; axis < 4; ++axis)
            if (keep || std::find(axes.begin(), axes.end(), axis) == axes.end()) shape.push(kept[axis]);
          std::vector<int64_t> sums(static_cast<size_t>(kept.elements()));
          for (int64_t i = 0; i < x.size(); ++i) {
            std::vector<int64_t> p = unravel(x.type.shape, i);
            for (int64_t axis : axes) p[static_cast<size_t>(axis)] = 0;
            sums[static_cast<size_t>(ravel(kept, p))] += static_cast<int64_t>(x.at(i)) - q.zeroX;
          }
          const int64_t count = x.size() / kept.elements(), low = dtype == DType::U8 ? 0 : -128,
                        high = dtype == DType::U8 ? 255 : 127;
          Array expected(dtype, shape);
          for (int64_t i = 0; i < expected.size(); ++i)
            store(expected, i, mean(rule, sums[static_cast<size_t>(i)], count, q, low, high));
          OpCase op("qnn.reduce");
          op.input(x)
              .text("fn", "mean")
              .ints("axes", axes)
              .integer("keep_dims", keep)
              .text("requant", rule)
              .result(dtype, q.scaleY, q.zeroY);
          expectSame(runEverywhere(op)[0], expected);
        }
  OpCase sum("qnn.reduce");
  sum.input(Array(DType::I8, {3}, std::vector<int8_t>{5, 6, -3}).quantized(0.5f, 1))
      .text("fn", "sum")
      .ints("axes", {0})
      .integer("keep_dims", 1);
  sum.result(DType::I8, 1, 2); // (4 + 5 - 4) * 0.5 = 2.5, to even 2, plus 2
  expectSame(runEverywhere(sum)[0], Array(DType::I8, {1}, std::vector<int8_t>{4}));
  sum.text("requant", "integer_half_away");
  expectRefused(sum, "a rule for means");
}

TEST(QReduce, GlobalMeanUsesRows) {
  Random random(3);
  OpCase op("qnn.reduce");
  op.input(randomArray(DType::I8, {1, 512, 7, 7}, random).quantized(0.1f, -3))
      .text("fn", "mean")
      .ints("axes", {2, 3})
      .integer("keep_dims", 1);
  op.result(DType::I8, 0.03f, 4);
  std::vector<std::string> kernels;
  runEverywhere(op, &kernels);
  EXPECT_NE(std::find(kernels.begin(), kernels.end(), "sum-rows"), kernels.end());
  op.ints("axes", {4});
  op.attrs.list[1].ints = {4};
  expectRefused(op, "which is no axis");
}

TEST(QReduce, ProductsScaleEveryFactor) {
  Random random(11);
  for (const std::vector<int64_t>& axes : {std::vector<int64_t>{1}, {1, 3}, {2}}) {
    const Array x = randomArray(DType::I8, {2, 3, 5, 4}, random).quantized(0.02f, 3);
    const Requant factor{RequantPolicy::Tflite, 1518500250, 5, 1.0f};
    OpCase c("qnn.reduce");
    c.input(x).text("fn", "prod").text("requant", "tflite").ints("axes", axes).integer("keep_dims", 1);
    c.ints("multiplier", {factor.multiplier}).ints("shift", {factor.shift}).result(DType::I8, 0.01f, -9);
    const Array y = runEverywhere(c)[0];
    std::map<int64_t, int32_t> products;
    for (int64_t i = 0; i < x.size(); ++i) {
      std::vector<int64_t> p = unravel(x.type.shape, i);
      for (int64_t axis : axes) p[static_cast<size_t>(axis)] = 0;
      const int32_t value = static_cast<int32_t>(x.at(i)) - 3;
      const auto [at, first] = products.try_emplace(ravel(y.type.shape, p), value);
      if (!first) at->second = productTflite(at->second, value, factor);
    }
    for (const auto& [i, product] : products)
      EXPECT_EQ(y.at(i), saturate(productTflite(product, 1, factor) - 9, -128, 127)) << i;
  }
}

TEST(QReduce, RefusesProductsWithoutAFactor) {
  OpCase c("qnn.reduce");
  c.input(Array(DType::I8, {2, 3}).quantized(0.1f, 0)).text("fn", "prod").text("requant", "tflite");
  c.ints("axes", {1}).integer("keep_dims", 0).result(DType::I8, 0.1f, 0);
  expectFails(c, "one multiplier");
  OpCase shift = c, type = c;
  expectFails(shift.ints("multiplier", {1}).ints("shift", {-8}), "[-7, 31]");
  type.inputs[0] = Array(DType::U8, {2, 3}).quantized(0.1f, 0);
  expectFails(type, "signed bytes");
}

} // namespace
} // namespace burin::rt::data_test
