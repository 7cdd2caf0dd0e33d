#include "runtime/numerics/quantize.h"
#include "runtime/numerics/registry.h"
#include "runtime/ops/data_test_support.h"

namespace burin::rt::data_test {
namespace {

struct Range {
  int64_t low, high;
};
Range rangeOf(DType dtype) {
  switch (dtype) {
  case DType::I8:
    return {-128, 127};
  case DType::U8:
    return {0, 255};
  case DType::I16:
    return {-32768, 32767};
  default:
    return {0, 65535};
  }
}

// Half to even by comparing with the two neighbours.
int64_t nearest(float value) {
  const double floor = std::floor(static_cast<double>(value)), rest = static_cast<double>(value) - floor;
  const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(floor, 2) != 0);
  return static_cast<int64_t>(floor) + up;
}
int64_t quantizedValue(float x, float scale, int64_t zero, DType dtype) {
  const Range range = rangeOf(dtype);
  const float scaled = std::min(std::max(x / scale, -1e6f), 1e6f);
  return std::min(std::max(nearest(scaled) + zero, range.low), range.high);
}

// Floats around `span`, with ties and values far outside.
Array activations(const Shape& shape, float scale, Random& random) {
  Array x(DType::F32, shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    const uint32_t draw = random();
    x.as<float>()[i] = draw % 31 == 0  ? (draw & 512 ? 1e30f : -1e30f)
                       : draw % 5 == 0 ? (static_cast<float>(pick(random, -300, 300)) + 0.5f) * scale
                                       : static_cast<float>(pick(random, -40000, 40000)) * 0.01f * scale;
  }
  return x;
}

TEST(QuantizeTensor, RoundsHalfToEvenAndSaturates) {
  Random random(1);
  for (DType dtype : {DType::I8, DType::U8, DType::I16, DType::U16})
    for (int round = 0; round < 6; ++round) {
      const float scale = round % 2 ? 0.25f : 0.0371f;
      const int64_t zero = pick(random, std::max<int64_t>(rangeOf(dtype).low, -128),
                                std::min<int64_t>(rangeOf(dtype).high, 255));
      const Shape shape{1, round % 3 ? pick(random, 1, 70) : 3, 17, 19};
      const Array x = activations(shape, scale, random);
      Array expected(dtype, shape);
      for (int64_t i = 0; i < x.size(); ++i)
        store(expected, i, quantizedValue(x.as<float>()[i], scale, zero, dtype));
      OpCase c("qnn.quantize");
      c.input(x).result(dtype, scale, static_cast<int32_t>(zero));
      expectSame(runEverywhere(c)[0], expected);

      OpCase back("qnn.dequantize");
      back.input(expected.quantized(scale, static_cast<int32_t>(zero)));
      Array reals(DType::F32, shape);
      for (int64_t i = 0; i < x.size(); ++i)
        reals.as<float>()[i] = static_cast<float>(static_cast<int64_t>(expected.at(i)) - zero) * scale;
      expectSame(runEverywhere(back)[0], reals);
    }
}

TEST(QuantizeTensor, OtherRulesAndAxes) {
  Random random(2);
  const Array x = activations({2, 5, 7}, 0.1f, random);
  for (const char* rule : {"divide", "multiply"})
    for (const char* rounding : kRoundingNames) {
      OpCase c("qnn.quantize");
      c.input(x).text("quantize", rule).text("rounding", rounding).result(DType::I8, 0.1f, 4);
      Rounding mode = Rounding::HalfEven;
      ASSERT_TRUE(parse(rounding, mode));
      Array expected(DType::I8, x.type.shape);
      for (int64_t i = 0; i < x.size(); ++i) {
        const float value = x.as<float>()[i];
        const float scaled = std::string(rule) == "divide" ? value / 0.1f : value * (1.0f / 0.1f);
        store(expected, i, saturate(roundToInteger(static_cast<double>(scaled), mode) + 4, -128, 127));
      }
      expectSame(runEverywhere(c)[0], expected);
    }
  OpCase axis("qnn.quantize");
  axis.input(x).result(DType::U8, 1, 0);
  axis.resultQuant[0].axis = 1;
  axis.resultQuant[0].scale = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f};
  axis.resultQuant[0].zeroPoint = {0, 10, 20, 30, 255};
  Array expected(DType::U8, x.type.shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    const size_t k = static_cast<size_t>(i / 7 % 5);
    store(expected, i,
          quantizedValue(x.as<float>()[i], axis.resultQuant[0].scale[k], axis.resultQuant[0].zeroPoint[k],
                         DType::U8));
  }
  expectSame(runEverywhere(axis)[0], expected);
}

TEST(QuantizeTensor, RefusesWrongParameters) {
  Random random(3);
  OpCase c("qnn.quantize");
  c.input(Array(DType::F32, {4})).result(DType::I8, 0.5f, 200);
  EXPECT_NE(runCase(c, Isa::Reference, 1, Layout::RowMajor, Layout::RowMajor, random)
                .failure.find("zero point 200"),
            std::string::npos);
  c.resultQuant[0] = Quant();
  EXPECT_NE(
      runCase(c, Isa::Reference, 1, Layout::RowMajor, Layout::RowMajor, random).failure.find("no scale"),
      std::string::npos);
  c.text("rounding", "sideways");
  expectRefused(c, "unknown rounding");
}

TEST(Requantize, EveryPolicyToEveryByteType) {
  Random random(4);
  for (const char* policy : kRequantPolicyNames)
    for (DType from : {DType::I8, DType::U8, DType::I16})
      for (DType to : {DType::I8, DType::U8, DType::I16}) {
        const bool shifts = std::string(policy) == "shift_half_up";
        const float scaleX = shifts ? 0.25f : 0.031f, scaleY = shifts ? 0.5f : 0.0173f;
        const int32_t zeroX = from == DType::U8 ? 131 : -5, zeroY = to == DType::U8 ? 7 : 11;
        const Array x = randomArray(from, {1, pick(random, 1, 70), 5, 6}, random).quantized(scaleX, zeroX);
        RequantPolicy rule = RequantPolicy::FloatHalfEven;
        Requant requant;
        ASSERT_TRUE(parse(policy, rule));
        ASSERT_EQ(encodeRescale(rule, scaleX, scaleY, requant), EncodeStatus::Ok);
        Array expected(to, x.type.shape);
        for (int64_t i = 0; i < x.size(); ++i)
          store(expected, i,
                requantize(static_cast<int32_t>(x.at(i)) - zeroX, requant, zeroY,
                           static_cast<int32_t>(std::max<int64_t>(rangeOf(to).low, -100)),
                           static_cast<int32_t>(rangeOf(to).high)));
        OpCase c("qnn.requantize");
        c.input(x).text("requant", policy).integer("q_lo", -100).result(to, scaleY, zeroY);
        expectSame(runEverywhere(c)[0], expected);
      }
}

TEST(Requantize, StatedNumbersReplaceTheScales) {
  OpCase c("qnn.requantize");
  c.input(Array(DType::I8, {3}, std::vector<int8_t>{-10, 3, 100}).quantized(1, 0)).result(DType::I8, 1, 0);
  c.text("requant", "multiplier_shift_half_up").integer("multiplier", 3).integer("shift", 1); // times 1.5
  expectSame(runEverywhere(c)[0], Array(DType::I8, {3}, std::vector<int8_t>{-15, 5, 127}));
  c.attrs.list.back().ints = {40};
  Random random(1);
  EXPECT_NE(runCase(c, Isa::Reference, 1, Layout::RowMajor, Layout::RowMajor, random)
                .failure.find("outside the policy's range"),
            std::string::npos);
}

TEST(QuantizeModel, ScaleForms) {
  Random random(5);
  const Array x = activations({3, 4, 7}, 0.1f, random);
  struct Form {
    Shape shape;
    int64_t axis, block;
  };
  for (const Form& form :
       {Form{Shape(), 1, 0}, Form{Shape{1}, 0, 0}, Form{Shape{4}, 1, 0}, Form{Shape{7}, 2, 0},
        Form{Shape{3, 4, 3}, 2, 3}, Form{Shape{3, 2, 7}, 1, 2}, Form{Shape{1, 4, 7}, 0, 3}})
    for (DType dtype : {DType::I8, DType::U8, DType::I16}) {
      Array scale(DType::F32, form.shape), zero(dtype, form.shape);
      for (int64_t i = 0; i < scale.size(); ++i) {
        scale.as<float>()[i] = 0.05f * static_cast<float>(i + 1);
        store(zero, i, pick(random, 0, 100));
      }
      Array expected(dtype, x.type.shape), reals(DType::F32, x.type.shape);
      for (int64_t i = 0; i < x.size(); ++i) {
        std::vector<int64_t> p = unravel(x.type.shape, i);
        int64_t k = 0;
        if (form.block) {
          p[static_cast<size_t>(form.axis)] /= form.block;
          k = ravel(form.shape, p);
        } else if (scale.size() > 1) {
          k = p[static_cast<size_t>(form.axis)];
        }
        const int64_t q =
            quantizedValue(x.as<float>()[i], scale.as<float>()[k], static_cast<int64_t>(zero.at(k)), dtype);
        store(expected, i, q);
        reals.as<float>()[i] =
            static_cast<float>(q - static_cast<int64_t>(zero.at(k))) * scale.as<float>()[k];
      }
      OpCase c("nn.quantize");
      c.input(x).input(scale).input(zero).integer("axis", form.axis).integer("block", form.block);
      expectSame(runEverywhere(c)[0], expected);
      OpCase back("nn.dequantize");
      back.input(expected).input(scale).input(zero).integer("axis", form.axis).integer("block", form.block);
      expectSame(runEverywhere(back)[0], reals);
    }
  const std::vector<int64_t> longs = {int64_t{1} << 40, -3, INT64_MIN};
  OpCase back("nn.dequantize");
  back.input(Array(DType::I64, {3}, longs)).input(Array(DType::F32, {1}, std::vector<float>{0.5f}));
  back.input(Array(DType::I64, {1}, std::vector<int64_t>{1}));
  expectSame(
      runEverywhere(back)[0],
      Array(DType::F32, {3}, std::vector<float>{0x1p39f, -2.0f, 0x1p62f})); // the last difference wraps
  OpCase wrong("nn.quantize");
  wrong.input(x).input(Array(DType::F32, {3})).input(Array(DType::I8, {3})).integer("axis", 1);
  expectRefused(wrong, "does not fit axis 1");
}

} // namespace
} // namespace burin::rt::data_test
