#include "runtime/numerics/recurrent_tflite.h"
#include "runtime/ops/data_test_support.h"
#include "runtime/ops/op_case.h"

namespace burin::rt {
extern const OpTable kSvdfOps;

namespace data_test {
namespace {

struct Sizes {
  int64_t batch, features, units, rank, memory;
  int64_t filters() const { return units * rank; }
};
constexpr Sizes kSizes[] = {{1, 1, 1, 1, 1}, {2, 7, 5, 1, 9}, {3, 33, 4, 3, 17}, {1, 300, 2, 2, 1}};

// What a layer is made of, as numbers, and the state and units that they lead to: `feature` and `unit` turn
// sums into tensors' values.
template <class Number, class Feature, class Unit>
void compute(const Sizes& s, const std::vector<Number> (&in)[5], const Feature& feature, const Unit& unit,
             std::vector<Number>& y, std::vector<Number>& next) {
  const auto at = [](const std::vector<Number>& v, int64_t i) { return v[static_cast<size_t>(i)]; };
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t u = 0; u < s.units; ++u) {
      Number sum = at(in[3], u);
      for (int64_t f = u * s.rank; f < (u + 1) * s.rank; ++f)
        for (int64_t m = 0; m < s.memory; ++m) {
          Number product{};
          for (int64_t i = 0; i < s.features; ++i)
            product += at(in[0], b * s.features + i) * at(in[1], f * s.features + i);
          const int64_t place = (b * s.filters() + f) * s.memory + m;
          next.push_back(m + 1 < s.memory ? at(in[4], place + 1) : feature(product));
          sum += next.back() * at(in[2], f * s.memory + m);
        }
      y.push_back(unit(sum));
    }
}

TEST(Svdf, FloatUnitsSumWhatTheirFiltersRemember) {
  for (const Sizes& s : kSizes) {
    const Shape shapes[] = {{s.batch, s.features},
                            {s.filters(), s.features},
                            {s.filters(), s.memory},
                            {s.units},
                            {s.batch, s.filters(), s.memory}};
    test::OpCase op(kSvdfOps, "nn.svdf");
    op.attrs.setInt("rank", s.rank);
    std::vector<double> in[5], y, next;
    for (uint32_t i = 0; i < 5; ++i) {
      const std::vector<float> values = test::randomFloats(shapes[i], i + 1, -1, 1);
      op.in(shapes[i], values);
      in[i].assign(values.begin(), values.end());
    }
    const auto same = [](double v) { return v; };
    compute(s, in, same, same, y, next);
    test::expectNear(op.run<float>(), y, 1e-5, 1e-4);
    test::expectNear(op.get<float>(1), next, 1e-5, 1e-4);
  }
}

struct Integers {
  Sizes sizes{2, 7, 5, 2, 6};
  DType state = DType::I16;
  float scale[6] = {0.02f, 0.004f, 3e-5f, 0, 0.0008f, 0.05f}; // of the operands, of y
  int32_t zero[6] = {-11, 0, 0, 0, 0, 7};
  Requant feature, unit;

  OpCase make(Random& random) {
    const Sizes& s = sizes;
    EXPECT_EQ(encodeRecurrent(scale[0], scale[1], scale[4], feature), EncodeStatus::Ok);
    EXPECT_EQ(encodeRecurrent(scale[4], scale[2], scale[5], unit), EncodeStatus::Ok);
    OpCase op("qnn.svdf");
    op.input(randomArray(DType::I8, {s.batch, s.features}, random).quantized(scale[0], zero[0]))
        .input(randomArray(DType::I8, {s.filters(), s.features}, random))
        .input(randomArray(state, {s.filters(), s.memory}, random))
        .input(randomArray(DType::I32, {s.units}, random))
        .input(randomArray(state, {s.batch, s.filters(), s.memory}, random).quantized(scale[4], zero[4]))
        .integer("rank", s.rank)
        .ints("multiplier", {feature.multiplier, unit.multiplier})
        .ints("shift", {feature.shift, unit.shift});
    op.resultQuant = {{{scale[5]}, {zero[5]}, -1}, {{scale[4]}, {zero[4]}, -1}};
    return op;
  }
};

TEST(QSvdf, FollowsItsFormulaInEveryLayout) {
  Random random(7);
  for (DType state : {DType::I16, DType::I8})
    for (const Sizes& s : kSizes) {
      Integers net;
      net.sizes = s, net.state = state;
      if (state == DType::I8) net.scale[2] = 0.01f, net.scale[4] = 0.04f, net.zero[4] = -3;
      OpCase op = net.make(random);
      std::vector<int64_t> in[5], y, next;
      for (size_t i = 0; i < 5; ++i)
        for (int64_t k = 0; k < op.inputs[i].size(); ++k)
          in[i].push_back(static_cast<int64_t>(op.inputs[i].at(k)) - net.zero[i]);
      const int32_t low = state == DType::I16 ? INT16_MIN : INT8_MIN, zero = net.zero[4];
      compute(
          s, in,
          [&](int64_t sum) {
            return requantize(static_cast<int32_t>(sum), net.feature, zero, low, -low - 1) - int64_t{zero};
          },
          [&](int64_t sum) {
            return int64_t{requantize(static_cast<int32_t>(static_cast<uint32_t>(sum)), net.unit, net.zero[5],
                                      -128, 127)};
          },
          y, next);
      const std::vector<Array> results = runEverywhere(op);
      for (size_t i = 0; i < y.size(); ++i)
        ASSERT_EQ(results[0].at(static_cast<int64_t>(i)), static_cast<double>(y[i])) << i;
      for (size_t i = 0; i < next.size(); ++i)
        ASSERT_EQ(results[1].at(static_cast<int64_t>(i)), static_cast<double>(next[i] + zero)) << i;
    }
}

TEST(QSvdf, RefusesWhatDoesNotFit) {
  Random random(3);
  const OpCase good = Integers().make(random);
  const auto changed = [&](auto change) {
    OpCase op = good;
    change(op);
    return op;
  };
  expectRefused(changed([](OpCase& op) { op.inputs.pop_back(); }), "state");
  expectRefused(changed([](OpCase& op) { op.inputs[0] = Array(DType::U8, {2, 7}); }), "i8");
  expectRefused(changed([](OpCase& op) { op.inputs[1] = Array(DType::I8, {10, 8}); }), "feature weights");
  expectRefused(changed([](OpCase& op) { op.inputs[2] = Array(DType::I8, {10, 6}); }), "time weights");
  expectRefused(changed([](OpCase& op) { op.inputs[2] = Array(DType::I16, {10, 0}); }), "rank");
  expectRefused(changed([](OpCase& op) { op.inputs[3] = Array(DType::I32, {4}); }), "bias");
  expectRefused(changed([](OpCase& op) { op.inputs[4] = Array(DType::I16, {2, 10, 5}); }), "state");
  expectRefused(changed([](OpCase& op) { op.attrs.list[0].ints = {3}; }), "rank");
  expectRefused(changed([](OpCase& op) { op.attrs.list[1].ints = {1}; }), "multiplier");
  expectRefused(changed([](OpCase& op) { op.attrs.list[2].ints = {1, 99}; }), "shift");
  expectFails(changed([](OpCase& op) { op.resultQuant[1].scale = {1}; }), "one scale");
  expectFails(changed([](OpCase& op) { op.resultQuant[0] = {}; }), "scale");
}

} // namespace
} // namespace data_test
} // namespace burin::rt
