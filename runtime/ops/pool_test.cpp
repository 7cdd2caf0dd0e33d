#include "runtime/ops/data_test_support.h"

#include <limits>

namespace burin::rt::data_test {
namespace {

struct Window {
  Shape x;
  std::vector<int64_t> kernel, strides, dilations, pads, sizes;

  OpCase over(const char* type, const Array& array) const {
    OpCase c(type);
    c.input(array)
        .ints("kernel", kernel)
        .ints("strides", strides)
        .ints("dilations", dilations)
        .ints("pads", pads);
    c.ints("sizes", sizes);
    return c;
  }
  Shape result() const {
    Shape shape{x[0], x[1]};
    for (int64_t size : sizes) shape.push(size);
    return shape;
  }
  int spatial() const { return x.rank - 2; }

  // The positions in x that the window of one result element covers; `padded` counts those in x or its
  // padding.
  std::vector<int64_t> cover(const std::vector<int64_t>& p, int64_t& padded) const {
    Shape taps;
    for (int64_t k : kernel) taps.push(k);
    std::vector<int64_t> found;
    padded = 0;
    for (int64_t t = 0; t < taps.elements(); ++t) {
      const std::vector<int64_t> tap = unravel(taps, t);
      std::vector<int64_t> from = {p[0], p[1]};
      bool inside = true, inPadding = true;
      for (size_t a = 0; a < tap.size(); ++a) {
        const int64_t at = p[a + 2] * strides[a] - pads[a] + tap[a] * dilations[a],
                      n = x[static_cast<int>(a) + 2];
        from.push_back(at);
        inside = inside && at >= 0 && at < n;
        inPadding = inPadding && at >= -pads[a] && at < n + pads[a + tap.size()];
      }
      padded += inPadding;
      if (inside) found.push_back(ravel(x, from));
    }
    return found;
  }
};

Window randomWindow(Random& random, int spatial, int64_t channels) {
  Window w;
  w.x = Shape{pick(random, 1, 2), channels};
  for (int a = 0; a < spatial; ++a) {
    const int64_t n = pick(random, 3, spatial == 3 ? 5 : 10), k = pick(random, 1, 3), d = pick(random, 1, 2),
                  s = pick(random, 1, 3);
    w.x.push(n);
    w.kernel.push_back(k);
    w.dilations.push_back(d);
    w.strides.push_back(s);
    w.pads.push_back(pick(random, 0, k - 1));
  }
  for (int a = 0; a < spatial; ++a) w.pads.push_back(pick(random, 0, w.kernel[static_cast<size_t>(a)] - 1));
  for (size_t a = 0; a < w.kernel.size(); ++a) {
    const int64_t room = w.x[static_cast<int>(a) + 2] + w.pads[a] + w.pads[a + w.kernel.size()] -
                         (w.kernel[a] - 1) * w.dilations[a] - 1;
    const bool ceil = random() % 2; // the last window may start inside and end outside
    w.sizes.push_back(room < 0 ? 0 : room / w.strides[a] + 1 + (ceil && room % w.strides[a] ? 1 : 0));
  }
  return w;
}

TEST(Pool, MaximumOfEveryType) {
  Random random(1);
  for (DType dtype : {DType::F32, DType::I8, DType::U8, DType::I16, DType::I64})
    for (int round = 0; round < 12; ++round) {
      const Window w =
          randomWindow(random, 1 + round % 3, round % 4 ? pick(random, 1, 9) : pick(random, 60, 200));
      const Array x = randomArray(dtype, w.x, random);
      Array expected(dtype, w.result());
      const size_t bytes = dtypeBytes(dtype);
      for (int64_t i = 0; i < expected.size(); ++i) {
        int64_t padded = 0, best = -1;
        for (int64_t from : w.cover(unravel(w.result(), i), padded))
          if (best < 0 || x.at(from) > x.at(best)) best = from;
        if (best < 0) { // the window sees padding alone
          const float lowest = -std::numeric_limits<float>::infinity();
          const int64_t low = dtype == DType::I8    ? INT8_MIN
                              : dtype == DType::I16 ? INT16_MIN
                              : dtype == DType::U8  ? 0
                                                    : INT64_MIN;
          std::memcpy(&expected.bytes[static_cast<size_t>(i) * bytes],
                      dtype == DType::F32 ? static_cast<const void*>(&lowest) : &low, bytes);
          continue;
        }
        std::memcpy(&expected.bytes[static_cast<size_t>(i) * bytes],
                    &x.bytes[static_cast<size_t>(best) * bytes], bytes);
      }
      expectSame(runEverywhere(w.over("nn.max_pool", x))[0], expected);
    }
}

TEST(Pool, MaximumPassesOverNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  OpCase c("nn.max_pool");
  c.input(floats({1, 1, 6}, {nan, 1, 2, nan, nan, nan}))
      .ints("kernel", {2})
      .ints("strides", {2})
      .ints("sizes", {3});
  expectSame(runEverywhere(c)[0], floats({1, 1, 3}, {1, 2, -infinity}));
}

TEST(Pool, LargeWindowsOfManyChannels) {
  Random random(2);
  Window w;
  w.x = Shape{1, 70, 13, 13};
  w.kernel = {13, 13};
  w.strides = w.dilations = {1, 1};
  w.pads = {6, 6, 6, 6};
  w.sizes = {13, 13};
  std::vector<std::string> kernels;
  runEverywhere(w.over("nn.max_pool", randomArray(DType::I8, w.x, random)), &kernels);
  EXPECT_NE(std::find(kernels.begin(), kernels.end(), "max-rows"), kernels.end());
}

TEST(Pool, IndexOfTheMaximum) {
  Random random(3);
  for (int64_t columnMajor : {0, 1})
    for (int round = 0; round < 12; ++round) {
      const Window w = randomWindow(random, 1 + round % 3, 3);
      Array x = randomArray(DType::F32, w.x, random);
      for (int64_t i = 0; i < x.size(); ++i)
        x.as<float>()[i] = static_cast<float>(pick(random, 0, 3)); // many ties
      Array expected(DType::I64, w.result());
      for (int64_t i = 0; i < expected.size(); ++i) {
        int64_t padded = 0, best = -1;
        for (int64_t from : w.cover(unravel(w.result(), i), padded))
          if (best < 0 || x.at(from) > x.at(best)) best = from;
        if (best >= 0 && columnMajor) { // spatial axes counted first-fastest
          const std::vector<int64_t> p = unravel(w.x, best);
          int64_t index = 0, span = 1;
          for (int a = 2; a < w.x.rank; ++a) {
            index += p[static_cast<size_t>(a)] * span;
            span *= w.x[a];
          }
          best = index + (p[0] * w.x[1] + p[1]) * span;
        }
        expected.as<int64_t>()[i] = best;
      }
      const std::vector<Array> results =
          runEverywhere(w.over("nn.max_pool_index", x).integer("column_major", columnMajor));
      bool covered = true;
      for (int64_t i = 0; i < expected.size(); ++i) covered = covered && expected.as<int64_t>()[i] >= 0;
      if (covered) expectSame(results[1], expected);
      expectSame(results[0], runEverywhere(w.over("nn.max_pool", x))[0]);
    }
}

TEST(Pool, UnpoolScatters) {
  OpCase c("nn.max_unpool");
  c.input(floats({1, 1, 2, 2}, {1, 2, 3, 4}))
      .input(int64s({1, 1, 2, 2}, {5, 7, 13, 15}))
      .ints("sizes", {1, 1, 4, 4});
  expectSame(runEverywhere(c)[0], floats({1, 1, 4, 4}, {0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4}));
  c.inputs[1] = int64s({1, 1, 2, 2}, {5, 7, 13, 16});
  expectFails(c, "out of range");
}

TEST(Pool, Mean) {
  Random random(4);
  for (int64_t includePad : {0, 1})
    for (int round = 0; round < 15; ++round) {
      const Window w =
          randomWindow(random, 1 + round % 3, round % 4 ? pick(random, 1, 9) : pick(random, 60, 100));
      const Array x = randomArray(DType::F32, w.x, random);
      Array expected(DType::F32, w.result());
      for (int64_t i = 0; i < expected.size(); ++i) {
        int64_t padded = 0;
        const std::vector<int64_t> cover = w.cover(unravel(w.result(), i), padded);
        float sum = 0;
        for (int64_t from : cover) sum += x.as<float>()[from];
        const int64_t count = includePad ? padded : static_cast<int64_t>(cover.size());
        expected.as<float>()[i] = count ? sum / static_cast<float>(count) : 0;
      }
      expectSame(runEverywhere(w.over("nn.avg_pool", x).integer("count_include_pad", includePad))[0],
                 expected);
    }
}

TEST(Pool, Lp) {
  Random random(5);
  for (int64_t p : {1, 2, 3}) {
    const Window w = randomWindow(random, 2, 3);
    const Array x = randomArray(DType::F32, w.x, random);
    std::vector<double> expected;
    for (int64_t i = 0; i < w.result().elements(); ++i) {
      int64_t padded = 0;
      double sum = 0;
      for (int64_t from : w.cover(unravel(w.result(), i), padded))
        sum += std::pow(std::fabs(x.at(from)), static_cast<double>(p));
      expected.push_back(std::pow(sum, 1.0 / static_cast<double>(p)));
    }
    expectNear(runEverywhere(w.over("nn.lp_pool", x).integer("p", p))[0], expected, 1e-5);
  }
}

TEST(Pool, RefusesWindowsThatCannotBe) {
  const Array x(DType::F32, {1, 2, 5});
  const auto pool = [&](std::vector<int64_t> kernel, std::vector<int64_t> strides, std::vector<int64_t> pads,
                        std::vector<int64_t> sizes) {
    OpCase c("nn.max_pool");
    return c.input(x).ints("kernel", kernel).ints("strides", strides).ints("pads", pads).ints("sizes", sizes);
  };
  expectRefused(pool({2}, {1}, {0, 0}, {6}), "which is 4");
  expectRefused(pool({0}, {1}, {0, 0}, {1}), "contains 0");
  expectRefused(pool({2}, {0}, {0, 0}, {1}), "contains 0");
  expectRefused(pool({2}, {1}, {-1, 0}, {1}), "contains -1");
  expectRefused(pool({2, 2}, {1}, {0, 0}, {1}), "2 numbers, 1 are needed");
  expectRefused(pool({int64_t{1} << 31}, {1}, {0, 0}, {1}), "which is 0");
  OpCase flat("nn.avg_pool");
  expectRefused(flat.input(Array(DType::F32, {4, 4})).ints("kernel", {}).ints("sizes", {}), "1 to 3 spatial");
}

} // namespace
} // namespace burin::rt::data_test
