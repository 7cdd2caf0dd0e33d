#include "runtime/numerics/resize_tflite.h"
#include "runtime/numerics/softmax.h"
#include "runtime/ops/data_test_support.h"

#include <cmath>

namespace burin::rt::data_test {
namespace {

Array bytesOf(DType dtype, const Shape& shape, const std::vector<int32_t>& values) {
  Array array(dtype, shape);
  for (size_t i = 0; i < values.size(); ++i) array.bytes[i] = static_cast<uint8_t>(values[i]);
  return array;
}

TEST(QSoftmax, EveryAxisEveryLayout) {
  Random random(4);
  for (DType dtype : {DType::I8, DType::U8, DType::I16})
    for (int64_t axis : {0, 1, 3})
      for (float beta : {1.0f, 0.35f}) {
        const bool words = dtype == DType::I16;
        const float scale = words ? 0.0002f : 0.06f;
        const double one = words ? 32768 : 256, most = words ? 32767 : 255;
        const Array x = randomArray(dtype, {3, 11, 4, 37}, random).quantized(scale, 5);
        const int low = dtype == DType::I8 ? -128 : 0;
        OpCase op("qnn.softmax");
        op.input(x).integer("axis", axis).real("beta", beta).result(dtype, static_cast<float>(1 / one), low);
        const Array y = runEverywhere(op)[0];
        std::vector<double> sums(static_cast<size_t>(x.size()));
        auto row = [&](int64_t i) {
          std::vector<int64_t> p = unravel(x.type.shape, i);
          p[static_cast<size_t>(axis)] = 0;
          return static_cast<size_t>(ravel(x.type.shape, p));
        };
        auto power = [&](int64_t i) { return std::exp(static_cast<double>(scale) * beta * (x.at(i) - 128)); };
        for (int64_t i = 0; i < x.size(); ++i) sums[row(i)] += power(i);
        for (int64_t i = 0; i < x.size(); ++i)
          ASSERT_NEAR(y.at(i), std::fmin(most, one * power(i) / sums[row(i)]) + low, words ? 16 : 0.52) << i;
      }
}

TEST(QSoftmax, RefusesWhatItCannotRound) {
  OpCase op("qnn.softmax");
  op.input(bytesOf(DType::I8, {2, 3}, {0, 0, 0, 0, 0, 0}).quantized(0.1f, 0)).integer("axis", 1);
  OpCase scale = op, zero = op, logarithm = op, axis = op, beta = op, wide = op;
  expectFails(scale.result(DType::I8, 0.1f, -128), "1/256");
  expectFails(zero.result(DType::I8, 1.0f / 256, 0), "zero point -128");
  expectFails(logarithm.integer("log", 1).result(DType::I8, 1.0f / 256, -128), "1/16");
  axis.attrs.list[0].ints = {2};
  expectRefused(axis, "axis");
  expectRefused(beta.real("beta", -1.0f), "beta");
  wide.inputs[0] = Array(DType::I32, {2, 3});
  expectRefused(wide, "8 bit");
  OpCase words("qnn.softmax");
  words.input(Array(DType::I16, {2, 3}).quantized(0.1f, 0)).integer("axis", 1);
  expectFails(words.result(DType::I16, 1.0f / 256, 0), "1/32768");
}

TEST(QSoftmax, LogarithmsAlongEveryAxis) {
  Random random(7);
  for (DType dtype : {DType::I8, DType::U8})
    for (int64_t axis : {0, 1, 3}) {
      const float scale = 0.06f;
      const Array x = randomArray(dtype, {3, 11, 4, 37}, random).quantized(scale, 5);
      const int low = dtype == DType::I8 ? -128 : 0;
      OpCase op("qnn.softmax");
      op.input(x).integer("axis", axis).integer("log", 1).result(dtype, 1.0f / 16, low + 255);
      const Array y = runEverywhere(op)[0];
      std::vector<double> sums(static_cast<size_t>(x.size()));
      auto row = [&](int64_t i) {
        std::vector<int64_t> p = unravel(x.type.shape, i);
        p[static_cast<size_t>(axis)] = 0;
        return static_cast<size_t>(ravel(x.type.shape, p));
      };
      auto real = [&](int64_t i) { return static_cast<double>(scale) * (x.at(i) - 128); };
      for (int64_t i = 0; i < x.size(); ++i) sums[row(i)] += std::exp(real(i));
      for (int64_t i = 0; i < x.size(); ++i)
        ASSERT_NEAR(y.at(i), std::fmax(-255, 16 * (real(i) - std::log(sums[row(i)]))) + low + 255, 0.52);
    }
}

TEST(QNormalize, EveryAxisEveryLayout) {
  Random random(8);
  for (DType dtype : {DType::I8, DType::U8})
    for (int64_t axis : {0, 1, 3}) {
      const int low = dtype == DType::I8 ? -128 : 0, zero = low + 133;
      const Array x = randomArray(dtype, {3, 11, 4, 37}, random).quantized(0.06f, zero);
      OpCase op("qnn.l2_normalize");
      op.input(x).integer("axis", axis).result(dtype, 1.0f / 128, low + 128);
      const Array y = runEverywhere(op)[0];
      std::vector<double> sums(static_cast<size_t>(x.size()));
      auto row = [&](int64_t i) {
        std::vector<int64_t> p = unravel(x.type.shape, i);
        p[static_cast<size_t>(axis)] = 0;
        return static_cast<size_t>(ravel(x.type.shape, p));
      };
      for (int64_t i = 0; i < x.size(); ++i) {
        const double value = static_cast<double>(x.at(i) - zero);
        sums[row(i)] += value * value;
      }
      for (int64_t i = 0; i < x.size(); ++i) {
        const double unit = static_cast<double>(x.at(i) - zero) / std::sqrt(sums[row(i)]);
        ASSERT_NEAR(y.at(i) - low, std::fmin(255, 128 + 128 * unit), 0.77);
      }
    }
}

TEST(QNormalize, RefusesOtherScales) {
  OpCase op("qnn.l2_normalize");
  op.input(bytesOf(DType::U8, {2, 3}, {0, 0, 0, 0, 0, 0}).quantized(0.1f, 0)).integer("axis", 1);
  OpCase scale = op, zero = op, type = op, axis = op, wide = op;
  expectFails(scale.result(DType::U8, 0.1f, 128), "1/128");
  expectFails(zero.result(DType::U8, 1.0f / 128, 0), "zero point 128");
  expectFails(type.result(DType::I8, 1.0f / 128, 0), "one element type");
  axis.attrs.list[0].ints = {-1};
  expectRefused(axis, "axis");
  wide.inputs[0] = Array(DType::I16, {2, 3});
  expectRefused(wide, "8 bit");
}

OpCase resizeCase(const Array& x, int64_t height, int64_t width, const char* coordinate) {
  const Shape& s = x.type.shape;
  const float rows = static_cast<float>(height) / static_cast<float>(s[2]),
              columns = static_cast<float>(width) / static_cast<float>(s[3]);
  OpCase op("qnn.resize");
  op.input(x)
      .text("mode", "linear")
      .text("coordinate", coordinate)
      .ints("sizes", {s[0], s[1], height, width});
  op.reals("scales", {1, 1, rows, columns});
  return op.result(x.type.dtype, x.quant.scale[0], x.quant.zeroPoint[0]);
}

TEST(QResize, EveryGridEveryLayout) {
  Random random(5);
  const std::pair<const char*, ResizeGrid> grids[] = {{"asymmetric", ResizeGrid::Asymmetric},
                                                      {"half_pixel", ResizeGrid::HalfPixel},
                                                      {"align_corners", ResizeGrid::AlignCorners}};
  for (DType dtype : {DType::I8, DType::U8, DType::I16})
    for (const auto& [name, grid] : grids)
      for (int64_t size : {1, 3, 8, 13}) {
        const Array x = randomArray(dtype, {2, pick(random, 1, 20), 5, 4}, random).quantized(0.1f, 3);
        const Array y = runEverywhere(resizeCase(x, size, 9, name))[0];
        for (int64_t i = 0; i < y.size(); ++i) {
          const std::vector<int64_t> p = unravel(y.type.shape, i);
          const auto r = resizeNeighboursFloat(grid, 5, size, p[2]),
                     c = resizeNeighboursFloat(grid, 4, 9, p[3]);
          auto at = [&](int64_t a, int64_t b) { return x.at(ravel(x.type.shape, {p[0], p[1], a, b})); };
          const double dr = static_cast<double>(r.weight), dc = static_cast<double>(c.weight);
          const double real = (at(r.low, c.low) * (1 - dr) + at(r.high, c.low) * dr) * (1 - dc) +
                              (at(r.low, c.high) * (1 - dr) + at(r.high, c.high) * dr) * dc;
          // Signed places are rounded to 1024ths per step.
          const double span = dtype == DType::I16 ? 65535 : 255;
          ASSERT_NEAR(y.at(i), real, dtype == DType::U8 ? 0.501 : 0.5 + span * 13 / 1024) << name;
        }
      }
}

TEST(QResize, RefusesOtherResampling) {
  Random random(6);
  const Array x = randomArray(DType::I8, {1, 2, 3, 3}, random).quantized(0.1f, 3);
  expectRefused(resizeCase(x, 4, 4, "pytorch_half_pixel"), "no integer rule");
  OpCase nearest = resizeCase(x, 4, 4, "asymmetric"), channels = nearest, scale = nearest;
  nearest.attrs.list[0].text = "nearest";
  expectRefused(nearest, "no integer rule");
  channels.attrs.list[2].ints[1] = 5;
  expectRefused(channels, "height and width");
  expectFails(scale.result(DType::I8, 0.2f, 3), "one scale");
}

} // namespace
} // namespace burin::rt::data_test
