#include "runtime/numerics/elementwise.h"
#include "runtime/numerics/elementwise_tflite.h"
#include "runtime/numerics/quantize.h"
#include "runtime/numerics/registry.h"
#include "runtime/ops/data_test_support.h"
#include "runtime/ops/stored_value.h"

namespace burin::rt::data_test {
namespace {

struct Operands {
  Array a, b;
  Shape result;
};
Operands operands(int form, DType dtypeA, DType dtypeB, Random& random) {
  const int64_t c = pick(random, 1, 70);
  const Shape full{2, c, 3, 5};
  const Shape other = form == 0 ? full : form == 1 ? Shape{1, c, 1, 1} : form == 2 ? Shape{5} : Shape();
  Operands o{randomArray(dtypeA, full, random), randomArray(dtypeB, other, random), full};
  o.a.quantized(0.05f, dtypeA == DType::U8 ? 120 : -3);
  o.b.quantized(0.032f, dtypeB == DType::U8 ? 13 : 9);
  if (form == 3) std::swap(o.a, o.b);
  return o;
}
int64_t broadcastIndex(const Shape& from, const Shape& result, int64_t i) {
  const std::vector<int64_t> p = unravel(result, i);
  std::vector<int64_t> q;
  for (int axis = 0; axis < from.rank; ++axis)
    q.push_back(from[axis] == 1 ? 0 : p[static_cast<size_t>(axis + result.rank - from.rank)]);
  return ravel(from, q);
}

TEST(QBinary, SumsByEveryPolicy) {
  Random random(1);
  for (const char* rule : kAddPolicyNames)
    for (const char* fn : {"add", "sub"})
      for (int form = 0; form < 4; ++form)
        for (DType dtype : {DType::I8, DType::U8}) {
          const DType dtypeB = form % 2 ? DType::I8 : dtype;
          const Operands o = operands(form, dtype, dtypeB, random);
          const int32_t zero = dtype == DType::U8 ? 100 : 5, low = dtype == DType::U8 ? 20 : -90, high = 110;
          AddParameters p;
          AddPolicy policy = AddPolicy::FloatRatio;
          ASSERT_TRUE(parse(rule, policy));
          ASSERT_EQ(encodeAdd(policy, o.a.quant.scale[0], o.b.quant.scale[0], 0.07f, 8, p), EncodeStatus::Ok);
          p.subtract = std::string(fn) == "sub";
          p.zeroPointA = o.a.quant.zeroPoint[0];
          p.zeroPointB = o.b.quant.zeroPoint[0];
          p.zeroPointOut = zero;
          p.lowestA = static_cast<int32_t>(lowestOf(o.a.type.dtype));
          p.lowestB = static_cast<int32_t>(lowestOf(o.b.type.dtype));
          p.lowestOut = static_cast<int32_t>(lowestOf(dtype));
          p.low = low;
          p.high = high;
          Array expected(dtype, o.result);
          for (int64_t i = 0; i < expected.size(); ++i)
            store(expected, i,
                  addQuantized(static_cast<int32_t>(o.a.at(broadcastIndex(o.a.type.shape, o.result, i))),
                               static_cast<int32_t>(o.b.at(broadcastIndex(o.b.type.shape, o.result, i))), p));
          OpCase c("qnn.binary");
          c.input(o.a)
              .input(o.b)
              .text("fn", fn)
              .text("rule", rule)
              .integer("q_lo", low)
              .integer("q_hi", high)
              .result(dtype, 0.07f, zero);
          std::vector<std::string> kernels;
          expectSame(runEverywhere(c, &kernels)[0], expected);
          if (policy == AddPolicy::FloatRatio)
            EXPECT_NE(std::find(kernels.begin(), kernels.end(), "bytes"), kernels.end());
        }
}

TEST(QBinary, FloatSumByHand) {
  // (12 - 2) * 0.5 + (7 - 1) * 0.25 = 6.5; / 0.5 = 13; + 3
  OpCase c("qnn.binary");
  c.input(Array(DType::I8, {1}, std::vector<int8_t>{12}).quantized(0.5f, 2))
      .input(Array(DType::I8, {1}, std::vector<int8_t>{7}).quantized(0.25f, 1));
  c.text("fn", "add").result(DType::I8, 0.5f, 3);
  expectSame(runEverywhere(c)[0], Array(DType::I8, {1}, std::vector<int8_t>{16}));
}

// The rule of 64-bit accumulators is another one for TensorFlow Lite.
TEST(QBinary, ProductsBeyond32BitsAreWide) {
  Random random(3);
  for (DType dtype : {DType::I16, DType::U16}) {
    const Array a = randomArray(dtype, {2, 5, 3, 7}, random).quantized(0.0005f, 0),
                b = randomArray(dtype, {2, 5, 3, 7}, random).quantized(0.0003f, 0);
    const float scale = 0.004f;
    Requant rule;
    ASSERT_EQ(encodeRequant(RequantPolicy::Tflite,
                            multiplyScale(RequantPolicy::Tflite, 0.0005f, 0.0003f, scale), rule),
              EncodeStatus::Ok);
    Array expected(DType::I16, a.type.shape);
    for (int64_t i = 0; i < expected.size(); ++i) {
      const int64_t product = static_cast<int64_t>(a.at(i)) * static_cast<int64_t>(b.at(i));
      store(expected, i,
            dtype == DType::U16 ? requantize(product, rule, 0, INT16_MIN, INT16_MAX)
                                : requantize(static_cast<int32_t>(product), rule, 0, INT16_MIN, INT16_MAX));
    }
    OpCase c("qnn.binary");
    c.input(a).input(b).text("fn", "mul").text("rule", "tflite").text("to", "i16");
    expectSame(runEverywhere(c.result(DType::I16, scale, 0))[0], expected);
  }
}

TEST(QBinary, ProductsMinimaAndMaxima) {
  Random random(2);
  for (const char* name : kRequantPolicyNames)
    for (const char* fn : {"mul", "min", "max"})
      for (int form = 0; form < 4; ++form) {
        RequantPolicy policy = RequantPolicy::FloatHalfEven;
        ASSERT_TRUE(parse(name, policy));
        Operands o =
            operands(form, form == 1 ? DType::U8 : DType::I8, form == 2 ? DType::I16 : DType::I8, random);
        float scale = 0.021f;
        if (policy == RequantPolicy::ShiftHalfUp) {
          o.a.quant.scale = o.b.quant.scale = {0.5f};
          scale = std::string(fn) == "mul" ? 1.0f : 0.5f;
        }
        const int32_t zeroA = o.a.quant.zeroPoint[0], zeroB = o.b.quant.zeroPoint[0], zero = -4;
        const float scaleA = o.a.quant.scale[0], scaleB = o.b.quant.scale[0];
        Requant product, left, right;
        ASSERT_EQ(encodeRequant(policy, multiplyScale(policy, scaleA, scaleB, scale), product),
                  EncodeStatus::Ok);
        ASSERT_EQ(encodeRescale(policy, scaleA, scale, left), EncodeStatus::Ok);
        ASSERT_EQ(encodeRescale(policy, scaleB, scale, right), EncodeStatus::Ok);
        Array expected(DType::I8, o.result);
        for (int64_t i = 0; i < expected.size(); ++i) {
          const int32_t a = static_cast<int32_t>(o.a.at(broadcastIndex(o.a.type.shape, o.result, i))) - zeroA;
          const int32_t b = static_cast<int32_t>(o.b.at(broadcastIndex(o.b.type.shape, o.result, i))) - zeroB;
          if (std::string(fn) == "mul") {
            store(expected, i, requantize(a * b, product, zero, -128, 127));
            continue;
          }
          const int32_t p = requantize(a, left, zero, -128, 127), q = requantize(b, right, zero, -128, 127);
          store(expected, i, std::string(fn) == "min" ? std::min(p, q) : std::max(p, q));
        }
        OpCase c("qnn.binary");
        c.input(o.a)
            .input(o.b)
            .text("fn", fn)
            .text("rule", name)
            .text("to", "i8")
            .result(DType::I8, scale, zero);
        expectSame(runEverywhere(c)[0], expected);
      }
}

int32_t pairResult(const std::string& fn, int32_t a, int32_t b, const PairTflite& p) {
  const int32_t x = comparedTflite(a, p.a), y = comparedTflite(b, p.b);
  if (fn == "prelu") return preluTflite(a, b, p);
  if (fn == "div") return divideTflite(a, b, p);
  if (fn == "equal") return x == y;
  if (fn == "less") return x < y;
  if (fn == "less_equal") return x <= y;
  if (fn == "greater") return x > y;
  if (fn == "greater_equal") return x >= y;
  return squaredDifferenceTflite(a, b, p);
}

TEST(QBinary, WhatOnlyTfliteComputes) {
  Random random(5);
  for (const char* fn :
       {"squared_difference", "prelu", "div", "equal", "less", "less_equal", "greater", "greater_equal"})
    for (int form = 0; form < 4; ++form)
      for (DType dtype : {DType::I8, DType::U8}) {
        const Operands o = operands(form, dtype, form % 2 ? DType::I8 : dtype, random);
        const float scaleA = o.a.quant.scale[0], scaleB = o.b.quant.scale[0], scale = 0.07f;
        const std::string name = fn;
        const bool comparison = name.find("equal") != name.npos || name == "less" || name == "greater";
        PairTflite p;
        ASSERT_EQ(comparison        ? encodeCompareTflite(scaleA, scaleB, p)
                  : name == "prelu" ? encodePreluTflite(scaleA, scaleB, scale, p)
                  : name == "div"   ? encodeDivideTflite(scaleA, scaleB, scale, p)
                                    : encodeSquaredDifferenceTflite(scaleA, scaleB, scale, p),
                  EncodeStatus::Ok);
        const DType to = comparison ? DType::Bool : dtype;
        const int32_t zero = dtype == DType::U8 ? 100 : 5, low = dtype == DType::U8 ? 20 : -90, high = 110;
        Array expected(to, o.result);
        for (int64_t i = 0; i < expected.size(); ++i) {
          const int64_t a = o.a.at(broadcastIndex(o.a.type.shape, o.result, i)) - o.a.quant.zeroPoint[0],
                        b = o.b.at(broadcastIndex(o.b.type.shape, o.result, i)) - o.b.quant.zeroPoint[0];
          const int64_t value = pairResult(name, static_cast<int32_t>(a), static_cast<int32_t>(b), p);
          store(expected, i, comparison ? value : saturate(value + zero, low, high));
        }
        OpCase c("qnn.binary");
        c.input(o.a)
            .input(o.b)
            .text("fn", fn)
            .text("rule", "tflite")
            .integer("q_lo", low)
            .integer("q_hi", high);
        expectSame(runEverywhere(comparison ? c : c.result(dtype, scale, zero))[0], expected);
      }
}

TEST(QBinary, RefusesWhatOnlyTfliteComputes) {
  OpCase c("qnn.binary");
  c.input(Array(DType::I8, {2}).quantized(1, 0))
      .input(Array(DType::I8, {2}).quantized(1, 0))
      .text("fn", "less");
  expectRefused(c, "rule tflite alone");
  c.text("rule", "tflite");
  OpCase wide = c, large = c;
  expectFails(c.result(DType::I8, 1, 0), "a comparison gives bool");
  wide.inputs[1] = Array(DType::I16, {2}).quantized(1, 0);
  expectRefused(wide, "8 bit integers");
  large.inputs[1] = Array(DType::I8, {2}).quantized(1e30f, 0);
  expectFails(large, "too large");
}

TEST(QBinary, Refuses) {
  OpCase c("qnn.binary");
  c.input(Array(DType::I8, {2}).quantized(1, 0))
      .input(Array(DType::I8, {3}).quantized(1, 0))
      .text("fn", "add");
  expectRefused(c, "do not broadcast");
  c.inputs[1] = Array(DType::I8, {2});
  c.text("rule", "magic");
  expectRefused(c, "unknown policy 'magic'");
  c.attrs.list.pop_back();
  c.result(DType::I8, 1, 0);
  Random random(1);
  EXPECT_NE(
      runCase(c, Isa::Reference, 1, Layout::RowMajor, Layout::RowMajor, random).failure.find("has no scale"),
      std::string::npos);
}

TEST(Lut, RawBitsIndexTheTable) {
  Random random(3);
  for (DType from : {DType::I8, DType::U8})
    for (DType to : {DType::I8, DType::U8, DType::I16, DType::F32}) {
      const Array x = randomArray(from, {2, pick(random, 1, 100), 4, 5}, random),
                  table = randomArray(to, {256}, random);
      const Array expected = moved(table, x.type.shape, [&](const std::vector<int64_t>& p) {
        return int64_t{x.bytes[static_cast<size_t>(ravel(x.type.shape, p))]};
      });
      std::vector<std::string> kernels;
      expectSame(runEverywhere(OpCase("qnn.lut").input(x).input(table), &kernels)[0], expected);
      if (dtypeBytes(to) == 1) EXPECT_NE(std::find(kernels.begin(), kernels.end(), "bytes"), kernels.end());
    }
  const Array wide = randomArray(DType::I16, {50}, random), table = randomArray(DType::I16, {65536}, random);
  const Array expected =
      moved(table, {50}, [&](const std::vector<int64_t>& p) { return int64_t{wide.as<uint16_t>()[p[0]]}; });
  expectSame(runEverywhere(OpCase("qnn.lut").input(wide).input(table))[0], expected);
}

TEST(Lut, OneTablePerChannel) {
  Random random(4);
  const Array x = randomArray(DType::I8, {2, 6, 3, 5}, random),
              table = randomArray(DType::I8, {6, 256}, random);
  const Array expected = moved(table, x.type.shape, [&](const std::vector<int64_t>& p) {
    return p[1] * 256 + x.bytes[static_cast<size_t>(ravel(x.type.shape, p))];
  });
  expectSame(runEverywhere(OpCase("qnn.lut").input(x).input(table).integer("axis", 1))[0], expected);
  expectRefused(OpCase("qnn.lut").input(x).input(Array(DType::I8, {255})), "must have shape 256");
  expectRefused(OpCase("qnn.lut").input(Array(DType::F32, {2})).input(table), "8 or 16 bit");
}

} // namespace
} // namespace burin::rt::data_test
