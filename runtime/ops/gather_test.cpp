#include "runtime/ops/data_test_support.h"

namespace burin::rt::data_test {
namespace {

Array randomIndices(const Shape& shape, int64_t length, Random& random) {
  Array index(random() % 2 ? DType::I32 : DType::I64, shape);
  for (int64_t i = 0; i < index.size(); ++i) {
    const int64_t value = pick(random, -length, length - 1);
    if (index.type.dtype == DType::I32)
      index.as<int32_t>()[i] = static_cast<int32_t>(value);
    else
      index.as<int64_t>()[i] = value;
  }
  return index;
}
int64_t indexAt(const Array& index, int64_t i, int64_t length) {
  const int64_t value = static_cast<int64_t>(index.at(i));
  return value < 0 ? value + length : value;
}

TEST(Gather, TakesAlongAnAxis) {
  Random random(1);
  for (int round = 0; round < 25; ++round) {
    const int rank = static_cast<int>(pick(random, 1, 4)), axis = static_cast<int>(pick(random, 0, rank - 1));
    const Array x = randomArray(round % 2 ? DType::F32 : DType::U8, randomShape(random, rank, 1, 6), random);
    const Array index = randomIndices(randomShape(random, static_cast<int>(pick(random, 0, 2)), 1, 4),
                                      x.type.shape[axis], random);
    Shape shape;
    for (int i = 0; i < axis; ++i) shape.push(x.type.shape[i]);
    for (int i = 0; i < index.type.shape.rank; ++i) shape.push(index.type.shape[i]);
    for (int i = axis + 1; i < rank; ++i) shape.push(x.type.shape[i]);
    const Array expected = moved(x, shape, [&](const std::vector<int64_t>& p) {
      const int k = index.type.shape.rank;
      std::vector<int64_t> from(p.begin(), p.begin() + axis);
      const int64_t i = ravel(index.type.shape, {p.begin() + axis, p.begin() + axis + k});
      from.push_back(indexAt(index, i, x.type.shape[axis]));
      from.insert(from.end(), p.begin() + axis + k, p.end());
      return ravel(x.type.shape, from);
    });
    expectSame(runEverywhere(OpCase("nn.gather").input(x).input(index).integer("axis", axis))[0], expected);
  }
}

TEST(Gather, RefusesAndFails) {
  OpCase c("nn.gather");
  c.input(Array(DType::F32, {3, 2})).input(int64s({2}, {0, 3})).integer("axis", 0);
  expectFails(c, "out of range");
  c.inputs[1] = int64s({2}, {0, INT64_MIN});
  expectFails(c, "out of range");
  c.inputs[1] = Array(DType::F32, {2});
  expectRefused(c, "i32 or i64 is needed");
  expectRefused(OpCase("nn.gather").input(Array(DType::F32, {3})).input(int64s({1}, {0})).integer("axis", 1),
                "outside [0, 0]");
}

TEST(Gather, Elements) {
  Random random(2);
  for (int round = 0; round < 15; ++round) {
    const int rank = static_cast<int>(pick(random, 1, 3)), axis = static_cast<int>(pick(random, 0, rank - 1));
    const Array x = randomArray(DType::I16, randomShape(random, rank, 2, 6), random);
    Shape shape;
    for (int i = 0; i < rank; ++i)
      shape.push(i == axis ? pick(random, 1, 9) : pick(random, 1, x.type.shape[i]));
    const Array index = randomIndices(shape, x.type.shape[axis], random);
    const Array expected = moved(x, shape, [&](std::vector<int64_t> p) {
      p[static_cast<size_t>(axis)] = indexAt(index, ravel(shape, p), x.type.shape[axis]);
      return ravel(x.type.shape, p);
    });
    expectSame(runEverywhere(OpCase("nn.gather_elements").input(x).input(index).integer("axis", axis))[0],
               expected);
  }
}

TEST(Gather, ND) {
  Random random(3);
  for (int64_t batch : {0, 1, 2})
    for (int64_t count : {1, 2}) {
      const Array x = randomArray(DType::F32, {2, 3, 4, 5}, random);
      Shape shape{2, 3, 2, count}; // batch axes, then tuples
      Array index(DType::I64, shape);
      for (int64_t i = 0; i < index.size(); ++i) {
        const int64_t length = x.type.shape[static_cast<int>(batch + i % count)];
        index.as<int64_t>()[i] = pick(random, -length, length - 1);
      }
      Shape result{2, 3, 2};
      for (int axis = static_cast<int>(batch + count); axis < 4; ++axis) result.push(x.type.shape[axis]);
      const Array expected = moved(x, result, [&](const std::vector<int64_t>& p) {
        const int64_t tuple = ravel(Shape{2, 3, 2}, {p.begin(), p.begin() + 3}) * count;
        std::vector<int64_t> from(p.begin(), p.begin() + batch);
        for (int64_t k = 0; k < count; ++k)
          from.push_back(indexAt(index, tuple + k, x.type.shape[static_cast<int>(batch + k)]));
        from.insert(from.end(), p.begin() + 3, p.end());
        return ravel(x.type.shape, from);
      });
      OpCase c("nn.gather_nd");
      c.input(x).input(index).integer("batch_dims", batch);
      expectSame(runEverywhere(c)[0], expected);
      c.inputs[1].as<int64_t>()[0] = 99;
      expectFails(c, "out of range");
    }
  expectRefused(OpCase("nn.gather_nd")
                    .input(Array(DType::F32, {3}))
                    .input(int64s({1, 2}, {0, 0}))
                    .integer("batch_dims", 0),
                "address more axes");
}

double reduced(const std::string& reduction, double old, double update) {
  if (reduction == "add") return old + update;
  if (reduction == "mul") return old * update;
  if (reduction == "min") return std::min(old, update);
  return reduction == "max" ? std::max(old, update) : update;
}

TEST(Scatter, Elements) {
  Random random(4);
  for (const char* reduction : {"none", "add", "mul", "min", "max"})
    for (int axis = 0; axis < 3; ++axis) {
      Array x(DType::I32, {3, 4, 5}), updates(DType::I32, {2, 4, 3});
      for (int64_t i = 0; i < x.size(); ++i) x.as<int32_t>()[i] = static_cast<int32_t>(pick(random, -9, 9));
      for (int64_t i = 0; i < updates.size(); ++i)
        updates.as<int32_t>()[i] = static_cast<int32_t>(pick(random, -3, 3));
      const Array index = randomIndices(updates.type.shape, x.type.shape[axis], random);
      Array expected = x;
      for (int64_t i = 0; i < updates.size(); ++i) {
        std::vector<int64_t> p = unravel(updates.type.shape, i);
        p[static_cast<size_t>(axis)] = indexAt(index, i, x.type.shape[axis]);
        int32_t& element = expected.as<int32_t>()[ravel(x.type.shape, p)];
        element = static_cast<int32_t>(reduced(reduction, element, updates.at(i)));
      }
      OpCase c("nn.scatter_elements");
      c.input(x).input(index).input(updates).integer("axis", axis).text("reduction", reduction);
      expectSame(runEverywhere(c)[0], expected);
    }
}

TEST(Scatter, ND) {
  Random random(5);
  for (const char* reduction : {"none", "add", "max"}) {
    const Array x = randomArray(DType::F32, {4, 3, 5}, random);
    const Array updates = randomArray(DType::F32, {6, 5}, random);
    Array index(DType::I64, {6, 2}), expected = x;
    for (int64_t i = 0; i < 6; ++i) { // repeated places: the order of the updates is part of the result
      index.as<int64_t>()[2 * i] = i % 2 ? -1 : 3;
      index.as<int64_t>()[2 * i + 1] = pick(random, 0, 2);
      for (int64_t k = 0; k < 5; ++k) {
        float& element = expected.as<float>()[(15 * 3) + index.as<int64_t>()[2 * i + 1] * 5 + k];
        const float update = updates.as<float>()[i * 5 + k];
        element = std::string(reduction) == "add"   ? element + update
                  : std::string(reduction) == "max" ? (update > element ? update : element)
                                                    : update;
      }
    }
    OpCase c("nn.scatter_nd");
    c.input(x).input(index).input(updates).text("reduction", reduction);
    expectSame(runEverywhere(c)[0], expected);
  }
  OpCase c("nn.scatter_nd");
  c.input(Array(DType::F32, {4, 3}))
      .input(int64s({1, 1}, {4}))
      .input(Array(DType::F32, {1, 3}))
      .text("reduction", "none");
  expectFails(c, "out of range");
  c.inputs[2] = Array(DType::F32, {1, 2});
  expectRefused(c, "must have shape 1x3");
  c.inputs[2] = Array(DType::I32, {1, 3});
  expectRefused(c, "updates are i32");
}

TEST(Scatter, IntegersWrapAround) {
  for (const char* reduction : {"add", "mul"}) {
    OpCase c("nn.scatter_elements");
    c.input(Array(DType::I32, {1}, std::vector<int32_t>{INT32_MAX})).input(int64s({1}, {0}));
    c.input(Array(DType::I32, {1}, std::vector<int32_t>{2})).integer("axis", 0).text("reduction", reduction);
    const int32_t wrapped = std::string(reduction) == "add" ? INT32_MIN + 1 : -2;
    expectSame(runEverywhere(c)[0], Array(DType::I32, {1}, std::vector<int32_t>{wrapped}));
  }
}

} // namespace
} // namespace burin::rt::data_test
