#include "runtime/math/float_math.h"
#include "runtime/ops/op_case.h"

namespace burin::rt {
extern const OpTable kNormalizeOps;
namespace {
using namespace test;

OpCase op(const char* type) { return OpCase(kNormalizeOps, type); }

struct Nchw {
  int64_t n, c, spatial;
  explicit Nchw(const Shape& s) : n(s[0]), c(s[1]), spatial(1) {
    for (int i = 2; i < s.rank; ++i) spatial *= s[i];
  }
  size_t at(int64_t image, int64_t channel, int64_t place) const {
    return static_cast<size_t>((image * c + channel) * spatial + place);
  }
};

TEST(BatchNorm, MatchesTheDefinition) {
  for (const Shape& shape : {Shape{2, 19, 5, 7}, Shape{3, 16}, Shape{1, 1, 4}, Shape{2, 3, 2, 2, 3}}) {
    const Nchw dims(shape);
    const Shape channels = {dims.c};
    const auto x = randomFloats(shape, 1), scale = randomFloats(channels, 2),
               bias = randomFloats(channels, 3), mean = randomFloats(channels, 4),
               variance = randomFloats(channels, 5, 0.1f, 4.0f);
    OpCase c = op("nn.batch_norm");
    c.attrs.setFloats("epsilon", {1e-3f});
    const auto y = c.in(shape, x)
                       .in(channels, scale)
                       .in(channels, bias)
                       .in(channels, mean)
                       .in(channels, variance)
                       .run<float>();
    std::vector<double> want(x.size());
    for (int64_t n = 0; n < dims.n; ++n)
      for (int64_t k = 0; k < dims.c; ++k)
        for (int64_t p = 0; p < dims.spatial; ++p) {
          const size_t i = dims.at(n, k, p), j = static_cast<size_t>(k);
          want[i] = (static_cast<double>(x[i]) - mean[j]) /
                        std::sqrt(static_cast<double>(variance[j]) + 1e-3f) * scale[j] +
                    bias[j];
        }
    expectNear(y, want, 1e-5, 1e-5);
  }
}

struct Statistics {
  double mean = 0, variance = 0;
  explicit Statistics(const std::vector<double>& v) {
    for (double x : v) mean += x / static_cast<double>(v.size());
    for (double x : v) variance += (x - mean) * (x - mean) / static_cast<double>(v.size());
  }
};

TEST(LayerNorm, MatchesTheDefinition) {
  const Shape shape = {3, 5, 4, 24};
  const auto x = randomFloats(shape, 1);
  for (int axis = 0; axis < 4; ++axis)
    for (int variant = 0; variant < 4; ++variant) { // which of scale and bias is there
      Shape normalized;
      for (int i = axis; i < 4; ++i) normalized.push(shape[i]);
      const auto scale = randomFloats(normalized, 2), bias = randomFloats(normalized, 3);
      OpCase c = op("nn.layer_norm");
      c.attrs.setInt("axis", axis);
      c.attrs.setFloats("epsilon", {1e-5f});
      c.in(shape, x);
      variant & 1 ? c.in(normalized, scale) : c.absent();
      variant & 2 ? c.in(normalized, bias) : c.absent();
      const auto y = c.run<float>();
      const size_t count = static_cast<size_t>(normalized.elements());
      std::vector<double> want;
      for (size_t first = 0; first < x.size(); first += count) {
        const std::vector<double> set(x.begin() + static_cast<long>(first),
                                      x.begin() + static_cast<long>(first + count));
        const Statistics s(set);
        for (size_t i = 0; i < count; ++i)
          want.push_back((set[i] - s.mean) / std::sqrt(s.variance + 1e-5) * (variant & 1 ? scale[i] : 1.0) +
                         (variant & 2 ? bias[i] : 0.0));
      }
      expectNear(y, want, 1e-5, 1e-5);
    }
}

TEST(LayerNorm, RmsSubtractsNoMeanAndScaleBroadcasts) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8};
  OpCase c = op("nn.layer_norm");
  c.attrs.setInt("axis", 1);
  c.attrs.setFloats("epsilon", {0.0f});
  c.attrs.setInt("rms", 1);
  const auto y = c.in({2, 2, 2}, x).in({2}, {2.0f, 10.0f}).run<float>();
  std::vector<double> want;
  for (size_t i = 0; i < 8; ++i) {
    const double square = i < 4 ? 30.0 / 4 : 174.0 / 4;
    want.push_back(x[i] / std::sqrt(square) * (i % 2 ? 10 : 2));
  }
  expectNear(y, want, 1e-6);
}

TEST(GroupNorm, MatchesTheDefinition) {
  for (const Shape& shape : {Shape{2, 12, 5, 7}, Shape{2, 12, 4, 16}, Shape{1, 24, 9}, Shape{2, 12, 1, 1}})
    for (int64_t groups : {1, 3, 4, 12}) {
      const Nchw dims(shape);
      const Shape channels = {dims.c};
      const auto x = randomFloats(shape, 1), scale = randomFloats(channels, 2),
                 bias = randomFloats(channels, 3);
      OpCase c = op("nn.group_norm");
      c.attrs.setInt("groups", groups);
      c.attrs.setFloats("epsilon", {1e-2f});
      const auto y = c.in(shape, x).in(channels, scale).in(channels, bias).run<float>();
      std::vector<double> want(x.size());
      const int64_t perGroup = dims.c / groups;
      for (int64_t n = 0; n < dims.n; ++n)
        for (int64_t g = 0; g < groups; ++g) {
          const size_t first = dims.at(n, g * perGroup, 0),
                       count = static_cast<size_t>(perGroup * dims.spatial);
          const Statistics s(
              {x.begin() + static_cast<long>(first), x.begin() + static_cast<long>(first + count)});
          for (size_t i = first; i < first + count; ++i) {
            const size_t k = i / static_cast<size_t>(dims.spatial) % static_cast<size_t>(dims.c);
            want[i] = (x[i] - s.mean) / std::sqrt(s.variance + 1e-2) * scale[k] + bias[k];
          }
        }
      expectNear(y, want, 1e-5, 1e-5);
    }
}

TEST(Lrn, WindowIsCutAtTheEnds) {
  const Shape shape = {2, 7, 3, 2};
  const Nchw dims(shape);
  const auto x = randomFloats(shape, 1);
  for (int64_t size : {1, 2, 3, 4, 5, 20})
    for (float beta : {0.75f, 0.5f, 1.0f, 0.6f}) {
      OpCase c = op("nn.lrn");
      c.attrs.setInt("size", size);
      c.attrs.setFloats("alpha", {0.4f});
      c.attrs.setFloats("beta", {beta});
      c.attrs.setFloats("bias", {1.5f});
      const auto y = c.in(shape, x).run<float>();
      std::vector<double> want(x.size());
      for (int64_t n = 0; n < dims.n; ++n)
        for (int64_t k = 0; k < dims.c; ++k)
          for (int64_t p = 0; p < dims.spatial; ++p) {
            double sum = 0;
            const int64_t low = k - (size - 1) / 2,
                          high = k + static_cast<int64_t>(std::ceil(static_cast<double>(size - 1) / 2));
            for (int64_t i = std::max<int64_t>(0, low); i <= std::min(dims.c - 1, high); ++i)
              sum += static_cast<double>(x[dims.at(n, i, p)]) * x[dims.at(n, i, p)];
            want[dims.at(n, k, p)] =
                x[dims.at(n, k, p)] / std::pow(1.5 + 0.4f / static_cast<double>(size) * sum, beta);
          }
      expectNear(y, want, 2e-6);
    }
}

OpCase softmax(int64_t axis, bool log) {
  OpCase c = op("nn.softmax");
  c.attrs.setInt("axis", axis);
  if (log) c.attrs.setInt("log", 1);
  return c;
}

void expectSoftmax(const Shape& shape, int axis, bool log) {
  const auto x = randomFloats(shape, 1, -20.0f, 20.0f);
  const auto y = softmax(axis, log).in(shape, x).run<float>();
  int64_t inner = 1;
  for (int i = axis + 1; i < shape.rank; ++i) inner *= shape[i];
  std::vector<double> want(x.size());
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const int64_t first = i / (inner * shape[axis]) * inner * shape[axis] + i % inner;
    double sum = 0;
    for (int64_t k = 0; k < shape[axis]; ++k)
      sum += std::exp(static_cast<double>(x[static_cast<size_t>(first + k * inner)]) -
                      x[static_cast<size_t>(i)]);
    want[static_cast<size_t>(i)] = log ? -std::log(sum) : 1 / sum;
  }
  expectNear(y, want, 2e-6, log ? 1e-6 : 1e-9);
}

TEST(Softmax, MatchesTheDefinitionOnEveryAxis) {
  for (int axis = 0; axis < 4; ++axis)
    for (bool log : {false, true}) expectSoftmax({3, 37, 2, 50}, axis, log);
}

TEST(Softmax, OfShortRows) {
  for (int64_t length : {1, 2, 3, 15, 16, 17})
    for (int64_t rows : {1, 15, 16, 37})
      for (bool log : {false, true}) expectSoftmax({rows, length}, 1, log);
}

TEST(Softmax, SurvivesLargeAndInfiniteInputs) {
  EXPECT_EQ(softmax(0, false).in({2}, {1e38f, 1e38f}).run<float>(), (std::vector<float>{0.5f, 0.5f}));
  EXPECT_EQ(softmax(0, false).in({2}, {-math::kInfinity, 3.0f}).run<float>(),
            (std::vector<float>{0.0f, 1.0f}));
  EXPECT_EQ(softmax(0, true).in({2}, {-math::kInfinity, 3.0f}).run<float>(),
            (std::vector<float>{-math::kInfinity, 0.0f}));
  for (float value : softmax(0, false).in({3}, {1.0f, math::kNaN, 2.0f}).run<float>())
    EXPECT_TRUE(std::isnan(value));
}

TEST(Normalisations, RefuseWhatDoesNotFit) {
  const std::vector<float> x(24, 1.0f);
  OpCase batch = op("nn.batch_norm");
  EXPECT_NE(
      batch.in({2, 3, 4}, x).in({2}, {1, 1}).in({3}, {1, 1, 1}).in({3}, {1, 1, 1}).in({3}, {1, 1, 1}).infer(),
      "");
  OpCase layer = op("nn.layer_norm");
  layer.attrs.setInt("axis", 2);
  EXPECT_NE(layer.in({2, 3, 4}, x).in({3}, {1, 1, 1}).infer(), "");
  OpCase wide = op("nn.layer_norm");
  wide.attrs.setInt("axis", 2);
  EXPECT_NE(wide.in({2, 3, 1}, {1, 2, 3, 4, 5, 6}).in({4}, {1, 1, 1, 1}).infer(), "");
  OpCase group = op("nn.group_norm");
  group.attrs.setInt("groups", 2);
  EXPECT_NE(group.in({2, 3, 4}, x).infer(), "");
  OpCase none = op("nn.group_norm");
  none.attrs.setInt("groups", 0);
  EXPECT_NE(none.in({2, 3, 4}, x).infer(), "");
  OpCase lrn = op("nn.lrn");
  lrn.attrs.setInt("size", 0);
  EXPECT_NE(lrn.in({2, 3, 4}, x).infer(), "");
  EXPECT_NE(softmax(3, false).in({2, 3, 4}, x).infer(), "");
  EXPECT_NE(softmax(0, false).in<int32_t>(DType::I32, {1}, {1}).infer(), "");
}

} // namespace
} // namespace burin::rt
