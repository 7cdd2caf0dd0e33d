// Every layer's rule against values worked by hand.
#include "lib/import/darknet/test_network.h"

#include <cmath>

using namespace burin;
using namespace burin::darknet::test;

TEST(DarknetConvolutional, BatchNormOrderInTheFile) {
  // biases, scales, mean, variance, weights
  Case c{"[convolutional]\nbatch_normalize=1\nactivation=linear\n", {5, 3, 10, 4 - 0.00001f, 2}};
  expectNear(c.run({1, 1, 1, 1}, {7}), {11}); // (2*7 - 10) / 2 * 3 + 5
}

TEST(DarknetConvolutional, PaddingStridesDilationGroups) {
  auto filter = [](const std::string& options, std::vector<float> weights) {
    weights.insert(weights.begin(), 0); // bias
    return Case{"[convolutional]\nactivation=linear\n" + options, weights};
  };
  const std::vector<float> ones(9, 1);
  expectNear(filter("size=3\npad=1\n", ones).run({1, 1, 2, 2}), {6, 6, 6, 6});
  EXPECT_EQ(filter("size=3\npadding=2\n", ones).run({1, 1, 2, 2}).shape(), "1x1x4x4");
  EXPECT_EQ(filter("size=3\npad=1\nstride_x=2\nstride_y=1\n", ones).run({1, 1, 4, 4}).shape(), "1x1x4x2");
  // Dilation spreads kernel and padding.
  expectNear(filter("size=3\npad=1\ndilation=2\n", {0, 0, 0, 1, 0, 1, 0, 0, 0}).run({1, 1, 1, 5}),
             {2, 3, 4, 1, 2});
  Case grouped{"[convolutional]\nfilters=2\ngroups=2\nactivation=linear\n", {1, 2, 3, 5}};
  expectNear(grouped.run({1, 2, 1, 1}, {10, 100}), {31, 502});
}

TEST(DarknetConvolutional, RefusesWhatChangesItsWeights) {
  for (const char* option : {"xnor=1", "flipped=1", "antialiasing=1", "share_index=0"}) {
    Case c{"[convolutional]\nactivation=linear\n" + std::string(option) + "\n", {0, 1}};
    EXPECT_TRUE(has(c.import({1, 1, 1, 1}).error(), "is not supported")) << option;
  }
}

TEST(DarknetActivation, Functions) {
  auto run = [](const std::string& activation, float x) {
    return Case{"[activation]\nactivation=" + activation + "\n"}.run({1, 1, 1, 1}, {x});
  };
  expectNear(run("linear", -2), {-2});
  expectNear(run("leaky", -2), {-0.2f});
  expectNear(run("relu", -2), {0});
  expectNear(run("relu6", 9), {6});
  expectNear(run("logistic", 1), {1 / (1 + std::exp(-1.0f))});
  expectNear(run("mish", 1), {std::tanh(std::log(1 + std::exp(1.0f)))});
  expectNear(run("swish", 1), {1 / (1 + std::exp(-1.0f))});
  expectNear(run("tanh", 1), {std::tanh(1.0f)});
  expectNear(run("elu", -1), {std::exp(-1.0f) - 1});
  expectNear(run("selu", -1), {1.0507f * 1.6732f * (std::exp(-1.0f) - 1)});
  expectNear(run("gelu", 1), {0.5f * (1 + std::tanh(0.797885f + 0.035677f))}, 1e-4f);
  expectNear(run("relie", -1), {-0.01f});
  expectNear(run("hardtan", 3), {1});
  expectNear(run("loggy", 1), {2 / (1 + std::exp(-1.0f)) - 1});
  EXPECT_TRUE(has(run("stair", 1).error(), "activation 'stair' is not known"));
  // Without a word, convolutions have the logistic function.
  expectNear(Case{"[convolutional]\n", {0, 1}}.run({1, 1, 1, 1}, {0}), {0.5f});
}

TEST(DarknetConnected, BothOrdersOfWeights) {
  Case c{"[connected]\noutput=2\nactivation=linear\n", {0, 1, 1, 2, 3, 4}};
  Imported m = c.run({1, 1, 1, 2}, {1, 10});
  expectNear(m, {21, 44});
  EXPECT_EQ(m.shape(), "1x2");
  c.major = 2000;
  expectNear(c.run({1, 1, 1, 2}, {1, 10}), {31, 43});
  Case normalized{"[connected]\nbatch_normalize=1\nactivation=linear\n", {5, 2, 3, 10, 4 - 0.00001f}};
  expectNear(normalized.run({1, 1, 1, 1}, {7}), {11}); // biases, weights, scales, mean, variance
  ImportOptions larger;
  larger.inputShapes[""] = {1, 1, 1, 3};
  EXPECT_TRUE(has(c.import({1, 1, 1, 2}, larger).error(), "reads 3 values, its weights are for 2"));
}

TEST(DarknetPooling, PaddingIsSharedOutUnevenly) {
  auto pool = [](const std::string& options) { return Case{"[maxpool]\n" + options}; };
  expectNear(pool("size=2\nstride=2\n").run({1, 1, 1, 5}), {1, 3, 4});
  expectNear(pool("size=2\nstride=1\n").run({1, 1, 1, 3}), {1, 2, 2}); // keeps the size
  expectNear(pool("size=3\nstride=1\n").run({1, 1, 1, 3}, {3, 2, 1}), {3, 3, 2});
  expectNear(pool("size=2\nstride=2\npadding=0\n").run({1, 1, 2, 5}), {6, 8});
  expectNear(pool("size=1\nstride_x=2\nstride_y=1\n").run({1, 1, 1, 3}), {0, 2});
  expectNear(pool("maxpool_depth=1\nout_channels=2\n").run({1, 4, 1, 1}, {1, 9, 7, 3}), {7, 9});
  // Averages of what lies inside.
  expectNear(Case{"[local_avgpool]\nsize=3\nstride=1\n"}.run({1, 1, 1, 3}), {0.5f, 1, 1.5f});
  expectNear(Case{"[avgpool]\n"}.run({1, 2, 1, 2}), {0.5f, 2.5f});
}

TEST(DarknetShape, UpsampleAndReorg) {
  expectNear(Case{"[upsample]\nstride=2\nscale=3\n"}.run({1, 1, 1, 2}), {0, 0, 3, 3, 0, 0, 3, 3});
  // Every second pixel: place in the block first, then channel.
  expectNear(Case{"[reorg3d]\nstride=2\n"}.run({1, 1, 2, 4}), {0, 2, 1, 3, 4, 6, 5, 7});
  // The older one reads the same numbers as one channel of 4 by 4, row by row.
  expectNear(Case{"[reorg]\nstride=2\n"}.run({1, 4, 2, 2}),
             {0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15});
}

TEST(DarknetSoftmax, OverEverythingInGroups) {
  const float e = std::exp(1.0f);
  expectNear(Case{"[softmax]\n"}.run({1, 2, 1, 1}), {1 / (1 + e), e / (1 + e)});
  expectNear(Case{"[softmax]\ngroups=2\n"}.run({1, 4, 1, 1}, {0, 1, 5, 5}),
             {1 / (1 + e), e / (1 + e), 0.5f, 0.5f});
  expectNear(Case{"[softmax]\ntemperature=2\n"}.run({1, 2, 1, 1}, {0, 2}), {1 / (1 + e), e / (1 + e)});
  expectNear(Case{"[softmax]\nspatial=1\n"}.run({1, 2, 1, 2}, {1, 2, 1, 2}), {0.5f, 0.5f, 0.5f, 0.5f});
  EXPECT_TRUE(has(Case{"[softmax]\ntree=a.tree\n"}.run({1, 2, 1, 1}).error(), "tree of classes"));
}

TEST(DarknetJoining, RoutesTakeParts) {
  const std::string two = "[dropout]\n[dropout]\n";
  expectNear(Case{two + "[route]\nlayers=-1,0\n"}.run({1, 2, 1, 1}), {0, 1, 0, 1});
  expectNear(Case{two + "[route]\nlayers=-1,0\ngroups=2\ngroup_id=1\n"}.run({1, 4, 1, 1}), {2, 3, 2, 3});
}

TEST(DarknetJoining, ShortcutsAddTheChannelsThatBothHave) {
  expectNear(
      Case{"[dropout]\n[dropout]\n[shortcut]\nfrom=-2,0\nactivation=relu\n"}.run({1, 2, 1, 1}, {-1, 2}),
      {0, 6});
  const std::string wider = "[dropout]\n[route]\nlayers=0,0\n"; // 1 and 2 channels
  expectNear(Case{wider + "[shortcut]\nfrom=0\n"}.run({1, 1, 1, 1}, {3}), {6, 3});
  expectNear(Case{wider + "[route]\nlayers=0\n[shortcut]\nfrom=1\n"}.run({1, 1, 1, 1}, {3}), {6});
}

TEST(DarknetJoining, ShortcutsMayWeighTheirInputs) {
  auto shortcut = [](const std::string& options, std::vector<float> weights) {
    return Case{"[dropout]\n[dropout]\n[shortcut]\nfrom=0\n" + options, std::move(weights)}.run({1, 2, 1, 1},
                                                                                                {3, 5});
  };
  expectNear(shortcut("weights_type=per_feature\n", {2, 10}), {36, 60});
  expectNear(shortcut("weights_type=per_layer\nactivation=relu\n", {2, -10}), {0, 0});
  expectNear(shortcut("weights_type=per_channel\n", {1, 2, 10, 20}), {33, 110});
  // (w + w') / (sum + 0.0001), negative ones count as 0.001.
  expectNear(shortcut("weights_type=per_feature\nweights_normalization=relu\n", {3, -1}),
             {3 * 3.001f / 3.0011f, 5 * 3.001f / 3.0011f});
  expectNear(shortcut("weights_type=per_channel\nweights_normalization=softmax\n", {0, 7, 0, 7}),
             {3 * 2 / 2.0001f, 5 * 2 / 2.0001f});
  EXPECT_TRUE(has(shortcut("weights_type=per_feature\nweights_normalization=cube\n", {1, 1}).error(),
                  "'cube' is not known"));
}

TEST(DarknetJoining, ScaleChannelsAndSam) {
  expectNear(Case{"[dropout]\n[avgpool]\n[scale_channels]\nfrom=0\n"}.run({1, 2, 1, 2}), {0, 0.5f, 5, 7.5f});
  Case pixels{"[dropout]\n[convolutional]\nactivation=linear\n[scale_channels]\nfrom=0\nscale_wh=1\n",
              {0, 1, 10}};
  expectNear(pixels.run({1, 2, 1, 1}, {1, 2}), {21, 42});
  expectNear(Case{"[dropout]\n[dropout]\n[sam]\nfrom=0\n"}.run({1, 2, 1, 1}, {3, 4}), {9, 16});
  EXPECT_TRUE(has(Case{"[dropout]\n[dropout]\n[scale_channels]\nfrom=0\n"}.run({1, 2, 1, 2}).error(),
                  "scales 2x1x2 by 2x1x2"));
}

// One anchor and class; the raw head is x, y, w, h, objectness, class.
TEST(DarknetHead, YoloGivesRowsOfBoxesInFractionsOfThePicture) {
  const std::string yolo = "[yolo]\nmask=1\nanchors=1,1, 4,6\nclasses=1\nnum=2\n";
  const float half = 0.5f, two = std::log(2.0f);
  ImportOptions options;
  auto run = [&](const std::string& layers, std::vector<float> values) {
    options.outputs = {"yolo_1"};
    options.boundInputs["data"] = boundFloats({1, 6, 1, 2}, values);
    return Case{"[dropout]\n" + layers}.import({1, 6, 1, 2}, options);
  };
  // Two cells: centres at 0 + 1/2 and 1 + 1/2 of 2, the anchor is 4x6 pixels of a picture of 2x1.
  const std::vector<float> raw = {0, 0, 0, 0, 0, two, 0, 0, 0, 0, 0, 0};
  Imported plain = run(yolo, raw);
  expectNear(plain, {0.25f, half, 2, 6, half, half, 0.75f, half, 4, 6, half, half});
  EXPECT_EQ(plain.shape(), "1x2x6");
  // The sigmoid stretched about its middle; (2 s)^2 times the anchor for coordinates that are activated
  // already.
  expectNear(run(yolo + "scale_x_y=2\n", {two, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
             {(2 * 2.0f / 3 - half) / 2, half, 2, 6, half, half, 0.75f, half, 2, 6, half, half});
  expectNear(run(yolo + "new_coords=1\n", {1, 0, half, 0, half, half, half, half, 1, 0, 0, 0}),
             {half, half, 2, 6, 1, 0, half, 0, 2, 6, 0, 0});
  EXPECT_TRUE(
      has(run("[yolo]\nmask=0,1\nanchors=1,1,4,6\nclasses=1\n", raw).error(), "6 channels are no 2 boxes"));
  EXPECT_TRUE(has(run("[yolo]\nmask=5\nanchors=1,1,4,6\nclasses=1\n", raw).error(), "anchor 5"));
}

TEST(DarknetHead, RegionsCountAnchorsInCells) {
  ImportOptions options;
  options.outputs = {"region_1"};
  const float three = std::log(3.0f);
  options.boundInputs["data"] = boundFloats({1, 7, 1, 1}, {0, 0, three, 0, 0, three, 0});
  Imported m = Case{"[dropout]\n[region]\nanchors=0.5,1.5\nclasses=2\nnum=1\nsoftmax=1\n"}.import(
      {1, 7, 1, 1}, options);
  expectNear(m, {0.5f, 0.5f, 1.5f, 1.5f, 0.5f, 0.75f, 0.25f});
  Case tree{"[dropout]\n[region]\nanchors=1,1\nclasses=2\ntree=a.tree\n"};
  EXPECT_TRUE(has(tree.import({1, 7, 1, 1}, options).error(), "tree of classes"));
}
