// Operators that move data, and those that are known while importing.
#include "lib/import/tflite/test_model.h"

using namespace burin;
using namespace burin::tflite::test;
namespace tfl = burin::tfl;

namespace {
const Tensor kFloat = floats();
const Tensor kSix = f32({2, 3}, {0, 1, 2, 3, 4, 5});
} // namespace

TEST(TfliteMovement, Shapes) {
  tfl::ReshapeOptionsT reshape;
  reshape.new_shape = {3, -1};
  EXPECT_EQ(evaluate(22, {kSix}, {kFloat}, reshape).shape(), "3x2");
  EXPECT_EQ(evaluate(22, {kSix, ints({-1})}, {kFloat}).shape(), "6");
  EXPECT_TRUE(has(evaluate(22, {kSix, ints({4, -1})}, {kFloat}).error(), "cannot become"));
  tfl::SqueezeOptionsT squeeze;
  squeeze.squeeze_dims = {-1};
  EXPECT_EQ(evaluate(43, {f32({1, 2, 1}, {1, 2})}, {kFloat}, squeeze).shape(), "1x2");
  EXPECT_EQ(evaluate(43, {f32({1, 2, 1}, {1, 2})}, {kFloat}).shape(), "2");
  EXPECT_EQ(evaluate(70, {kSix, ints({-1})}, {kFloat}).shape(), "2x3x1");
  expectNear(evaluate(39, {kSix, ints({1, 0})}, {kFloat}), {0, 3, 1, 4, 2, 5});
}

TEST(TfliteMovement, JoiningAndSplitting) {
  tfl::ConcatenationOptionsT concat;
  concat.axis = -1, concat.activation = tfl::Activation::RELU;
  expectNear(evaluate(2, {f32({1, 1}, {-1}), f32({1, 2}, {2, 3})}, {kFloat}, concat), {0, 2, 3});
  tfl::PackOptionsT pack;
  pack.values_count = 2, pack.axis = 1;
  auto m = evaluate(83, {f32({2}, {1, 2}), f32({2}, {3, 4})}, {kFloat}, pack);
  expectNear(m, {1, 3, 2, 4});
  tfl::UnpackOptionsT unpack;
  unpack.num = 3, unpack.axis = 1;
  auto m2 = evaluate(88, {kSix}, {kFloat, kFloat, kFloat}, unpack);
  expectNear(m2, {0, 3});
  expectNear(m2, {2, 5}, 0, 2);
  tfl::SplitOptionsT split;
  split.num_splits = 3;
  auto m3 = evaluate(49, {i32({}, {1}), kSix}, {kFloat, kFloat, kFloat}, split);
  expectNear(m3, {1, 4}, 0, 1);
  auto m4 = evaluate(102, {kSix, ints({1, -1}), i32({}, {1})}, {kFloat, kFloat}, tfl::SplitVOptionsT());
  expectNear(m4, {1, 2, 4, 5}, 0, 1);
}

TEST(TfliteMovement, Padding) {
  Tensor x = f32({1, 3}, {1, 2, 3}), pads = i32({2, 2}, {0, 0, 2, 1});
  expectNear(evaluate(34, {x, pads}, {kFloat}), {0, 0, 1, 2, 3, 0});
  expectNear(evaluate(60, {x, pads, f32({}, {9})}, {kFloat}), {9, 9, 1, 2, 3, 9});
  tfl::MirrorPadOptionsT mirror;
  expectNear(evaluate(100, {x, pads}, {kFloat}, mirror), {3, 2, 1, 2, 3, 2});
  mirror.mode = tfl::MirrorPadMode::SYMMETRIC;
  expectNear(evaluate(100, {x, pads}, {kFloat}, mirror), {2, 1, 1, 2, 3, 3});
}

TEST(TfliteMovement, BlocksAndDepth) {
  tfl::SpaceToDepthOptionsT down;
  down.block_size = 2;
  Tensor x = f32({1, 2, 2, 2}, counting(8));
  expectNear(evaluate(26, {x}, {kFloat}, down), counting(8));
  tfl::DepthToSpaceOptionsT up;
  up.block_size = 2;
  expectNear(evaluate(5, {f32({1, 1, 2, 4}, counting(8))}, {kFloat}, up), {0, 1, 4, 5, 2, 3, 6, 7});
}

TEST(TfliteMovement, BlocksAndBatch) {
  Tensor x = f32({1, 3, 2, 1}, counting(6)), block = ints({2, 2}), pads = i32({2, 2}, {1, 0, 0, 0});
  auto m = evaluate(38, {x, block, pads}, {kFloat});
  expectNear(m, {0, 2, 0, 3, 0, 4, 1, 5});
  EXPECT_EQ(m.shape(), "4x2x1x1");
  Tensor phases = f32({4, 2, 1, 1}, {0, 2, 0, 3, 0, 4, 1, 5});
  expectNear(evaluate(37, {phases, block, pads}, {kFloat}), counting(6));
}

TEST(TfliteMovement, RepeatingAndReversing) {
  expectNear(evaluate(69, {f32({1, 2}, {1, 2}), ints({2, 2})}, {kFloat}), {1, 2, 1, 2, 1, 2, 1, 2});
  expectNear(evaluate(130, {f32({2, 1}, {1, 2}), ints({2, 2})}, {kFloat}), {1, 1, 2, 2});
  expectNear(evaluate(105, {kSix, ints({1})}, {kFloat}), {2, 1, 0, 5, 4, 3});
  tfl::ReverseSequenceOptionsT o;
  o.seq_dim = 1;
  expectNear(evaluate(112, {kSix, ints({2, 3})}, {kFloat}, o), {1, 0, 2, 5, 4, 3});
}

TEST(TfliteSlice, BeginAndSize) {
  expectNear(evaluate(65, {kSix, ints({0, 1}), ints({-1, 2})}, {kFloat}), {1, 2, 4, 5});
  EXPECT_TRUE(has(evaluate(65, {kSix, ints({0, 2}), ints({1, 2})}, {kFloat}).error(), "axis 1"));
}

TEST(TfliteSlice, StridesAndMasks) {
  auto slice = [](const Tensor& x, const std::vector<int32_t>& begin, const std::vector<int32_t>& end,
                  const std::vector<int32_t>& stride, const tfl::StridedSliceOptionsT& o = {}) {
    return evaluate(45, {x, ints(begin), ints(end), ints(stride)}, {kFloat}, o);
  };
  expectNear(slice(kSix, {0, 2}, {2, 0}, {1, -1}), {2, 1, 5, 4});
  expectNear(slice(kSix, {0, -100}, {100, 100}, {1, 2}), {0, 2, 3, 5});
  tfl::StridedSliceOptionsT o;
  o.begin_mask = 2, o.end_mask = 2;
  expectNear(slice(kSix, {1, 2}, {2, 1}, {1, -2}, o), {5, 3});
  o = {};
  o.shrink_axis_mask = 2;
  auto m = slice(kSix, {0, -1}, {2, 0}, {1, 1}, o);
  expectNear(m, {2, 5});
  EXPECT_EQ(m.shape(), "2");
  o = {};
  o.ellipsis_mask = 1, o.new_axis_mask = 4;
  auto m2 = slice(f32({2, 1, 3}, counting(6)), {0, 1, 0}, {0, 2, 0}, {1, 1, 1}, o);
  expectNear(m2, {1, 4});
  EXPECT_EQ(m2.shape(), "2x1x1x1");
  o = {};
  o.offset = true;
  expectNear(slice(kSix, {1, 1}, {1, 2}, {1, 1}, o), {4, 5});
  EXPECT_TRUE(has(slice(kSix, {0, 0}, {2, 3}, {1, 0}).error(), "do not fit"));
}

TEST(TfliteGather, ByIndex) {
  tfl::GatherOptionsT o;
  o.axis = 1;
  expectNear(evaluate(36, {kSix, ints({2, 0})}, {kFloat}, o), {2, 0, 5, 3});
  o.batch_dims = 1;
  expectNear(evaluate(36, {kSix, i32({2, 1}, {2, 0})}, {kFloat}, o), {2, 3});
  // The axis stands behind one that is not a batch axis.
  o.axis = 2;
  auto m = evaluate(36, {f32({2, 2, 2}, counting(8)), i32({2, 3}, {0, 1, 1, 1, 0, 0})}, {kFloat}, o);
  expectNear(m, {0, 1, 1, 2, 3, 3, 5, 4, 4, 7, 6, 6});
  EXPECT_EQ(m.shape(), "2x2x3");
  expectNear(evaluate(107, {kSix, i32({2, 2}, {1, 2, 0, 1})}, {kFloat}), {5, 1});
  expectNear(evaluate(7, {ints({1, 1}), f32({2, 2}, {1, 2, 3, 4})}, {kFloat}), {3, 4, 3, 4});
  expectNear(evaluate(122, {i32({3, 1}, {1, 3, 1}), f32({3}, {1, 2, 4}), ints({4})}, {kFloat}), {0, 5, 0, 2});
}

TEST(TfliteGather, OneHotSortingAndPlaces) {
  tfl::OneHotOptionsT o;
  o.axis = -1;
  expectNear(evaluate(85, {ints({1, -1}), i32({}, {2}), f32({}, {5}), f32({}, {1})}, {kFloat}, o),
             {1, 5, 1, 1});
  auto m = evaluate(48, {f32({1, 4}, {3, 9, 1, 9}), i32({}, {2})}, {kFloat, of(tfl::TensorType::INT32)});
  expectNear(m, {9, 9});
  expectInts(m, {1, 3}, 1);
  expectInts(evaluate(109, {bools({2, 2}, {0, 1, 1, 0})}, {of(tfl::TensorType::INT64)}), {0, 1, 1, 0});
}

TEST(TfliteShape, IsKnownWhileImporting) {
  Tensor integer = of(tfl::TensorType::INT32);
  expectInts(evaluate(77, {kSix}, {integer}), {2, 3});
  expectInts(evaluate(110, {kSix}, {integer}), {2});
  expectNear(evaluate(94, {ints({2}), f32({}, {7})}, {kFloat}), {7, 7});
  expectInts(evaluate(96, {i32({}, {5}), i32({}, {0}), i32({}, {-2})}, {integer}), {5, 3, 1});
  expectNear(evaluate(96, {f32({}, {0}), f32({}, {1}), f32({}, {0.4f})}, {kFloat}), {0, 0.4f, 0.8f});
  expectInts(evaluate(145, {ints({2, 1}), ints({3})}, {integer}), {2, 3});
  EXPECT_FALSE(evaluate(96, {i32({}, {0}), i32({}, {5}), i32({}, {0})}, {integer}).ok());
}

TEST(TfliteResize, CoordinatesOfBothKinds) {
  Tensor x = f32({1, 1, 2, 1}, {0, 4}), size = ints({1, 4});
  tfl::ResizeBilinearOptionsT linear;
  expectNear(evaluate(23, {x, size}, {kFloat}, linear), {0, 2, 4, 4});
  linear.half_pixel_centers = true;
  expectNear(evaluate(23, {x, size}, {kFloat}, linear), {0, 1, 3, 4});
  linear.half_pixel_centers = false, linear.align_corners = true;
  expectNear(evaluate(23, {x, size}, {kFloat}, linear), {0, 4 / 3.f, 8 / 3.f, 4}, 1e-4f);
  Tensor three = f32({1, 1, 3, 1}, {0, 1, 2}), two = ints({1, 2});
  tfl::ResizeNearestNeighborOptionsT nearest;
  expectNear(evaluate(97, {three, two}, {kFloat}, nearest), {0, 1}); // 0, floor(1.5)
  nearest.half_pixel_centers = true;
  expectNear(evaluate(97, {three, two}, {kFloat}, nearest), {0, 2}); // floor(0.75), floor(2.25)
  nearest.half_pixel_centers = false, nearest.align_corners = true;
  expectNear(evaluate(97, {three, two}, {kFloat}, nearest), {0, 2});
  expectNear(evaluate(97, {x, ints({1, 3})}, {kFloat}, nearest), {0, 4, 4}); // round(0.5) away from zero
}
