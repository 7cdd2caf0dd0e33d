// The graph as a whole: names, order, borders, errors.
#include "lib/import/onnx/test_model.h"

using namespace burin;
using namespace burin::onnx::test;

namespace {
Model twoLayers() {
  Model m;
  m.input("x", {1, 4}).node("Relu", {"x"}, {"a"}, {}, "first").node("Sigmoid", {"a"}, {"y"}).output("y");
  return m;
}
} // namespace

TEST(OnnxGraph, KeepsTensorAndNodeNames) {
  Imported m = import(twoLayers());
  ASSERT_TRUE(m.ok()) << m.error();
  mlir::Operation* sigmoid = m.output().getDefiningOp();
  EXPECT_EQ(nn::valueName(m.output()), "y");
  EXPECT_EQ(nn::nodeName(sigmoid), "y") << "unnamed nodes go by their first output";
  EXPECT_EQ(nn::valueName(sigmoid->getOperand(0)), "a");
  EXPECT_EQ(nn::nodeName(sigmoid->getOperand(0).getDefiningOp()), "first");
}

TEST(OnnxGraph, StoresItsSource) {
  Model m = twoLayers();
  m.proto.set_producer_name("maker"), m.proto.set_producer_version("1.2");
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.result->info.format, "onnx");
  EXPECT_EQ(imported.result->info.opset, "13");
  EXPECT_EQ(imported.result->info.producer, "maker 1.2");
  EXPECT_EQ(imported.result->info.hash.size(), 16u);
  EXPECT_TRUE((*imported.result->module)->hasAttr("nn.source"));
}

TEST(OnnxGraph, PassesAliasesUnderTheirOwnName) {
  Model m;
  m.input("x", {2, 2})
      .node("Identity", {"x"}, {"i"})
      .node("Dropout", {"i"}, {"d"})
      .node("Relu", {"d"}, {"y"})
      .output("y")
      .output("i");
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.ops(), (std::vector<std::string>{"unary", "unary", "unary"}));
  EXPECT_EQ(nn::valueName(imported.output(1)), "i");
}

TEST(OnnxGraph, OrdersNodesThatAreNotSorted) {
  Model m;
  m.input("x", {1}).node("Sigmoid", {"a"}, {"y"}).node("Relu", {"x"}, {"a"}).output("y");
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.ops().size(), 2u);
}

TEST(OnnxGraph, LeavesOutWhatNoOutputNeeds) {
  Model m = twoLayers();
  m.node("NoSuchOperator", {"x"}, {"unused"});
  EXPECT_TRUE(import(m).ok());
}

TEST(OnnxGraph, RefusesCyclesDuplicatesAndMissingTensors) {
  Model cycle;
  cycle.input("x", {1}).node("Add", {"x", "b"}, {"a"}).node("Relu", {"a"}, {"b"}).output("b");
  EXPECT_TRUE(has(import(cycle).error(), "cycle")) << import(cycle).error();
  Model twice;
  twice.input("x", {1}).node("Relu", {"x"}, {"a"}).node("Neg", {"x"}, {"a"}).output("a");
  EXPECT_TRUE(has(import(twice).error(), "'a' is produced twice"));
  Model missing;
  missing.input("x", {1}).node("Add", {"x", "ghost"}, {"y"}, {}, "sum").output("y");
  std::string error = import(missing).error();
  EXPECT_TRUE(has(error, "ghost") && has(error, "sum (Add)")) << error;
  Model shadowed = twoLayers();
  shadowed.constant(floatTensor("a", {1, 4}, counting(4)));
  EXPECT_TRUE(has(import(shadowed).error(), "also an input or initializer"));
}

TEST(OnnxGraph, ReportsEverythingUnsupportedAtOnce) {
  Model m;
  m.input("x", {1})
      .node("Foo", {"x"}, {"a"}, {}, "n1")
      .node("Relu", {"a"}, {"b"})
      .node("Foo", {"b"}, {"c"}, {}, "n2");
  m.node("Multinomial", {"c"}, {"d"}, {}, "n3")
      .node("Cast", {"x"}, {"s"}, {attribute("to", int64_t(TensorProto::STRING))}, "n4");
  m.node("Bar", {"s"}, {"t"}, {}, "n5").output("d").output("t");
  Imported imported = import(m);
  ASSERT_FALSE(imported.ok());
  EXPECT_EQ(imported.result.error().code, ErrorCode::Unsupported);
  for (const char* part : {"Foo (2 nodes: n1 (Foo), n2 (Foo))", "Multinomial (1 node", "random", "n4 (Cast)",
                           "string", "Bar (1 node"})
    EXPECT_TRUE(has(imported.error(), part)) << part << " in " << imported.error();
}

TEST(OnnxGraph, FixesALeadingOpenDimensionOnly) {
  Model m;
  m.input("x", {-1, 3, -1, 8}).node("Relu", {"x"}, {"y"}).output("y");
  std::string error = import(m).error();
  EXPECT_TRUE(has(error, "dimension 2 ('dim2')")) << error;
  EXPECT_TRUE(has(error, "--input-shapes \"x:1x3xNx8\"")) << error;
  ImportOptions options;
  options.inputShapes[""] = {2, 3, 4, 8};
  Imported fixed = import(m, options);
  ASSERT_TRUE(fixed.ok()) << fixed.error();
  EXPECT_EQ(fixed.shape(), "2x3x4x8");
}

TEST(OnnxGraph, SharesNamedDimensionsBetweenInputs) {
  Model m;
  m.input("a", {-1, -1}).input("b", {-1, -1}).node("Add", {"a", "b"}, {"y"}).output("y");
  ImportOptions options;
  options.inputShapes["a"] = {3, 5};
  Imported imported = import(m, options);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.shape(), "3x5");
}

TEST(OnnxGraph, NamesTheInputsWhenAShapeFitsNone) {
  ImportOptions options;
  options.inputShapes["picture"] = {1};
  std::string error = import(twoLayers(), options).error();
  EXPECT_TRUE(has(error, "no input 'picture'") && has(error, "its inputs are x")) << error;
}

TEST(OnnxGraph, CutsAtBothEnds) {
  ImportOptions options;
  options.outputs = {"a"};
  Imported front = import(twoLayers(), options);
  ASSERT_TRUE(front.ok()) << front.error();
  EXPECT_EQ(front.ops(), std::vector<std::string>{"unary"});
  ImportOptions back;
  back.inputs = {"a"};
  EXPECT_TRUE(has(import(twoLayers(), back).error(), "--input-shapes \"a:"));
  back.inputShapes["a"] = {1, 4};
  Imported tail = import(twoLayers(), back);
  ASSERT_TRUE(tail.ok()) << tail.error();
  EXPECT_EQ(tail.ops(), std::vector<std::string>{"unary"});
  ImportOptions wrong;
  wrong.outputs = {"Y"};
  EXPECT_TRUE(has(import(twoLayers(), wrong).error(), "no tensor 'Y'; tensors with names like it: a, y") ||
              has(import(twoLayers(), wrong).error(), "tensors with names like it"));
}

TEST(OnnxGraph, BindsInputsAsConstants) {
  ImportOptions options;
  options.boundInputs["x"] = boundFloats({1, 4}, {-1, 0, 1, 2});
  Model m;
  m.input("x", {1, 4}).node("Relu", {"x"}, {"y"}).output("y");
  Imported imported = import(m, options);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.floats(), (std::vector<float>{0, 0, 1, 2}));
}

TEST(OnnxGraph, TellsWhichInputsWouldHaveToBeKnown) {
  Model m;
  m.input("x", {2, 3})
      .input("s", {2}, TensorProto::INT64)
      .node("Neg", {"s"}, {"n"})
      .node("Reshape", {"x", "n"}, {"y"})
      .output("y");
  std::set<std::string> unknown;
  ImportOptions options;
  options.unknownInputs = &unknown;
  std::string error = import(m, options).error();
  EXPECT_EQ(unknown, std::set<std::string>{"s"});
  EXPECT_TRUE(has(error, "from input s")) << error;
}

TEST(OnnxGraph, RefusesWhatIsNoModel) {
  mlir::MLIRContext context;
  nn::loadDialects(context);
  std::string text = "\x7f"
                     "ELF this is not a model";
  auto result = importOnnxBytes({text.data(), text.size()}, "", {}, context);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::Input);
  auto missing = importOnnx("/nonexistent/model.onnx", {}, context);
  ASSERT_FALSE(missing.has_value());
  EXPECT_TRUE(has(missing.error().text(), "/nonexistent/model.onnx"));
  EXPECT_FALSE(importOnnx("/", {}, context).has_value());
}

TEST(OnnxGraph, ReadsTruncatedFilesWithoutHarm) {
  Model m = twoLayers();
  m.constant(floatTensor("w", {4}, counting(4)));
  std::string bytes = m.proto.SerializeAsString();
  for (size_t n = 0; n < bytes.size(); ++n) {
    mlir::MLIRContext context;
    nn::loadDialects(context);
    auto result = importOnnxBytes({bytes.data(), n}, "", {}, context);
    (void)result; // an error or a shorter valid graph
  }
}

TEST(OnnxGraph, WarnsAboutDoubleAndNewOpsets) {
  Model m(999);
  m.input("x", {1}, TensorProto::DOUBLE).node("Relu", {"x"}, {"y"}).output("y");
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  ASSERT_EQ(imported.result->info.warnings.size(), 2u);
  EXPECT_TRUE(has(imported.result->info.warnings[0], "opset 999"));
  EXPECT_TRUE(has(imported.result->info.warnings[1], "double"));
}
