#include "runtime/ops/data_test_support.h"

namespace burin::rt::data_test {
namespace {

constexpr DType kSizes[] = {DType::I8, DType::F16, DType::F32, DType::I64};
DType anyType(Random& random) { return kSizes[random() % 4]; }

std::vector<int64_t> dimsOf(const Shape& shape) { return {shape.dim, shape.dim + shape.rank}; }

TEST(Movement, ReshapeKeepsRowMajorOrder) {
  Random random(1);
  const Shape shapes[] = {{24},         {2, 12},   {4, 6},     {8, 3},         {1, 2, 3, 4},
                          {2, 3, 2, 2}, {3, 1, 8}, {24, 1, 1}, {2, 2, 2, 3, 1}};
  for (const Shape& from : shapes)
    for (const Shape& to : shapes) {
      const Array x = randomArray(anyType(random), from, random);
      Array expected = x;
      expected.type.shape = to;
      expectSame(runEverywhere(OpCase("nn.reshape").input(x).ints("shape", dimsOf(to)))[0], expected);
    }
  expectRefused(OpCase("nn.reshape").input(Array(DType::F32, {2, 3})).ints("shape", {7}),
                "numbers of elements differ");
}

TEST(Movement, Transpose) {
  Random random(2);
  for (int round = 0; round < 30; ++round) {
    const int rank = static_cast<int>(pick(random, 1, 5));
    const Array x = randomArray(anyType(random), randomShape(random, rank, 1, round % 3 ? 5 : 19), random);
    std::vector<int64_t> perm;
    for (int i = 0; i < rank; ++i) perm.push_back(i);
    std::shuffle(perm.begin(), perm.end(), random);
    Shape shape;
    for (int64_t axis : perm) shape.push(x.type.shape[static_cast<int>(axis)]);
    const Array expected = moved(x, shape, [&](const std::vector<int64_t>& position) {
      std::vector<int64_t> from(position.size());
      for (size_t i = 0; i < perm.size(); ++i) from[static_cast<size_t>(perm[i])] = position[i];
      return ravel(x.type.shape, from);
    });
    expectSame(runEverywhere(OpCase("nn.transpose").input(x).ints("perm", perm))[0], expected);
  }
  expectRefused(OpCase("nn.transpose").input(Array(DType::F32, {2, 3})).ints("perm", {0, 0}),
                "names axis 0 twice");
  expectRefused(OpCase("nn.transpose").input(Array(DType::F32, {2, 3})).ints("perm", {0}),
                "1 numbers, 2 are needed");
}

TEST(Movement, LargeTransposesCrossTiles) {
  Random random(3);
  for (DType dtype : kSizes)
    for (const Shape& shape : {Shape{1, 3, 37, 41}, Shape{2, 67, 5, 13}, Shape{1, 40, 33, 1}}) {
      const Array x = randomArray(dtype, shape, random);
      expectSame(runEverywhere(OpCase("nn.reshape").input(x).ints("shape", dimsOf(shape)))[0], x);
    }
}

TEST(Movement, Slice) {
  Random random(4);
  for (int round = 0; round < 40; ++round) {
    const int rank = static_cast<int>(pick(random, 1, 4));
    const Array x = randomArray(anyType(random), randomShape(random, rank, 1, 9), random);
    std::vector<int64_t> starts, sizes, steps;
    for (int axis = 0; axis < rank; ++axis) {
      const int64_t n = x.type.shape[axis], start = pick(random, 0, n - 1), step = pick(random, 1, 3);
      const bool backwards = random() % 2;
      starts.push_back(start);
      steps.push_back(backwards ? -step : step);
      sizes.push_back(pick(random, 0, (backwards ? start : n - 1 - start) / step + 1));
    }
    Shape shape;
    for (int64_t size : sizes) shape.push(size);
    const Array expected = moved(x, shape, [&](std::vector<int64_t> position) {
      for (size_t i = 0; i < position.size(); ++i) position[i] = starts[i] + position[i] * steps[i];
      return ravel(x.type.shape, position);
    });
    OpCase c("nn.slice");
    c.input(x).ints("starts", starts).ints("sizes", sizes).ints("steps", steps);
    expectSame(runEverywhere(c)[0], expected);
  }
  OpCase outside("nn.slice");
  outside.input(Array(DType::F32, {5})).ints("starts", {1}).ints("sizes", {3}).ints("steps", {2});
  expectRefused(outside, "leaves the length 5");
  OpCase huge("nn.slice");
  huge.input(Array(DType::F32, {5}))
      .ints("starts", {1})
      .ints("sizes", {int64_t{1} << 40})
      .ints("steps", {int64_t{1} << 40});
  expectRefused(huge, "leaves the length 5");
}

TEST(Movement, Concat) {
  Random random(5);
  for (int round = 0; round < 30; ++round) {
    const int rank = static_cast<int>(pick(random, 1, 4)), axis = static_cast<int>(pick(random, 0, rank - 1));
    const Shape base = randomShape(random, rank, 1, 7);
    const DType dtype = anyType(random);
    OpCase c("nn.concat");
    c.integer("axis", axis);
    Shape shape = base;
    shape[axis] = 0;
    const int64_t count = pick(random, 1, 4);
    for (int64_t i = 0; i < count; ++i) {
      Shape part = base;
      part[axis] = pick(random, 0, 20);
      shape[axis] += part[axis];
      c.input(randomArray(dtype, part, random));
    }
    Array expected(dtype, shape);
    const size_t bytes = dtypeBytes(dtype);
    for (int64_t i = 0; i < expected.size(); ++i) {
      std::vector<int64_t> position = unravel(shape, i);
      size_t part = 0;
      int64_t& along = position[static_cast<size_t>(axis)];
      while (along >= c.inputs[part].type.shape[axis]) along -= c.inputs[part++].type.shape[axis];
      const int64_t from = ravel(c.inputs[part].type.shape, position);
      std::memcpy(&expected.bytes[static_cast<size_t>(i) * bytes],
                  &c.inputs[part].bytes[static_cast<size_t>(from) * bytes], bytes);
    }
    expectSame(runEverywhere(c)[0], expected);
  }
  expectRefused(OpCase("nn.concat")
                    .input(Array(DType::F32, {2, 3}))
                    .input(Array(DType::F32, {2, 4}))
                    .integer("axis", 0),
                "does not join");
  expectRefused(
      OpCase("nn.concat").input(Array(DType::F32, {2})).input(Array(DType::I8, {2})).integer("axis", 0),
      "is i8");
}

// What numpy.pad gives, one position at a time; -1 is the constant.
int64_t paddedFrom(int64_t p, int64_t n, const std::string& mode) {
  while (p < 0 || p >= n) {
    if (mode == "constant") return -1;
    if (mode == "edge")
      p = p < 0 ? 0 : n - 1;
    else if (mode == "wrap")
      p += p < 0 ? n : -n;
    else if (n == 1)
      p = 0;
    else
      p = p < 0 ? -p : 2 * (n - 1) - p;
  }
  return p;
}

TEST(Movement, Pad) {
  Random random(6);
  for (const char* mode : {"constant", "edge", "wrap", "reflect"})
    for (int round = 0; round < 15; ++round) {
      const int rank = static_cast<int>(pick(random, 1, 4));
      const Array x =
          randomArray(round % 2 ? DType::I16 : DType::U8, randomShape(random, rank, 2, 6), random);
      std::vector<int64_t> begin, end, pads;
      Shape shape;
      for (int axis = 0; axis < rank; ++axis) {
        const int64_t n = x.type.shape[axis];
        begin.push_back(pick(random, -(n - 1) / 2, 7));
        end.push_back(pick(random, -(n - 1) / 2, 7));
        shape.push(n + begin.back() + end.back());
      }
      pads = begin;
      pads.insert(pads.end(), end.begin(), end.end());
      const Array expected = moved(x, shape, [&](std::vector<int64_t> position) -> int64_t {
        for (size_t axis = 0; axis < position.size(); ++axis) {
          // Cropping comes first: only what is left repeats.
          const int64_t cut = std::max<int64_t>(0, -begin[axis]);
          const int64_t kept = x.type.shape[static_cast<int>(axis)] - cut - std::max<int64_t>(0, -end[axis]);
          const int64_t p = paddedFrom(position[axis] - std::max<int64_t>(0, begin[axis]), kept, mode);
          if (p < 0) return -1;
          position[axis] = p + cut;
        }
        return ravel(x.type.shape, position);
      });
      expectSame(runEverywhere(OpCase("nn.pad").input(x).ints("pads", pads).text("mode", mode))[0], expected);
    }
}

TEST(Movement, PadFillsWithTheStoredValue) {
  OpCase quantized("nn.pad");
  quantized.input(Array(DType::I8, {1}, std::vector<int8_t>{5}).quantized(0.5f, 3))
      .ints("pads", {1, 1})
      .text("mode", "constant");
  quantized.real("value", 2.25f).result(DType::I8, 0.5f, 3); // 2.25 / 0.5 = 4.5, to even 4, plus 3
  expectSame(runEverywhere(quantized)[0], Array(DType::I8, {3}, std::vector<int8_t>{7, 5, 7}));
  quantized.attrs.list.back().floats = {-1e9f};
  expectSame(runEverywhere(quantized)[0], Array(DType::I8, {3}, std::vector<int8_t>{-128, 5, -128}));
  OpCase plain("nn.pad");
  plain.input(Array(DType::I64, {1}, std::vector<int64_t>{5}))
      .ints("pads", {1, 0})
      .text("mode", "constant")
      .real("value", -7);
  expectSame(runEverywhere(plain)[0], int64s({2}, {-7, 5}));
  OpCase empty("nn.pad");
  empty.input(Array(DType::F32, {3})).ints("pads", {-5, 5}).text("mode", "constant").real("value", 1.5f);
  expectSame(runEverywhere(empty)[0], floats({3}, {1.5f, 1.5f, 1.5f}));
  expectRefused(OpCase("nn.pad").input(Array(DType::F32, {3})).ints("pads", {-5, 5}).text("mode", "edge"),
                "crop more");
  for (const std::string& mode :
       {std::string("mirror"), std::string("wrap\0a long tail of other bytes", 31), std::string()})
    expectRefused(OpCase("nn.pad").input(Array(DType::F32, {3})).ints("pads", {1, 1}).text("mode", mode),
                  "must be one of");
}

TEST(Movement, ExpandAndTile) {
  Random random(7);
  const Array x = randomArray(DType::F32, {3, 1, 5}, random);
  const Array expanded = moved(x, {2, 3, 4, 5}, [&](std::vector<int64_t> p) { return p[1] * 5 + p[3]; });
  expectSame(runEverywhere(OpCase("nn.expand").input(x).ints("shape", {2, 1, 4, 1}))[0], expanded);
  expectRefused(OpCase("nn.expand").input(x).ints("shape", {2, 4}), "cannot expand");
  for (int round = 0; round < 20; ++round) {
    const int rank = static_cast<int>(pick(random, 1, 4));
    const Array t = randomArray(anyType(random), randomShape(random, rank, 1, 6), random);
    std::vector<int64_t> repeats;
    Shape shape;
    for (int axis = 0; axis < rank; ++axis) {
      repeats.push_back(pick(random, round ? 1 : 0, 3));
      shape.push(repeats.back() * t.type.shape[axis]);
    }
    const Array expected = moved(t, shape, [&](std::vector<int64_t> p) {
      for (int axis = 0; axis < rank; ++axis) p[static_cast<size_t>(axis)] %= t.type.shape[axis];
      return ravel(t.type.shape, p);
    });
    expectSame(runEverywhere(OpCase("nn.tile").input(t).ints("repeats", repeats))[0], expected);
  }
}

TEST(Movement, DepthToSpaceAndBack) {
  Random random(8);
  for (int64_t block : {1, 2, 3})
    for (const char* mode : {"dcr", "crd"}) {
      const bool crd = std::string(mode) == "crd";
      const int64_t channels = 5, b = block;
      const Array x = randomArray(anyType(random), {2, channels * b * b, 3, 4}, random);
      const Array expected = moved(x, {2, channels, 3 * b, 4 * b}, [&](std::vector<int64_t> p) {
        const int64_t inBlock = p[2] % b * b + p[3] % b;
        const int64_t deep = crd ? p[1] * b * b + inBlock : inBlock * channels + p[1];
        return ravel(x.type.shape, {p[0], deep, p[2] / b, p[3] / b});
      });
      expectSame(
          runEverywhere(OpCase("nn.depth_to_space").input(x).integer("block", b).text("mode", mode))[0],
          expected);
      if (!crd)
        expectSame(runEverywhere(OpCase("nn.space_to_depth").input(expected).integer("block", b))[0], x);
    }
  expectRefused(OpCase("nn.space_to_depth").input(Array(DType::F32, {1, 1, 3, 4})).integer("block", 2),
                "cannot be split");
}

TEST(Movement, TriluKeepsOneTriangle) {
  Random random(9);
  for (int64_t k : {-9, -2, 0, 1, 9})
    for (int64_t upper : {0, 1}) {
      const Array x = randomArray(DType::I32, {2, 4, 6}, random);
      const Array expected = moved(x, x.type.shape, [&](std::vector<int64_t> p) {
        return (upper ? p[2] - p[1] >= k : p[2] - p[1] <= k) ? ravel(x.type.shape, p) : -1;
      });
      expectSame(runEverywhere(OpCase("nn.trilu").input(x).integer("k", k).integer("upper", upper))[0],
                 expected);
    }
}

TEST(Movement, ReverseSequence) {
  Random random(10);
  for (int64_t batchAxis : {0, 1}) {
    const int64_t timeAxis = 1 - batchAxis;
    const Array x = randomArray(DType::F32, {4, 4, 3}, random);
    const std::vector<int64_t> lengths = {0, 1, 3, 4};
    const Array expected = moved(x, x.type.shape, [&](std::vector<int64_t> p) {
      const int64_t length = lengths[static_cast<size_t>(p[static_cast<size_t>(batchAxis)])];
      int64_t& t = p[static_cast<size_t>(timeAxis)];
      if (t < length) t = length - 1 - t;
      return ravel(x.type.shape, p);
    });
    OpCase c("nn.reverse_sequence");
    c.input(x).input(int64s({4}, lengths)).integer("batch_axis", batchAxis).integer("time_axis", timeAxis);
    expectSame(runEverywhere(c)[0], expected);
    c.inputs[1] = int64s({4}, {0, 1, 5, 4});
    expectFails(c, "longer than the time axis");
  }
}

TEST(Movement, OneHot) {
  const Array index = int64s({2, 2}, {0, -1, 3, 1});
  OpCase c("nn.one_hot");
  c.input(index).input(floats({2}, {-1, 2})).integer("depth", 3).integer("axis", 1);
  // -1 is the last of three, 3 is none of them.
  expectSame(runEverywhere(c)[0], floats({2, 3, 2}, {2, -1, -1, -1, -1, 2, -1, -1, -1, 2, -1, -1}));
}

} // namespace
} // namespace burin::rt::data_test
