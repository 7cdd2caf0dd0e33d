// Which layers of a .prototxt take part, what they read, what their tensors are called, and where weights
// come from.
#include "lib/import/caffe/network.h"
#include "lib/import/caffe/test_network.h"

using namespace burin;
using namespace burin::caffe;
using namespace burin::caffe::test;

namespace {
std::string layer(const std::string& name, const std::string& type, const std::string& bottom,
                  const std::string& top, const std::string& fields = {}) {
  return "layer { name: '" + name + "' type: '" + type + "' bottom: '" + bottom + "' top: '" + top + "' " +
         fields + " }\n";
}
Network read(const std::string& text) {
  auto network = readNetwork(text);
  EXPECT_TRUE(network.has_value()) << network.error().text();
  return network ? std::move(*network) : Network();
}
std::string errorOf(const std::string& text) {
  auto network = readNetwork(text);
  return network ? std::string() : network.error().text();
}
using Names = std::vector<std::string>;
} // namespace

TEST(CaffeNetwork, InPlaceLayersMakeTensorsOfTheirOwn) {
  Network n = read(inputLayer("data", {1, 2}) + layer("ip", "InnerProduct", "data", "ip") +
                   layer("relu", "ReLU", "ip", "ip") + layer("drop", "Dropout", "ip", "ip"));
  ASSERT_EQ(n.layers.size(), 3u);
  EXPECT_EQ(n.layers[0].tops, Names{"ip/ip"});
  EXPECT_EQ(n.layers[1].bottoms, Names{"ip/ip"});
  EXPECT_EQ(n.layers[1].tops, Names{"ip/relu"});
  EXPECT_EQ(n.layers[2].tops, Names{"ip"}); // the name that people know is the last one's
  EXPECT_EQ(n.outputs, Names{"ip"});
}

TEST(CaffeNetwork, AnInputKeepsItsNameInPlace) {
  Network n = read(inputLayer("data", {1, 2}) + layer("norm", "Power", "data", "data"));
  EXPECT_EQ(n.layers[0].bottoms, Names{"data"});
  EXPECT_EQ(n.layers[0].tops, Names{"data/norm"});
  EXPECT_EQ(n.outputs, Names{"data/norm"});
}

TEST(CaffeNetwork, TensorNamesStayUnique) {
  Network n = read(inputLayer("x", {1}) + layer("a", "ReLU", "x", "y") + layer("a", "ReLU", "y", "y") +
                   layer("a", "ReLU", "y", "y") + layer("b", "ReLU", "x", "y/a"));
  EXPECT_EQ(n.layers[0].tops, Names{"y/a:2"});
  EXPECT_EQ(n.layers[1].tops, Names{"y/a:3"});
  EXPECT_EQ(n.layers[2].tops, Names{"y"});
  EXPECT_EQ(n.layers[3].tops, Names{"y/a"});
}

TEST(CaffeNetwork, TestingLeavesTrainingLayersOut) {
  Network n =
      read("layer { name: 'd' type: 'Data' top: 'data' top: 'label' include { phase: TRAIN } }\n"
           "layer { name: 'd' type: 'Data' top: 'data' top: 'label' include { phase: TEST }\n"
           "  transform_param { mean_value: 104 mean_value: 117 mean_value: 123 scale: 0.017 crop_size: 227 "
           "} }\n" +
           layer("ip", "InnerProduct", "data", "ip") +
           layer("only", "ReLU", "ip", "ip", "exclude { phase: TEST }") +
           "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip' bottom: 'label' top: 'loss' }\n" +
           "layer { name: 'acc' type: 'Accuracy' bottom: 'ip' bottom: 'label' top: 'acc' include { phase: "
           "TEST } }\n");
  ASSERT_EQ(n.layers.size(), 1u);
  EXPECT_EQ(n.outputs, Names{"ip"});
  ASSERT_EQ(n.inputs.size(), 1u); // no label
  EXPECT_EQ(n.inputs[0].name, "data");
  ASSERT_TRUE(n.inputs[0].dims);
  EXPECT_EQ((*n.inputs[0].dims)[1].size, 3);
  EXPECT_EQ((*n.inputs[0].dims)[3].size, 227);
  ASSERT_EQ(n.preprocess.size(), 1u);
  EXPECT_EQ(n.preprocess[0].mean, "104,117,123");
  EXPECT_EQ(n.preprocess[0].scale, "0.017");
  EXPECT_EQ(n.preprocess[0].pixel, "bgr");
}

TEST(CaffeNetwork, RulesLookAtLevelAndStage) {
  auto isIn = [](const std::string& rules, const std::string& state = {}) {
    TextMessage layer = *parsePrototxt(rules, ""), net = *parsePrototxt(state, "");
    return isTestLayer(layer, net);
  };
  EXPECT_TRUE(isIn(""));
  EXPECT_TRUE(isIn("include { phase: TRAIN } include { phase: TEST }"));
  EXPECT_FALSE(isIn("include { min_level: 1 }"));
  EXPECT_TRUE(isIn("include { min_level: 1 max_level: 2 }", "level: 2"));
  EXPECT_FALSE(isIn("include { stage: 'deploy' }"));
  EXPECT_TRUE(isIn("include { stage: 'deploy' not_stage: 'val' }", "stage: 'deploy'"));
  EXPECT_FALSE(isIn("exclude { stage: 'deploy' }", "stage: 'deploy'"));
}

TEST(CaffeNetwork, ReadsTheThreeWaysToDeclareInputs) {
  Network flat =
      read("input: 'a' input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9 " + layer("r", "ReLU", "a", "y"));
  ASSERT_EQ(flat.inputs.size(), 1u);
  EXPECT_EQ((*flat.inputs[0].dims)[3].size, 9);
  Network shaped = read("input: 'a' input_shape { dim: 2 dim: 5 } " + layer("r", "ReLU", "a", "y"));
  EXPECT_EQ((*shaped.inputs[0].dims)[0].size, 2);
  Network memory =
      read("layer { name: 'm' type: 'MemoryData' top: 'a' top: 'l' memory_data_param { batch_size: 2 "
           "channels: 3 height: 4 width: 5 } } " +
           layer("r", "ReLU", "a", "y"));
  EXPECT_EQ((*memory.inputs[0].dims)[2].size, 4);
}

TEST(CaffeNetwork, SilenceSwallowsResults) {
  Network n = read(inputLayer("x", {1, 2}) + layer("a", "ReLU", "x", "a") + layer("b", "ReLU", "x", "b") +
                   "layer { name: 's' type: 'Silence' bottom: 'a' }");
  EXPECT_EQ(n.outputs, Names{"b"});
}

TEST(CaffeNetwork, SaysWhatIsWrong) {
  EXPECT_TRUE(
      has(errorOf(layer("r", "ReLU", "gone", "y")), "r: its bottom 'gone' is made by no layer before it"));
  EXPECT_TRUE(has(errorOf("net: 'train.prototxt'\nbase_lr: 0.1"), "has no layers"));
  EXPECT_TRUE(has(errorOf("layers { layer { name: 'c' type: 'conv' } bottom: 'd' top: 'c' }"), "V0"));
  EXPECT_TRUE(has(errorOf("layers { name: 'c' type: RELU } layer { name: 'c' }"), "both"));
  EXPECT_TRUE(has(errorOf(inputLayer("x", {1}) + inputLayer("x", {1})), "declared as input twice"));
}

TEST(CaffeNetwork, ReadsTheOldLayerFormat) {
  Files f;
  f.text = "input: 'x' input_dim: 1 input_dim: 2 input_dim: 1 input_dim: 1\n"
           "layers { name: 'ip' type: INNER_PRODUCT bottom: 'x' top: 'ip' inner_product_param { num_output: "
           "1 } }\n"
           "layers { name: 'l' type: SOFTMAX_LOSS bottom: 'ip' top: 'l' }\n"
           "layers { name: 'r' type: RELU bottom: 'ip' top: 'ip' }\n";
  caffepb::V1LayerParameter* stored = f.weights.add_layers();
  stored->set_name("ip");
  for (const std::vector<float>& values : {std::vector<float>{3, 5}, {-1}}) {
    caffepb::BlobProto* blob = stored->add_blobs(); // four dimensions, as old files have them
    blob->set_num(1), blob->set_channels(1), blob->set_height(1);
    blob->set_width(static_cast<int>(values.size()));
    for (float v : values) blob->add_data(v);
  }
  ImportOptions options;
  options.boundInputs["x"] = boundFloats({1, 2, 1, 1}, {10, 100});
  expectNear(f.import(options), {529});
}

TEST(CaffeWeights, AreReadInEveryForm) {
  auto run = [](const std::function<void(caffepb::BlobProto&)>& fill) {
    Case c{"InnerProduct", "inner_product_param { num_output: 1 bias_term: false }"};
    caffepb::LayerParameter* stored = c.files.weights.add_layer();
    stored->set_name("node");
    stored->add_blobs()->mutable_shape()->add_dim(2);
    fill(*stored->mutable_blobs(0));
    return c.run({1, 2}, {10, 100});
  };
  Imported doubles = run([](auto& b) { b.add_double_data(2), b.add_double_data(0.5); });
  expectNear(doubles, {70});
  EXPECT_EQ(doubles.result->info.warnings.size(), 1u);
  expectNear(run([](auto& b) { b.set_raw_data_type(2), b.set_raw_data(std::string("\0\x40\0\x38", 4)); }),
             {70});
  EXPECT_TRUE(
      has(run([](auto& b) { b.set_raw_data_type(3), b.set_raw_data("12345678"); }).error(), "raw data"));
  EXPECT_TRUE(
      has(run([](auto& b) { b.add_data(1); }).error(), "a blob declares more elements than the 1 it holds"));
  EXPECT_TRUE(has(run([](auto& b) {
                    b.mutable_shape()->add_dim(int64_t(1) << 40),
                        b.mutable_shape()->add_dim(int64_t(1) << 40);
                  }).error(),
                  "declares more elements"));
  EXPECT_TRUE(has(run([](auto& b) { b.add_data(NAN), b.add_data(1); }).error(), "weights holds NaN"));
}

TEST(CaffeWeights, ErrorsNameTheLayer) {
  Case c{"InnerProduct", "inner_product_param { num_output: 3 }"};
  EXPECT_TRUE(has(c.graph({1, 2}).error(), "node (InnerProduct): its weights file was not found"));
  c.files.blob("another", {1}, {0});
  EXPECT_TRUE(has(c.graph({1, 2}).error(), "no layer of this name"));
  c.blob({2, 3}, counting(6));
  EXPECT_TRUE(has(c.graph({1, 2}).error(), "has no biases"));
  EXPECT_TRUE(has(c.graph({1, 3}).error(), "6 elements (2x3) in the weights file, 9 (3x3) are needed"));
}

TEST(CaffeWeights, FillersStandInForMissingLayers) {
  // Deconvolutions that only enlarge are often not stored.
  const std::string fields =
      "convolution_param { num_output: 1 kernel_size: 4 stride: 2 pad: 1 bias_term: false "
      "weight_filler { type: 'bilinear' } }";
  Case c{"Deconvolution", fields};
  c.files.blob("another", {1}, {0});
  Imported m = c.run({1, 1, 2, 2}, {1, 1, 1, 1});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shape(), "1x1x4x4");
  EXPECT_NEAR(m.floats()[5], 1, 1e-6); // inside, interpolation of a constant gives it
  EXPECT_NEAR(m.floats()[0], 0.5625, 1e-6);
}

TEST(CaffeNetwork, ReportsEverythingUnsupportedAtOnce) {
  Files f;
  f.text = inputLayer("x", {1, 2, 4, 4}) + layer("p", "Python", "x", "p") + layer("l", "LSTM", "x", "l") +
           layer("q", "Python", "p", "q");
  std::string error = f.import().error();
  EXPECT_TRUE(has(error, "Python (2 nodes: p (Python), q (Python))") && has(error, "LSTM (1 node")) << error;
}
