// Graphs in text form give what their binary form gives.
#include "lib/import/tensorflow/test_graph.h"
#include "lib/import/tensorflow/text_graph.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace burin;
using namespace burin::tensorflow;
using namespace burin::tensorflow::test;
namespace fs = std::filesystem;

namespace {
// y = call(x + [1, -0.5]) * 2, call(v) = Relu(v); numbers in every notation.
const char* const kText = R"(# written by hand
node {
  name: "x"  op: "Placeholder"
  attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "shape" value { shape { dim { size: 1 } dim { size: 2 } } } }
  experimental_debug_info { original_node_names: "x" }
}
node {
  name: "bias"  op: "Const"
  attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 2 } }
         tensor_content: "\000\000\200?\000\000\000\277" } } }
}
node {
  name: "two"  op: "Const"
  attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 2.0 } } }
}
node { name: "sum" op: "BiasAdd" input: "x" input: "bias" attr { key: "data_format" value { s: "NHWC" } } }
node { name: "call" op: "positive" input: "sum:0" }
node { name: "y" op: "Mul" input: "call" input: "two" device: "/cpu:0" }
library {
  function {
    signature { name: "positive" input_arg { name: "v" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
    node_def { name: "relu" op: "Relu" input: "v" }
    ret { key: "r" value: "relu:activations:0" }
  }
}
versions { producer: 1087 min_consumer: 12 }
)";

Imported importText(const std::string& text, const ImportOptions& options = {}) {
  auto context = std::make_unique<mlir::MLIRContext>();
  nn::loadDialects(*context);
  auto binary = binaryGraph(text, textKind(text));
  if (!binary) return {std::move(context), tl::unexpected(binary.error())};
  auto result = importGraphDefBytes(*binary, options, *context);
  return {std::move(context), std::move(result)};
}
std::string errorOf(const std::string& value) {
  auto binary = binaryGraph("node { attr { value { " + value + " } } }", TextKind::Graph);
  return binary ? std::string() : binary.error().text();
}
} // namespace

TEST(TensorflowText, ComputesWhatTheTextSays) {
  ImportOptions options;
  options.boundInputs["x"] = burin::test::boundFloats({1, 2}, {3, 0});
  Imported m = importText(kText, options);
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(nn::valueName(m.output()), "y");
  EXPECT_EQ(m.floats(), (Floats{8, 0}));
  EXPECT_EQ(m.result->info.opset, "graph 1087");
}

TEST(TensorflowText, IsTheBinaryFormOfTheSameFields) {
  Graph g;
  g.scalar("two", int64_t(-2)).placeholder("x", {-1, 3}, 9);
  const std::string text = R"(
    node { name: 'two' op: "Const" attr { key: "dtype" value { type: 3 } }
           attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape: < > int_val: [ -2 ] } } } }
    node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_INT64 } }
           attr { key: "shape" value { shape { dim { size: -1 } dim { size: 3 } } } } }
    versions { producer: 27 })";
  auto binary = binaryGraph(text, TextKind::Graph);
  ASSERT_TRUE(binary.has_value()) << binary.error().text();
  tfpb::GraphDef read;
  ASSERT_TRUE(read.ParseFromString(*binary));
  ASSERT_EQ(read.node_size(), 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(read.node(i).name(), g.proto.node(i).name());
    ASSERT_EQ(read.node(i).attr_size(), g.proto.node(i).attr_size());
    for (const auto& [key, value] : g.proto.node(i).attr())
      EXPECT_EQ(read.node(i).attr().at(key).SerializeAsString(), value.SerializeAsString()) << key;
  }
  EXPECT_EQ(read.versions().producer(), 27);
}

TEST(TensorflowText, SaysWhatIsNoValue) {
  EXPECT_TRUE(has(errorOf("i: many"), "line 1: 'many' is no value for 'i'"));
  EXPECT_TRUE(has(errorOf("f: 1.5x"), "is no value for 'f'"));
  EXPECT_TRUE(has(errorOf("b: 7"), "is no value for 'b'"));
  EXPECT_TRUE(has(errorOf("tensor: 3"), "is no value for 'tensor'"));
  EXPECT_TRUE(has(errorOf("i: 99999999999999999999999"), "is no value for 'i'"));
  for (const char* good :
       {"f: -inf", "f: 1e-3f", "b: false", "i: 18446744073709551615", "type: DT_FLOAT_REF", "new_field: 3"})
    EXPECT_EQ(errorOf(good), "") << good;
}

TEST(TensorflowText, IsRecognisedByItsFirstField) {
  auto recognised = [](const std::string& text) {
    return kTensorflowFormat.recognises({"a.txt", false, {text.data(), text.size()}});
  };
  EXPECT_TRUE(recognised(kText));
  EXPECT_TRUE(recognised("versions {\n producer: 1 }"));
  EXPECT_TRUE(recognised("saved_model_schema_version: 1 meta_graphs { }"));
  EXPECT_FALSE(recognised("name: 'LeNet' layer { }"));
  EXPECT_FALSE(recognised("node of a tree"));
  EXPECT_FALSE(recognised(""));
}

TEST(TensorflowRecognition, FilesOfKerasNameTheWayToASavedModel) {
  const fs::path path = fs::temp_directory_path() / ("burin_keras_" + std::to_string(::getpid()) + ".h5");
  for (const std::string& bytes :
       {std::string("\x89HDF\r\n\x1a\n\0", 9), std::string("PK\x03\x04..model.weights.h5..")}) {
    EXPECT_TRUE(kTensorflowFormat.recognises({"x", false, {bytes.data(), bytes.size()}}));
    std::ofstream(path, std::ios::binary) << bytes;
    mlir::MLIRContext context;
    auto imported = importTensorflow(path.string(), {}, context);
    ASSERT_FALSE(imported.has_value());
    EXPECT_TRUE(has(imported.error().text(), ".export('folder')")) << imported.error().text();
  }
  fs::remove(path);
}

TEST(TensorflowText, FilesAndFolders) {
  const fs::path folder = fs::temp_directory_path() / ("burin_tensorflow_text_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "graph.pbtxt") << kText;
  std::ofstream(folder / "saved_model.pbtxt")
      << "saved_model_schema_version: 1\nmeta_graphs { meta_info_def { tags: 'serve' } graph_def {" << kText
      << "} signature_def { key: 'serving_default' value { inputs { key: 'in' value { name: 'x:0' "
         "dtype: DT_FLOAT } } outputs { key: 'out' value { name: 'y:0' } } } } }";
  mlir::MLIRContext context;
  nn::loadDialects(context);
  EXPECT_TRUE(importTensorflow((folder / "graph.pbtxt").string(), {}, context).has_value());
  ImportOptions options;
  options.inputShapes["in"] = {1, 2};
  EXPECT_TRUE(kTensorflowFormat.recognises({folder.string(), true, {}}));
  auto saved = importTensorflow(folder.string(), options, context);
  EXPECT_TRUE(saved.has_value()) << saved.error().text();
  fs::remove_all(folder);
}
