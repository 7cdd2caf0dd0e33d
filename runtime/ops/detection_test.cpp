#include "runtime/ops/data_test_support.h"

#include <limits>

namespace burin::rt::data_test {
namespace {

TEST(NonZero, PositionsInRowMajorOrder) {
  OpCase c("nn.nonzero");
  c.input(floats({2, 3}, {0, 1, -0.0f, 2, 0, std::nanf("")}));
  const std::vector<Array> results = runEverywhere(c);
  expectSame(results[0], int64s({2, 6}, {0, 1, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0}));
  expectSame(results[1], int64s({1}, {3}));
  OpCase scalar("nn.nonzero");
  scalar.input(floats(Shape(), {4}));
  expectSame(runEverywhere(scalar)[1], int64s({1}, {1}));
}

TEST(Compress, RowsAndElements) {
  const Array x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  OpCase columns("nn.compress");
  columns.input(x).input(Array(DType::Bool, {3}, std::vector<uint8_t>{0, 1, 1})).integer("axis", 1);
  std::vector<Array> results = runEverywhere(columns);
  expectSame(results[0], floats({2, 3}, {2, 3, 0, 5, 6, 0}));
  expectSame(results[1], int64s({1}, {2}));
  OpCase flat("nn.compress");
  flat.input(x).input(Array(DType::Bool, {5}, std::vector<uint8_t>{0, 1, 0, 0, 1})).integer("axis", -1);
  results = runEverywhere(flat);
  expectSame(results[0], floats({5}, {2, 5, 0, 0, 0}));
  flat.inputs[1] = Array(DType::Bool, {7});
  expectRefused(flat, "at most 6");
}

double overlap(const float* a, const float* b) {
  const double height = std::min(a[2], b[2]) - std::max(a[0], b[0]),
               width = std::min(a[3], b[3]) - std::max(a[1], b[1]);
  if (height <= 0 || width <= 0) return 0;
  const double both = height * width;
  return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both);
}

TEST(Nms, GreedyPerClass) {
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    const int64_t batches = 2, classes = 3, boxes = pick(random, 1, 30), most = pick(random, 0, 12);
    Array box(DType::F32, {batches, boxes, 4}), scores(DType::F32, {batches, classes, boxes});
    for (int64_t i = 0; i < batches * boxes; ++i) {
      float* p = box.as<float>() + 4 * i;
      p[0] = static_cast<float>(pick(random, 0, 20));
      p[1] = static_cast<float>(pick(random, 0, 20));
      p[2] = p[0] + static_cast<float>(pick(random, 1, 9));
      p[3] = p[1] + static_cast<float>(pick(random, 1, 9));
    }
    for (int64_t i = 0; i < scores.size(); ++i)
      scores.as<float>()[i] = static_cast<float>(pick(random, 0, 9)) * 0.1f; // ties
    std::vector<int64_t> expected;
    for (int64_t b = 0; b < batches; ++b)
      for (int64_t k = 0; k < classes; ++k) {
        std::vector<int64_t> kept;
        std::vector<bool> used(static_cast<size_t>(boxes));
        const float* score = scores.as<float>() + (b * classes + k) * boxes;
        while (static_cast<int64_t>(kept.size()) < most) {
          int64_t best = -1;
          for (int64_t i = 0; i < boxes; ++i)
            if (!used[static_cast<size_t>(i)] && score[i] > 0.25f && (best < 0 || score[i] > score[best]))
              best = i;
          if (best < 0) break;
          used[static_cast<size_t>(best)] = true;
          bool free = true;
          for (int64_t i : kept)
            free = free && overlap(box.as<float>() + 4 * (b * boxes + i),
                                   box.as<float>() + 4 * (b * boxes + best)) <= 0.3;
          if (!free) continue;
          kept.push_back(best);
          expected.insert(expected.end(), {b, k, best});
        }
      }
    const int64_t rows = batches * classes * std::min(most, boxes),
                  found = static_cast<int64_t>(expected.size()) / 3;
    expected.resize(static_cast<size_t>(rows) * 3, -1);
    OpCase c("nn.nms");
    c.input(box)
        .input(scores)
        .integer("max_output", most)
        .real("iou_threshold", 0.3f)
        .real("score_threshold", 0.25f)
        .integer("center_point_box", 0);
    const std::vector<Array> results = runEverywhere(c);
    expectSame(results[0], int64s({rows, 3}, expected));
    expectSame(results[1], int64s({1}, {found}));
  }
}

TEST(Nms, CornersCentresAndStrangeScores) {
  // Two copies of one box, once by flipped corners; NaN scores come last.
  OpCase corners("nn.nms");
  corners.input(floats({1, 3, 4}, {0, 0, 1, 1, 1, 1, 0, 0, 5, 5, 6, 6}))
      .input(floats({1, 1, 3}, {std::nanf(""), 0.5f, -2}));
  corners.integer("max_output", 5).real("iou_threshold", 0.5f).integer("center_point_box", 0);
  expectSame(runEverywhere(corners)[0], int64s({3, 3}, {0, 0, 1, 0, 0, 2, -1, -1, -1}));
  OpCase centres("nn.nms");
  centres.input(floats({1, 2, 4}, {1, 1, 2, 2, 1.5f, 1, 2, 2})).input(floats({1, 1, 2}, {0.1f, 0.2f}));
  centres.integer("max_output", 2).real("iou_threshold", 0.5f).integer("center_point_box", 1);
  expectSame(runEverywhere(centres)[1], int64s({1}, {1})); // overlap 3 / 5
  centres.inputs[1] = floats({1, 1, 3}, {0, 0, 0});
  expectRefused(centres, "do not fit boxes");
}

TEST(RoiAlign, MeanAndMaximumOfSamples) {
  // A plane whose value is 10 * y + x: bilinear samples are exact.
  Array x(DType::F32, {1, 1, 8, 8});
  for (int64_t i = 0; i < 64; ++i) x.as<float>()[i] = static_cast<float>(i / 8 * 10 + i % 8);
  OpCase c("nn.roi_align");
  c.input(x)
      .input(floats({1, 4}, {1, 2, 5, 6}))
      .input(int64s({1}, {0}))
      .text("mode", "avg")
      .ints("sizes", {2, 2});
  c.integer("sampling_ratio", 2).real("spatial_scale", 1).integer("half_pixel", 0);
  // Bins of 2 x 2, their centres at x = 2, 4 and y = 3, 5.
  expectNear(runEverywhere(c)[0], {32, 34, 52, 54}, 1e-4);
  c.attrs.list.back().ints = {1}; // half a pixel to the upper left
  expectNear(runEverywhere(c)[0], {26.5, 28.5, 46.5, 48.5}, 1e-4);
  c.inputs[2] = int64s({1}, {1});
  expectFails(c, "batch index");
  c.inputs[2] = int64s({1}, {0});
  c.inputs[1] = floats({1, 4}, {0, 0, 1e30f, 1});
  expectFails(c, "too large");
}

} // namespace
} // namespace burin::rt::data_test
