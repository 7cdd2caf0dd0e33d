#include "runtime/numerics/recurrent_tflite.h"
#include "runtime/ops/data_test_support.h"

namespace burin::rt::data_test {
namespace {

// A layer, and its steps in plain integers.
struct Layer {
  int64_t steps = 4, batch = 2, features = 5, hidden = 7;
  float xScale = 0.013f, yScale = 1.0f / 128, cellScale = 1.0f / 2048, clip = 0;
  int32_t xZero = -9, yZero = 5, hZero = 5;
  std::vector<int64_t> multiplier, shift;
  std::vector<Requant> factor;

  OpCase make(Random& random) {
    for (int i = 0; i < 9; ++i) {
      const float weight = 0.002f + 0.0011f * static_cast<float>(i);
      factor.emplace_back();
      const EncodeStatus status =
          i < 8 ? encodeRecurrent(weight, i < 4 ? xScale : yScale, 1.0f / 4096, factor.back())
                : encodeRecurrent(1.0f / 32768, 1.0f / 32768, yScale, factor.back());
      EXPECT_EQ(status, EncodeStatus::Ok);
      multiplier.push_back(factor.back().multiplier);
      shift.push_back(factor.back().shift);
    }
    OpCase op("qnn.lstm");
    Array bias(DType::I32, {1, 4 * hidden});
    for (int64_t i = 0; i < bias.size(); ++i)
      bias.as<int32_t>()[i] = static_cast<int32_t>(pick(random, -9000, 9000));
    op.input(randomArray(DType::I8, {steps, batch, features}, random).quantized(xScale, xZero))
        .input(randomArray(DType::I8, {1, 4 * hidden, features}, random))
        .input(randomArray(DType::I8, {1, 4 * hidden, hidden}, random))
        .input(bias)
        .input(randomArray(DType::I8, {1, batch, hidden}, random).quantized(yScale, yZero))
        .input(randomArray(DType::I16, {1, batch, hidden}, random).quantized(cellScale, 0))
        .ints("multiplier", multiplier)
        .ints("shift", shift);
    if (clip > 0) op.real("cell_clip", clip);
    if (hZero != yZero) op.integer("h_zero", hZero);
    op.resultQuant = {{{yScale}, {yZero}, -1}, {{yScale}, {yZero}, -1}, {{cellScale}, {0}, -1}};
    return op;
  }

  int32_t gate(const OpCase& op, const std::vector<int32_t>& h, int64_t t, int64_t b, int64_t row) const {
    int64_t driven = static_cast<int64_t>(op.inputs[3].at(row)), recurrent = 0;
    for (int64_t i = 0; i < features; ++i)
      driven += (op.inputs[0].as<int8_t>()[(t * batch + b) * features + i] - xZero) *
                op.inputs[1].as<int8_t>()[row * features + i];
    for (int64_t i = 0; i < hidden; ++i)
      recurrent += (h[static_cast<size_t>(i)] - yZero) * op.inputs[2].as<int8_t>()[row * hidden + i];
    const size_t which = static_cast<size_t>(row / hidden);
    const int32_t sum = requantize(static_cast<int32_t>(driven), factor[which], 0, INT16_MIN, INT16_MAX);
    const int32_t z =
        requantize(static_cast<int32_t>(recurrent), factor[4 + which], sum, INT16_MIN, INT16_MAX);
    return which == 3 ? tanhQ(z, 3) : sigmoidQ3(z);
  }

  // y, yh and yc.
  std::vector<std::vector<int32_t>> run(const OpCase& op) const {
    std::vector<std::vector<int32_t>> results(3);
    results[0].resize(static_cast<size_t>(steps * batch * hidden));
    LstmCell cell;
    EXPECT_TRUE(encodeLstmCell(cellScale, clip, cell));
    for (int64_t b = 0; b < batch; ++b) {
      const int8_t* h0 = op.inputs[4].as<int8_t>() + b * hidden;
      const int16_t* c0 = op.inputs[5].as<int16_t>() + b * hidden;
      std::vector<int32_t> h(h0, h0 + hidden), c(c0, c0 + hidden);
      for (int64_t t = 0; t < steps; ++t) {
        const std::vector<int32_t> before = h;
        for (int64_t j = 0; j < hidden; ++j) {
          int32_t g[4];
          for (int64_t i = 0; i < 4; ++i) g[i] = gate(op, before, t, b, i * hidden + j);
          int32_t& state = c[static_cast<size_t>(j)];
          state = cell.next(state, g[2], g[0], g[3]);
          h[static_cast<size_t>(j)] =
              requantize(g[1] * tanhQ(state, cell.integerBits()), factor[8], hZero, -128, 127);
          results[0][static_cast<size_t>((t * batch + b) * hidden + j)] = h[static_cast<size_t>(j)];
        }
      }
      results[1].insert(results[1].end(), h.begin(), h.end());
      results[2].insert(results[2].end(), c.begin(), c.end());
    }
    return results;
  }
};

TEST(QLstm, FollowsItsFormulaInEveryLayout) {
  Random random(11);
  for (int64_t hidden : {1, 7, 33})
    for (float scale : {1.0f / 512, 1.0f / 2048, 1.0f / 32768})
      for (float clip : {0.0f, 0.7f}) {
        Layer layer;
        layer.hidden = hidden, layer.cellScale = scale, layer.clip = clip;
        if (clip > 0) layer.hZero = -7;
        if (hidden == 33) layer.steps = 1, layer.features = 40;
        const OpCase op = layer.make(random);
        const std::vector<Array> results = runEverywhere(op);
        const auto wanted = layer.run(op);
        for (size_t r = 0; r < 3; ++r)
          for (size_t i = 0; i < wanted[r].size(); ++i)
            ASSERT_EQ(results[r].at(static_cast<int64_t>(i)), wanted[r][i]) << r << ' ' << i;
      }
}

TEST(QLstm, ASequenceWithoutStepsKeepsItsState) {
  Random random(2);
  Layer layer;
  layer.steps = 0;
  const OpCase op = layer.make(random);
  const std::vector<Array> results = runEverywhere(op);
  expectSame(results[1], op.inputs[4]);
  expectSame(results[2], op.inputs[5]);
}

TEST(QLstm, RefusesWhatDoesNotFit) {
  Random random(3);
  const OpCase good = Layer().make(random);
  const auto changed = [&](auto change) {
    OpCase op = good;
    change(op);
    return op;
  };
  expectRefused(changed([](OpCase& op) { op.inputs.pop_back(); }), "initial c");
  expectRefused(changed([](OpCase& op) { op.inputs[0] = Array(DType::U8, {4, 2, 5}); }), "x is u8");
  expectRefused(changed([](OpCase& op) { op.inputs[0] = Array(DType::I8, {4, 10}); }), "three dimensions");
  expectRefused(changed([](OpCase& op) { op.inputs[1] = Array(DType::I8, {1, 28, 6}); }), "w is");
  expectRefused(changed([](OpCase& op) { op.inputs[2] = Array(DType::I8, {1, 27, 7}); }), "r is");
  expectRefused(changed([](OpCase& op) { op.inputs[2] = Array(DType::I8, {1, 28, 0}); }), "hidden");
  expectRefused(changed([](OpCase& op) { op.inputs[3] = Array(DType::I32, {1, 56}); }), "bias");
  expectRefused(changed([](OpCase& op) { op.inputs[4] = Array(DType::I8, {1, 1, 7}); }), "initial h");
  expectRefused(changed([](OpCase& op) { op.inputs[5] = Array(DType::I8, {1, 2, 7}); }), "initial c");
  expectRefused(changed([](OpCase& op) { op.attrs.list[0].ints.pop_back(); }), "multiplier");
  expectRefused(changed([](OpCase& op) { op.attrs.list[1].ints[0] = -40; }), "shift");
  expectFails(changed([](OpCase& op) { op.resultQuant[1].zeroPoint = {4}; }), "one scale");
  expectFails(changed([](OpCase& op) { op.resultQuant[2].scale = {0.5f}; }), "one scale");
  expectFails(
      changed([](OpCase& op) { op.inputs[5].quantized(0.001f, 0), op.resultQuant[2].scale = {0.001f}; }),
      "power of two");
  expectFails(changed([](OpCase& op) { op.inputs[0].quant = {}; }), "scale");
  expectFails(changed([](OpCase& op) { op.integer("h_zero", 128); }), "zero point");
}

} // namespace
} // namespace burin::rt::data_test
