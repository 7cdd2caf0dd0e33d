// Operators that move data, make shapes, or reduce, against values worked by hand.
#include "lib/import/tensorflow/test_graph.h"

#include <cmath>

using namespace burin;
using namespace burin::tensorflow::test;

TEST(TensorflowShape, ReshapesAndOrders) {
  EXPECT_EQ(Case("Reshape", {"x", "s"}).x({2, 6}).numbers("s", {3, -1}).run().shape(), "3x4");
  EXPECT_TRUE(has(Case("Reshape", {"x", "s"}).x({2, 6}).numbers("s", {5, -1}).run().error(),
                  "does not hold its input of 12"));
  EXPECT_TRUE(
      has(Case("Reshape", {"x", "s"}).x({2, 6}).numbers("s", {-1, -1}).run().error(), "is not possible"));
  EXPECT_EQ(Case("Transpose", {"x", "p"}).x({2, 3}).numbers("p", {1, 0}).run().floats(),
            (Floats{0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(
      has(Case("Transpose", {"x", "p"}).x({2, 3}).numbers("p", {1, 1}).run().error(), "no permutation"));
  EXPECT_EQ(Case("Squeeze", {"x"}).x({1, 2, 1}).run().shape(), "2");
  EXPECT_EQ(Case("Squeeze", {"x"}, {ints("squeeze_dims", {-1})}).x({1, 2, 1}).run().shape(), "1x2");
  EXPECT_TRUE(
      has(Case("Squeeze", {"x"}, {ints("squeeze_dims", {1})}).x({1, 2, 1}).run().error(), "axis 1 has 2"));
  EXPECT_EQ(Case("ExpandDims", {"x", "a"}).x({2, 3}).number("a", -1).run().shape(), "2x3x1");
}

TEST(TensorflowShape, JoinsAndSplits) {
  EXPECT_EQ(Case("ConcatV2", {"x", "b", "a"}).x({1, 2}).with("b", {1, 1}, {9}).number("a", 1).run().floats(),
            (Floats{0, 1, 9}));
  EXPECT_EQ(Case("Concat", {"a", "x", "b"}).x({1, 2}).with("b", {1, 1}, {9}).number("a", 1).run().floats(),
            (Floats{0, 1, 9}));
  Imported pack = Case("Pack", {"x", "b"}, {integer("axis", 1)}).x({2}).with("b", {2}, {8, 9}).run();
  EXPECT_EQ(pack.floats(), (Floats{0, 8, 1, 9}));
  Imported unpack =
      Case("Unpack", {"x"}, {integer("axis", 1), integer("num", 3)}).x({2, 3}).run({"y", "y:2"});
  ASSERT_TRUE(unpack.ok()) << unpack.error();
  EXPECT_EQ(unpack.floats(0), (Floats{0, 3}));
  EXPECT_EQ(unpack.floats(1), (Floats{2, 5}));
  Imported split =
      Case("Split", {"a", "x"}, {integer("num_split", 2)}).x({1, 4}).number("a", 1).run({"y", "y:1"});
  ASSERT_TRUE(split.ok()) << split.error();
  EXPECT_EQ(split.floats(1), (Floats{2, 3}));
  Imported sizes =
      Case("SplitV", {"x", "s", "a"}).x({5}).numbers("s", {1, -1, 2}).number("a", 0).run({"y", "y:1", "y:2"});
  ASSERT_TRUE(sizes.ok()) << sizes.error();
  EXPECT_EQ(sizes.floats(1), (Floats{1, 2}));
  EXPECT_EQ(sizes.floats(2), (Floats{3, 4}));
  EXPECT_TRUE(has(Case("Split", {"a", "x"}, {integer("num_split", 3)}).x({1, 4}).number("a", 1).run().error(),
                  "4 entries do not split into 3"));
  EXPECT_TRUE(has(Case("SplitV", {"x", "s", "a"}).x({5}).numbers("s", {1, 2}).number("a", 0).run().error(),
                  "add up to 5"));
}

TEST(TensorflowShape, PadsAndRepeats) {
  EXPECT_EQ(Case("Pad", {"x", "p"}).x({2}, {1, 2}).with(intConst("p", {1, 2}, {1, 2})).run().floats(),
            (Floats{0, 1, 2, 0, 0}));
  EXPECT_EQ(Case("PadV2", {"x", "p", "v"})
                .x({2}, {1, 2})
                .with(intConst("p", {1, 2}, {1, 0}))
                .with("v", {}, {7})
                .run()
                .floats(),
            (Floats{7, 1, 2}));
  auto mirrored = [](const char* mode) {
    return Case("MirrorPad", {"x", "p"}, {text("mode", mode)})
        .x({3}, {1, 2, 3})
        .with(intConst("p", {1, 2}, {2, 2}))
        .run()
        .floats();
  };
  EXPECT_EQ(mirrored("REFLECT"), (Floats{3, 2, 1, 2, 3, 2, 1}));
  EXPECT_EQ(mirrored("SYMMETRIC"), (Floats{2, 1, 1, 2, 3, 3, 2}));
  EXPECT_EQ(Case("Tile", {"x", "m"}).x({1, 2}).numbers("m", {2, 2}).run().floats(),
            (Floats{0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(Case("BroadcastTo", {"x", "s"}).x({2, 1}).numbers("s", {2, 2}).run().floats(),
            (Floats{0, 0, 1, 1}));
  EXPECT_EQ(Case("ReverseV2", {"x", "a"}).x({2, 2}).numbers("a", {1, 0}).run().floats(),
            (Floats{3, 2, 1, 0}));
}

TEST(TensorflowShape, ShapesAreValues) {
  EXPECT_EQ(Case("Shape", {"x"}).x({2, 3}).run().ints(), (Ints{2, 3}));
  Imported shapes =
      Case("ShapeN", {"x", "b"}, {type("out_type", 9)}).x({2, 3}).with("b", {4}).run({"y", "y:1"});
  ASSERT_TRUE(shapes.ok()) << shapes.error();
  EXPECT_EQ(shapes.ints(1), (Ints{4}));
  EXPECT_EQ(Case("Size", {"x"}).x({2, 3}).run().ints(), (Ints{6}));
  EXPECT_EQ(Case("Rank", {"x"}).x({2, 3}).run().ints(), (Ints{2}));
  EXPECT_EQ(Case("Range", {"a", "b", "c"}).number("a", 1).number("b", 8).number("c", 3).run().ints(),
            (Ints{1, 4, 7}));
  EXPECT_EQ(Case("Range", {"a", "b", "c"})
                .with("a", {}, {1})
                .with("b", {}, {0})
                .with("c", {}, {-0.5f})
                .run()
                .floats(),
            (Floats{1, 0.5f}));
  EXPECT_TRUE(has(Case("Range", {"a", "b", "c"}).number("a", 1).number("b", 8).number("c", 0).run().error(),
                  "is not possible"));
  EXPECT_EQ(Case("Fill", {"s", "v"}).numbers("s", {2, 2}).with("v", {}, {3}).run().floats(),
            (Floats{3, 3, 3, 3}));
  EXPECT_EQ(Case("ZerosLike", {"x"}).x({2}).run().floats(), (Floats{0, 0}));
  EXPECT_EQ(Case("OnesLike", {"x"}).x({2}).run().floats(), (Floats{1, 1}));
  EXPECT_EQ(Case("BroadcastArgs", {"a", "b"}).numbers("a", {3, 1}).numbers("b", {2, 1, 4}).run().ints(),
            (Ints{2, 3, 4}));
}

TEST(TensorflowSlice, PlainAndStrided) {
  EXPECT_EQ(
      Case("Slice", {"x", "b", "s"}).x({3, 2}).numbers("b", {1, 0}).numbers("s", {-1, 1}).run().floats(),
      (Floats{2, 4}));
  EXPECT_TRUE(has(Case("Slice", {"x", "b", "s"}).x({3}).numbers("b", {2}).numbers("s", {2}).run().error(),
                  "outside of axis 0"));
  struct Row {
    Ints begin, end, stride;
    Attributes masks;
    std::string shape;
    Floats values;
  };
  const Row rows[] = {
      {{1}, {3}, {1}, {}, "2x2", {2, 3, 4, 5}},
      {{-1}, {-4}, {-2}, {}, "2x2", {4, 5, 0, 1}},                            // backwards
      {{7}, {9}, {1}, {integer("begin_mask", 1)}, "3x2", {0, 1, 2, 3, 4, 5}}, // begin left out, end clamped
      {{0}, {0}, {-1}, {integer("begin_mask", 1), integer("end_mask", 1)}, "3x2", {4, 5, 2, 3, 0, 1}},
      {{-2}, {-1}, {1}, {integer("shrink_axis_mask", 1)}, "2", {2, 3}},          // x[-2]
      {{0, 1}, {0, 2}, {1, 1}, {integer("ellipsis_mask", 1)}, "3x1", {1, 3, 5}}, // x[..., 1:2]
      {{0, 0}, {0, 1}, {1, 1}, {integer("new_axis_mask", 1)}, "1x1x2", {0, 1}},  // x[newaxis, 0:1]
      {{2}, {1}, {1}, {}, "0x2", {}},
  };
  for (const Row& row : rows) {
    Imported m = Case("StridedSlice", {"x", "b", "e", "s"}, row.masks)
                     .x({3, 2})
                     .numbers("b", row.begin)
                     .numbers("e", row.end)
                     .numbers("s", row.stride)
                     .run();
    ASSERT_TRUE(m.ok()) << m.error();
    EXPECT_EQ(m.shape(), row.shape);
    EXPECT_EQ(m.floats(), row.values) << row.shape;
  }
  auto error = [](const Ints& begin, const Ints& stride, const Attributes& masks) {
    return Case("StridedSlice", {"x", "b", "e", "s"}, masks)
        .x({3})
        .numbers("b", begin)
        .numbers("e", begin)
        .numbers("s", stride)
        .run()
        .error();
  };
  EXPECT_TRUE(has(error({3}, {1}, {integer("shrink_axis_mask", 1)}), "position 3 is outside"));
  EXPECT_TRUE(has(error({0}, {0}, {}), "stride of 0"));
  EXPECT_TRUE(has(error({0, 0}, {1, 1}, {}), "slices 2 axes of 1"));
}

TEST(TensorflowGather, ByIndex) {
  EXPECT_EQ(Case("Gather", {"x", "i"}).x({3}).numbers("i", {2, 0}).run().floats(), (Floats{2, 0}));
  EXPECT_EQ(Case("ResourceGather", {"x", "i"}).x({3}).numbers("i", {1}).run().floats(), (Floats{1}));
  EXPECT_EQ(Case("GatherV2", {"x", "i", "a"}).x({2, 2}).numbers("i", {1}).number("a", 1).run().floats(),
            (Floats{1, 3}));
  Imported batch = Case("GatherV2", {"x", "i", "a"}, {integer("batch_dims", 1)})
                       .x({2, 3})
                       .with(intConst("i", {2, 1}, {2, 0}))
                       .number("a", 1)
                       .run();
  ASSERT_TRUE(batch.ok()) << batch.error();
  EXPECT_EQ(batch.shape(), "2x1");
  EXPECT_EQ(batch.floats(), (Floats{2, 3}));
  EXPECT_EQ(Case("GatherNd", {"x", "i"}).x({2, 2}).with(intConst("i", {2, 2}, {1, 0, 0, 1})).run().floats(),
            (Floats{2, 1}));
  EXPECT_EQ(Case("ScatterNd", {"i", "x", "s"})
                .with(intConst("i", {3, 1}, {0, 2, 0}))
                .x({3}, {1, 2, 4})
                .numbers("s", {3})
                .run()
                .floats(),
            (Floats{5, 0, 2}));
  EXPECT_EQ(Case("TensorScatterUpdate", {"x", "i", "u"})
                .x({3})
                .with(intConst("i", {1, 1}, {1}))
                .with("u", {1}, {9})
                .run()
                .floats(),
            (Floats{0, 9, 2}));
  EXPECT_EQ(Case("TensorScatterAdd", {"x", "i", "u"})
                .x({3})
                .with(intConst("i", {1, 1}, {1}))
                .with("u", {1}, {9})
                .run()
                .floats(),
            (Floats{0, 10, 2}));
  Imported hot = Case("OneHot", {"i", "d", "on", "off"})
                     .numbers("i", {1, -1, 3})
                     .number("d", 3)
                     .with("on", {}, {5})
                     .with("off", {}, {1})
                     .run();
  ASSERT_TRUE(hot.ok()) << hot.error();
  EXPECT_EQ(hot.floats(), (Floats{1, 5, 1, 1, 1, 1, 1, 1, 1}));
}

TEST(TensorflowReduction, OverAxes) {
  auto run = [](const char* op, bool keep) {
    return Case(op, {"x", "a"}, {flag("keep_dims", keep)})
        .x({2, 3}, {1, 2, 3, 4, 5, 6})
        .numbers("a", {-1})
        .run();
  };
  EXPECT_EQ(run("Mean", false).floats(), (Floats{2, 5}));
  EXPECT_EQ(run("Mean", true).shape(), "2x1");
  EXPECT_EQ(run("Sum", false).floats(), (Floats{6, 15}));
  EXPECT_EQ(run("Max", false).floats(), (Floats{3, 6}));
  EXPECT_EQ(run("Min", false).floats(), (Floats{1, 4}));
  EXPECT_EQ(run("Prod", false).floats(), (Floats{6, 120}));
  EXPECT_EQ(Case("EuclideanNorm", {"x", "a"}).x({2}, {3, 4}).number("a", 0).run().floats(), (Floats{5}));
  EXPECT_EQ(Case("All", {"x", "a"}).with(boolConst("x", {2, 2}, {1, 1, 0, 1})).number("a", 1).run().ints(),
            (Ints{1, 0}));
  EXPECT_EQ(Case("Any", {"x", "a"}).with(boolConst("x", {2, 2}, {0, 0, 0, 1})).number("a", 1).run().ints(),
            (Ints{0, 1}));
  EXPECT_TRUE(has(Case("Mean", {"x", "a"}).x({2}).number("a", 3).run().error(), "axis 3"));
}

TEST(TensorflowReduction, PlacesAndOrder) {
  EXPECT_EQ(Case("ArgMax", {"x", "a"}).x({2, 3}, {1, 9, 2, 7, 0, 7}).number("a", 1).run().ints(),
            (Ints{1, 0}));
  EXPECT_EQ(Case("ArgMin", {"x", "a"}, {type("output_type", 3)})
                .x({2, 3}, {1, 9, 2, 7, 0, 7})
                .number("a", 1)
                .run()
                .ints(),
            (Ints{0, 1}));
  Imported top = Case("TopKV2", {"x", "k"}).x({4}, {3, 9, 1, 9}).number("k", 2).run({"y", "y:1"});
  ASSERT_TRUE(top.ok()) << top.error();
  EXPECT_EQ(top.floats(0), (Floats{9, 9}));
  EXPECT_EQ(top.ints(1), (Ints{1, 3}));
  EXPECT_EQ(Case("TopK", {"x"}, {integer("k", 1)}).x({4}, {3, 9, 1, 9}).run({"y:1"}).ints(), (Ints{1}));
  EXPECT_EQ(Case("Cumsum", {"x", "a"}, {flag("reverse")}).x({3}, {1, 2, 3}).number("a", 0).run().floats(),
            (Floats{6, 5, 3}));
  EXPECT_EQ(Case("Cumsum", {"x", "a"}, {flag("exclusive")}).x({3}, {1, 2, 3}).number("a", 0).run().floats(),
            (Floats{0, 1, 3}));
}

TEST(TensorflowResize, PositionsOfEachKind) {
  auto run = [](const char* op, const Attributes& attributes, int64_t to = 4) {
    return Case(op, {"x", "s"}, attributes).x({1, 1, 2, 1}, {0, 12}).numbers("s", {1, to}).run().floats();
  };
  EXPECT_EQ(run("ResizeBilinear", {}), (Floats{0, 6, 12, 12}));
  EXPECT_EQ(run("ResizeBilinear", {flag("half_pixel_centers")}), (Floats{0, 3, 9, 12}));
  EXPECT_EQ(run("ResizeBilinear", {flag("align_corners")}), (Floats{0, 4, 8, 12}));
  EXPECT_EQ(run("ResizeNearestNeighbor", {}, 3), (Floats{0, 0, 12}));
  EXPECT_EQ(run("ResizeNearestNeighbor", {flag("half_pixel_centers")}, 3), (Floats{0, 12, 12}));
  EXPECT_EQ(run("ResizeNearestNeighbor", {flag("align_corners")}, 3), (Floats{0, 12, 12}));
  // Halfway between two equal pairs: the cubic weights of a = -0.75 are -0.09375 and 0.59375, the border
  // repeats.
  Floats old = run("ResizeBicubic", {});
  EXPECT_NEAR(old[1], 12 * (0.59375 - 0.09375), 1e-4);
  // At 0.25 beyond pixel 0 with a = -0.5 the weights of both pixels are 0.8671875 and 0.2265625, normalized.
  Floats half = run("ResizeBicubic", {flag("half_pixel_centers")});
  EXPECT_NEAR(half[1], 12 * 0.2265625 / (0.8671875 + 0.2265625), 1e-4);
  EXPECT_TRUE(has(Case("ResizeBilinear", {"x", "s"}, {flag("align_corners"), flag("half_pixel_centers")})
                      .x({1, 1, 2, 1})
                      .numbers("s", {1, 2})
                      .run()
                      .error(),
                  "exclude each other"));
}

TEST(TensorflowResize, Crops) {
  // The left half of row 0..1, twice: two samples from corner to corner, and a single one from the middle.
  Case c("CropAndResize", {"x", "b", "i", "s"}, {real("extrapolation_value", -1)});
  c.x({1, 3, 3, 1})
      .with("b", {3, 4}, {0, 0, 1, 1, 0.5f, 0.5f, 1, 1, -0.5f, 0, 0.5f, 1})
      .numbers("i", {0, 0, 0})
      .numbers("s", {2, 2});
  Imported m = c.run();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shape(), "3x2x2x1");
  const Floats y = m.floats(), expected = {0, 2, 6, 8, 4, 5, 7, 8, -1, -1, 3, 5};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(y[i], expected[i], 1e-5);
  Imported one = Case("CropAndResize", {"x", "b", "i", "s"})
                     .x({1, 3, 3, 1})
                     .with("b", {1, 4}, {0, 0, 1, 0.5f})
                     .numbers("i", {0})
                     .numbers("s", {1, 1})
                     .run();
  ASSERT_TRUE(one.ok()) << one.error();
  EXPECT_NEAR(one.floats().at(0), 3.5f, 1e-5);
}

TEST(TensorflowQuantization, FakeQuantMovesTheRangeToHoldZero) {
  // -0.1 to 1.0 in 255 steps: zero is at 23.18, so the grid moves to 23.
  Imported m = Case("FakeQuantWithMinMaxVars", {"x", "a", "b"})
                   .x({4}, {-5, 0, 0.5f, 5})
                   .with("a", {}, {-0.1f})
                   .with("b", {}, {1})
                   .run();
  ASSERT_TRUE(m.ok()) << m.error();
  const float step = 1.1f / 255;
  const Floats expected = {-23 * step, 0, std::round(0.5f / step) * step, 232 * step}, y = m.floats();
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(y[i], expected[i], 1e-6);
  Imported args =
      Case("FakeQuantWithMinMaxArgs", {"x"}, {real("min", 0), real("max", 3), integer("num_bits", 2)})
          .x({3}, {-1, 1.2f, 9})
          .run();
  ASSERT_TRUE(args.ok()) << args.error();
  EXPECT_EQ(args.floats(), (Floats{0, 1, 3}));
  Imported channels = Case("FakeQuantWithMinMaxVarsPerChannel", {"x", "a", "b"}, {flag("narrow_range")})
                          .x({1, 2}, {9, 9})
                          .with("a", {2}, {-1.27f, -127})
                          .with("b", {2}, {1.27f, 127})
                          .run();
  ASSERT_TRUE(channels.ok()) << channels.error();
  EXPECT_NEAR(channels.floats()[0], 1.27f, 1e-6);
  EXPECT_NEAR(channels.floats()[1], 9, 1e-6);
  EXPECT_TRUE(has(Case("FakeQuantWithMinMaxVars", {"x", "a", "b"})
                      .x({1})
                      .with("a", {}, {1})
                      .with("b", {}, {1})
                      .run()
                      .error(),
                  "its range is 1 to 1"));
  Graph g;
  g.placeholder("x", {4})
      .scalar("a", -1.0f)
      .scalar("b", 1.0f)
      .node("FakeQuantWithMinMaxVars", "y", {"x", "a", "b"});
  EXPECT_EQ(g.import().ops(), (std::vector<std::string>{"quantize", "dequantize"}));
}

TEST(TensorflowDetection, SuppressionInEveryVersion) {
  const Floats boxes = {0, 0, 1, 1, 0, 0, 1, 0.9f, 2, 2, 3, 3}, scores = {0.5f, 0.9f, 0.7f};
  for (int version = 1; version <= 5; ++version) {
    std::vector<std::string> inputs = {"boxes", "scores", "most"};
    for (int i = 1; i < std::min(version, 3); ++i) inputs.push_back(i == 1 ? "overlap" : "score");
    if (version == 5) inputs.push_back("sigma");
    Attributes attributes;
    if (version >= 4) attributes.push_back(flag("pad_to_max_output_size"));
    Case c(version == 1 ? "NonMaxSuppression" : "NonMaxSuppressionV" + std::to_string(version), inputs,
           attributes);
    c.with("boxes", {3, 4}, boxes)
        .with("scores", {3}, scores)
        .number("most", 4)
        .with("overlap", {}, {0.5f})
        .with("score", {}, {0.1f})
        .with("sigma", {}, {0});
    Imported m = c.run(version == 5   ? std::vector<std::string>{"y", "y:1", "y:2"}
                       : version == 4 ? std::vector<std::string>{"y", "y:1"}
                                      : std::vector<std::string>{"y"});
    ASSERT_TRUE(m.ok()) << version << ": " << m.error();
    EXPECT_EQ(m.ints(), version < 4 ? (Ints{1, 2}) : (Ints{1, 2, 0, 0})) << version;
    if (version >= 4) EXPECT_EQ(m.ints(version == 4 ? 1 : 2), (Ints{2}));
    if (version == 5) EXPECT_EQ(m.floats(1), (Floats{0.9f, 0.7f, 0, 0}));
  }
}
