// If, Loop, Scan, functions, sequences.
#include "lib/import/onnx/test_model.h"

using namespace burin;
using namespace burin::onnx::test;

namespace {
GraphProto branch(const std::string& type, const std::string& result) {
  GraphProto g;
  *g.add_node() = makeNode(type, {"x"}, {result});
  g.add_output()->set_name(result);
  return g;
}

TensorProto boolTensor(const std::string& name, bool value) {
  TensorProto t;
  t.set_name(name), t.set_data_type(TensorProto::BOOL), t.add_int32_data(value);
  return t;
}

// state = state + x, also as a scan output; goes on while `goesOn` holds.
GraphProto addingBody(const std::string& condition = "c_in") {
  GraphProto g;
  Model::setType(*g.add_input(), "i", {}, TensorProto::INT64);
  Model::setType(*g.add_input(), "c_in", {}, TensorProto::BOOL);
  Model::setType(*g.add_input(), "s_in", {2});
  *g.add_node() = makeNode("Add", {"s_in", "x"}, {"s_out"});
  *g.add_node() = makeNode("Identity", {"s_out"}, {"scan"});
  *g.add_node() = makeNode("Identity", {condition}, {"c_out"});
  for (const char* name : {"c_out", "s_out", "scan"}) g.add_output()->set_name(name);
  return g;
}

Model loopModel(int64_t trips, const GraphProto& body) {
  Model m;
  m.input("x", {2}).constant(intTensor("trips", {}, {trips})).constant(floatTensor("zero", {2}, {0, 0}));
  m.node("Loop", {"trips", "", "zero"}, {"sum", "all"}, {attribute("body", body)}, "loop")
      .output("sum")
      .output("all");
  return m;
}
} // namespace

TEST(OnnxControl, TakesTheBranchThatAConstantChooses) {
  for (bool choice : {true, false}) {
    Model m;
    m.input("x", {2}).constant(boolTensor("c", choice));
    m.node("If", {"c"}, {"y"},
           {attribute("then_branch", branch("Relu", "t")), attribute("else_branch", branch("Neg", "e"))})
        .output("y");
    Imported imported = import(m);
    ASSERT_TRUE(imported.ok()) << imported.error();
    ASSERT_EQ(imported.ops(), std::vector<std::string>{"unary"});
    EXPECT_EQ(imported.find("unary")->getAttrOfType<mlir::StringAttr>("fn").getValue(),
              choice ? "relu" : "neg");
    EXPECT_EQ(nn::valueName(imported.output()), "y");
  }
}

TEST(OnnxControl, ComputesBothBranchesOfARuntimeCondition) {
  Model m;
  m.input("x", {2}).input("c", {}, TensorProto::BOOL);
  m.node("If", {"c"}, {"y"},
         {attribute("then_branch", branch("Relu", "t")), attribute("else_branch", branch("Neg", "e"))})
      .output("y");
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.ops(), (std::vector<std::string>{"unary", "unary", "select"}));
  EXPECT_EQ(imported.result->info.warnings.size(), 1u);
}

TEST(OnnxControl, UnrollsLoops) {
  Imported imported = import(loopModel(3, addingBody()));
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.shape(0), "2");
  EXPECT_EQ(imported.shape(1), "3x2");
  ImportOptions options;
  options.boundInputs["x"] = boundFloats({2}, {1, 2});
  Imported bound = import(loopModel(3, addingBody()), options);
  ASSERT_TRUE(bound.ok()) << bound.error();
  EXPECT_EQ(bound.floats(0), (std::vector<float>{3, 6}));
  EXPECT_EQ(bound.floats(1), (std::vector<float>{1, 2, 2, 4, 3, 6}));
}

TEST(OnnxControl, RunsALoopZeroTimes) {
  Imported imported = import(loopModel(0, addingBody()));
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.floats(0), (std::vector<float>{0, 0}));
}

TEST(OnnxControl, LimitsLoops) {
  EXPECT_TRUE(has(import(loopModel(2000, addingBody())).error(), "more than 1024 times"));
  ImportOptions options;
  options.maxNodes = 10;
  EXPECT_TRUE(has(import(loopModel(1000, addingBody()), options).error(), "too many nodes"));
}

TEST(OnnxControl, RefusesARuntimeLoopCondition) {
  GraphProto body = addingBody("late");
  *body.add_node() = makeNode("ReduceSum", {"s_out"}, {"r"}, {attribute("keepdims", int64_t(0))});
  *body.add_node() = makeNode("Cast", {"r"}, {"late"}, {attribute("to", int64_t(TensorProto::BOOL))});
  EXPECT_TRUE(has(import(loopModel(3, body)).error(), "condition is computed at run time"));
}

TEST(OnnxControl, UnrollsScans) {
  GraphProto body;
  Model::setType(*body.add_input(), "s_in", {2});
  Model::setType(*body.add_input(), "row", {2});
  *body.add_node() = makeNode("Add", {"s_in", "row"}, {"s_out"});
  *body.add_node() = makeNode("Identity", {"s_out"}, {"out"});
  body.add_output()->set_name("s_out"), body.add_output()->set_name("out");
  Model m;
  m.input("x", {3, 2}).constant(floatTensor("zero", {2}, {0, 0}));
  m.node("Scan", {"zero", "x"}, {"last", "all"},
         {attribute("body", body), attribute("num_scan_inputs", int64_t(1)),
          attribute("scan_input_directions", std::vector<int64_t>{1})})
      .output("last")
      .output("all");
  ImportOptions options;
  options.boundInputs["x"] = boundFloats({3, 2}, {1, 2, 3, 4, 5, 6});
  Imported imported = import(m, options);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.floats(0), (std::vector<float>{9, 12}));
  EXPECT_EQ(imported.floats(1), (std::vector<float>{5, 6, 8, 10, 9, 12})) << "walked backwards";
}

TEST(OnnxControl, InlinesFunctionsWithTheirAttributes) {
  Model m;
  m.input("x", {4}).output("y");
  auto* function = m.proto.add_functions();
  function->set_domain("mine"), function->set_name("Leaky");
  function->add_input("in"), function->add_output("out"), function->add_attribute("slope");
  *function->add_attribute_proto() = attribute("unused", int64_t(1));
  function->add_opset_import()->set_version(13);
  *function->add_node() =
      makeNode("LeakyRelu", {"in"}, {"mid"}, {reference("alpha", "slope", AttributeProto::FLOAT)});
  *function->add_node() = makeNode("Relu", {"mid"}, {"out"});
  NodeProto call = makeNode("Leaky", {"x"}, {"y"}, {attribute("slope", 0.25f)}, "call");
  call.set_domain("mine");
  *m.proto.mutable_graph()->add_node() = call;
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  ASSERT_EQ(imported.ops().size(), 2u);
  EXPECT_FLOAT_EQ(imported.find("unary")->getAttrOfType<mlir::FloatAttr>("alpha").getValueAsDouble(), 0.25);
  EXPECT_EQ(nn::valueName(imported.output()), "y");
  EXPECT_EQ(nn::valueName(imported.find("unary")->getResult(0)), "call/mid");
}

TEST(OnnxControl, RefusesEndlessFunctions) {
  Model m;
  m.input("x", {4}).output("y");
  auto* function = m.proto.add_functions();
  function->set_name("Again"), function->add_input("in"), function->add_output("out");
  *function->add_node() = makeNode("Again", {"in"}, {"out"});
  m.node("Again", {"x"}, {"y"});
  EXPECT_TRUE(has(import(m).error(), "too deeply")) << import(m).error();
}

TEST(OnnxControl, ResolvesSequences) {
  Model m;
  m.input("x", {5, 2}).constant(intTensor("at", {}, {-1})).constant(intTensor("size", {}, {2}));
  m.node("SplitToSequence", {"x", "size"}, {"s"})
      .node("SequenceAt", {"s", "at"}, {"last"})
      .node("SequenceErase", {"s", "at"}, {"front"});
  m.node("ConcatFromSequence", {"front"}, {"joined"}, {attribute("axis", int64_t(0))})
      .node("SequenceLength", {"s"}, {"n"});
  m.output("last").output("joined").output("n");
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.shape(0), "1x2");
  EXPECT_EQ(imported.shape(1), "4x2");
  EXPECT_EQ(imported.ints(2), std::vector<int64_t>{3});
  Model out;
  out.input("x", {5, 2}).node("SplitToSequence", {"x"}, {"s"}).output("s");
  EXPECT_TRUE(has(import(out).error(), "sequence"));
}
