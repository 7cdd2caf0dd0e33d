// What a .cfg declares: sizes, connections, names, places in the .weights; and the .weights file itself.
#include "lib/import/darknet/network.h"
#include "lib/import/darknet/test_network.h"

using namespace burin;
using namespace burin::darknet;
using namespace burin::darknet::test;

namespace {
const std::string kNet = "[net]\nwidth=8\nheight=6\nchannels=3\n";

Network read(const std::string& layers) {
  auto network = readNetwork(kNet + layers);
  EXPECT_TRUE(network.has_value()) << network.error().text();
  return network ? std::move(*network) : Network();
}
std::string errorOf(const std::string& text) {
  auto network = readNetwork(text);
  return network ? std::string() : network.error().text();
}
} // namespace

TEST(DarknetConfig, ReadsSectionsAndValues) {
  auto sections = parseConfig("# first\n[Net]\r\n width = 4 \n; note\nanchors = 1, 2.5,x\n[yolo]\nmask=3");
  ASSERT_TRUE(sections.has_value()) << sections.error().text();
  ASSERT_EQ(sections->size(), 2u);
  EXPECT_EQ((*sections)[0].type, "net");
  EXPECT_EQ((*sections)[0].integer("width", 0), 4);
  EXPECT_EQ((*sections)[0].integers("anchors"), (std::vector<int64_t>{1, 2, 0}));
  EXPECT_EQ((*sections)[1].line, 6);
  EXPECT_EQ((*sections)[1].integer("mask", 0), 3);
  EXPECT_EQ((*sections)[1].real("thresh", 0.5f), 0.5f);
}

TEST(DarknetConfig, SaysWhatIsWrong) {
  EXPECT_TRUE(has(errorOf("[net]\nwidth 3"), "line 2: 'width3' is neither"));
  EXPECT_TRUE(has(errorOf("a=1"), "before the first section"));
  EXPECT_TRUE(has(errorOf("[net"), "']' is missing"));
  EXPECT_TRUE(has(errorOf("[yolo]\n"), "does not start with [net]"));
  EXPECT_TRUE(has(errorOf("[net]\ninputs=10\n[connected]\n"), "needs width, height and channels"));
  EXPECT_TRUE(has(errorOf(kNet), "has no layers"));
  std::string many = kNet;
  for (int i = 0; i < 20000; ++i) many += "[dropout]\n";
  EXPECT_TRUE(has(errorOf(many), "more than 10000 sections"));
}

TEST(DarknetNetwork, CountsWeightsAndSizes) {
  Network n =
      read("[convolutional]\nfilters=4\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=leaky\n"
           "[maxpool]\nsize=2\nstride=2\n[connected]\noutput=5\n[cost]\n");
  ASSERT_EQ(n.layers.size(), 4u);
  EXPECT_EQ(n.layers[0].out->height, 3);
  EXPECT_EQ(n.layers[0].out->width, 4);
  EXPECT_EQ(n.layers[0].weights, 4 * 27 + 16);
  EXPECT_EQ(n.layers[1].out->height, 2); // the last window hangs over
  EXPECT_EQ(n.layers[2].weights, 5 * (4 * 2 * 2 + 1));
  EXPECT_EQ(*n.layers[2].weightsAt, 124);
  EXPECT_EQ(*n.weights, 124 + 85);
}

TEST(DarknetNetwork, LayersCountFromHereOrFromTheStart) {
  Network n = read("[dropout]\n[dropout]\n[shortcut]\nfrom=-2, 1\n[route]\nlayers = -1, 0\n[yolo]\n");
  EXPECT_EQ(n.layers[2].inputs, (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(n.layers[3].inputs, (std::vector<int>{2, 0}));
  EXPECT_EQ(n.layers[3].out->channels, 6);
  EXPECT_EQ(n.heads, std::vector<int>{4});
  EXPECT_TRUE(has(errorOf(kNet + "[route]\nlayers=-1\n"),
                  "route_0 (line 5): reads layer -1, which is not before it"));
  EXPECT_TRUE(has(errorOf(kNet + "[dropout]\n[route]\nlayers=7\n"), "reads layer 7"));
  EXPECT_TRUE(has(errorOf(kNet + "[dropout]\n[shortcut]\nactivation=linear\n"), "names no layers"));
}

TEST(DarknetNetwork, RefusesImpossibleSizes) {
  EXPECT_TRUE(has(errorOf(kNet + "[convolutional]\nsize=99\n"), "its result would be"));
  EXPECT_TRUE(has(errorOf(kNet + "[convolutional]\nfilters=0\n"), "is 0"));
  EXPECT_TRUE(has(errorOf(kNet + "[convolutional]\nfilters=1048576\nsize=4096\n"), "too many weights"));
  EXPECT_TRUE(has(errorOf(kNet + "[convolutional]\ngroups=2\n"), "3 channels cannot become 1 in 2 groups"));
  EXPECT_TRUE(has(errorOf(kNet + "[upsample]\nstride=-2\n"), "stride is -2"));
  EXPECT_TRUE(has(errorOf(kNet + "[maxpool]\nsize=2\npadding=4\n"), "padding is 4"));
  EXPECT_TRUE(has(errorOf(kNet + "[reorg]\nstride=4\n"), "does not divide"));
  EXPECT_TRUE(
      has(errorOf(kNet + "[dropout]\n[maxpool]\nstride=2\n[route]\nlayers=0,1\n"), "joins 3x6x8 and 3x3x4"));
}

TEST(DarknetWeights, ByteCountsAreExact) {
  Case c{"[convolutional]\nactivation=linear\n", {7, 2}};
  expectNear(c.run({1, 1, 1, 2}, {1, 10}), {9, 27});
  c.weights.push_back(0);
  EXPECT_TRUE(
      has(c.run({1, 1, 1, 2}).error(),
          "its weights file has 32 bytes, the .cfg needs 28 (2 numbers behind a header of 20 bytes)"));
  c.weights = {7};
  EXPECT_TRUE(has(c.run({1, 1, 1, 2}).error(), "has 24 bytes, the .cfg needs 28"));
  Case old{"[convolutional]\nactivation=linear\n", {7, 2}, 0, 1}; // counts pictures in 32 bits
  expectNear(old.run({1, 1, 1, 2}, {1, 10}), {9, 27});
  old.weights = {};
  EXPECT_TRUE(has(old.run({1, 1, 1, 2}).error(), "has 16 bytes, the .cfg needs 24"));
  Case diverged{"[convolutional]\nfilters=2\nactivation=linear\n", {INFINITY, 0, 1, 1}};
  EXPECT_TRUE(has(diverged.run({1, 1, 1, 2}).error(), "biases hold values that are no finite numbers"));
}

TEST(DarknetNetwork, TensorsAreNumberedLikeLayers) {
  Case c{"[convolutional]\nbatch_normalize=1\nactivation=mish\n[convolutional]\nactivation=linear\n[yolo]\n",
         {0, 1, 0, 1, 1, 0, 1}};
  Imported m = c.import({1, 1, 2, 2});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.ops(), (std::vector<std::string>{"conv", "batch_norm", "unary", "conv"}));
  EXPECT_EQ(nn::valueName(m.find("conv")->getResult(0)), "conv_0");
  EXPECT_EQ(nn::valueName(m.find("batch_norm")->getResult(0)), "bn_0");
  EXPECT_EQ(nn::valueName(m.find("unary")->getResult(0)), "mish_0");
  EXPECT_EQ(nn::valueName(m.output()), "conv_1"); // what the head reads
  ASSERT_EQ(m.result->info.preprocess.size(), 1u);
  EXPECT_EQ(m.result->info.preprocess[0].pixel, "gray");
}

TEST(DarknetNetwork, UnknownLayersAreReportedAndCanBeCutOff) {
  Case c{"[convolutional]\nactivation=linear\n[crnn]\n[convolutional]\nactivation=linear\n", {7, 2, 0, 0}};
  std::string error = c.import({1, 1, 1, 2}).error();
  EXPECT_TRUE(has(error, "operator crnn (1 node: crnn_1 (crnn)) is not supported")) << error;
  ImportOptions options;
  options.outputs = {"conv_0"};
  EXPECT_TRUE(c.import({1, 1, 1, 2}, options).ok());
  options.outputs = {"conv_2"};
  options.inputs = {"crnn_1"};
  options.inputShapes["crnn_1"] = {1, 1, 1, 2};
  EXPECT_TRUE(has(c.import({1, 1, 1, 2}, options).error(), "its size is not known"));
}

TEST(DarknetNetwork, RefusesPicturesOfOtherDimensions) {
  ImportOptions options;
  options.inputShapes[""] = {5};
  EXPECT_TRUE(has(Case{"[softmax]\n"}.import({1, 1, 1, 2}, options).error(), "a tensor of 1 dimensions"));
}
