// Graphs: names, cuts, functions, conditions, inputs, reports.
#include "lib/import/tensorflow/operators.h"
#include "lib/import/tensorflow/test_graph.h"

using namespace burin;
using namespace burin::tensorflow::test;

namespace {
using Names = std::vector<std::string>;

// name(x) = Relu(x + x), with a second result x.
tfpb::FunctionDef doubled(const std::string& name) {
  tfpb::FunctionDef f;
  f.mutable_signature()->set_name(name);
  f.mutable_signature()->add_input_arg()->set_name("x");
  f.mutable_signature()->add_output_arg()->set_name("y");
  f.mutable_signature()->add_output_arg()->set_name("same");
  *f.add_node_def() = makeNode("Relu", "relu", {"sum:z:0", "^sum"});
  *f.add_node_def() = makeNode("AddV2", "sum", {"x", "x"});
  (*f.mutable_ret())["y"] = "relu:activations:0";
  (*f.mutable_ret())["same"] = "x";
  return f;
}
} // namespace

TEST(TensorflowGraph, NamesAndOutputsOfItsOwn) {
  Graph g;
  g.placeholder("x", {1, 4})
      .scalar("axis", int64_t(1))
      .node("Split", "parts", {"axis", "x"}, {integer("num_split", 2)});
  g.node("Relu", "a", {"parts:0"}).node("Relu", "b", {"parts:1", "^a"}).node("NoOp", "init", {"^b"});
  Imported m = g.import();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(nn::valueName(m.output(0)), "a");
  EXPECT_EQ(nn::valueName(m.output(1)), "b");
  Imported cut = g.outputs(Names{"parts:1", "parts:0"});
  ASSERT_TRUE(cut.ok()) << cut.error();
  EXPECT_EQ(nn::valueName(cut.output(0)), "parts:1");
  EXPECT_EQ(nn::valueName(cut.output(1)), "parts");
  ImportOptions options;
  options.inputs = {"parts:1"};
  options.outputs = {"b:0"};
  options.inputShapes["parts:1"] = {1, 2};
  Imported front = g.import(options);
  ASSERT_TRUE(front.ok()) << front.error();
  EXPECT_EQ(front.ops(), (Names{"unary"}));
}

TEST(TensorflowGraph, AllResultsOfALastNodeAreOutputs) {
  Graph g;
  g.placeholder("x", {1, 4}).scalar("k", int64_t(2)).node("TopKV2", "top", {"x", "k"});
  Imported m = g.import();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.outputOp()->getNumOperands(), 2u);
}

TEST(TensorflowGraph, OpenShapesNameTheirFlag) {
  Graph g;
  g.placeholder("x", {-1, -1, 3}).node("Relu", "y", {"x"});
  Imported m = g.import();
  EXPECT_TRUE(has(m.error(), "--input-shapes \"x:1xNx3\"")) << m.error();
  // A scalar's shape meant an unknown one before graph version 24.
  Graph old;
  old.proto.mutable_versions()->set_producer(23);
  old.placeholder("x", {}).node("Relu", "y", {"x"});
  EXPECT_TRUE(has(old.import().error(), "has no shape")) << old.import().error();
  old.proto.mutable_versions()->set_producer(24);
  EXPECT_TRUE(old.import().ok());
}

TEST(TensorflowGraph, DefaultsStandForSwitchesNotForPictures) {
  Graph g;
  g.placeholder("x", {1, 4})
      .scalar("one", 1.0f)
      .node("PlaceholderWithDefault", "keep", {"one"}, {type("dtype", 1)});
  g.constant("zeros", {1, 4}, Floats(4, 0));
  tfpb::NodeDef fed = makeNode("PlaceholderWithDefault", "fed", {"zeros"}, {type("dtype", 1)});
  setShape(*(*fed.mutable_attr())["shape"].mutable_shape(), {1, 4});
  g.add(fed).node("Mul", "m", {"x", "keep"}).node("Add", "y", {"m", "fed"});
  Imported m = g.import();
  ASSERT_TRUE(m.ok()) << m.error();
  Names inputs;
  m.module().walk([&](nn::InputOp op) { inputs.push_back(op.getName().str()); });
  EXPECT_EQ(inputs, (Names{"x", "fed"}));
}

TEST(TensorflowGraph, StringsMatterOnlyWhereTheyAreNeeded) {
  Graph g;
  g.placeholder("file", {}, 7).placeholder("x", {2}).node("Relu", "y", {"x"});
  EXPECT_TRUE(g.outputs(Names{"y"}).ok());
  g.node("Relu", "z", {"file"});
  EXPECT_TRUE(has(g.outputs(Names{"z"}).error(), "Placeholder of string")) << g.outputs(Names{"z"}).error();
}

TEST(TensorflowGraph, ReportsEverythingAtOnce) {
  Graph g;
  g.placeholder("x", {2}).node("Mystery", "a", {"x"}).node("Mystery", "b", {"a"}).node("Enter", "c", {"b"});
  g.node("Relu", "y", {"c"});
  std::string error = g.import().error();
  EXPECT_TRUE(has(error, "Mystery") && has(error, "a (Mystery)") && has(error, "Enter") &&
              has(error, "unroll"))
      << error;
}

TEST(TensorflowGraph, Damage) {
  EXPECT_TRUE(has(Graph().placeholder("x", {2}).node("Relu", "y", {"nobody"}).outputs(Names{"y"}).error(),
                  "'nobody'"));
  EXPECT_TRUE(
      has(Graph().node("Relu", "a", {"b"}).node("Relu", "b", {"a"}).outputs(Names{"a"}).error(), "cycle"));
  EXPECT_TRUE(has(Graph()
                      .placeholder("x", {2})
                      .node("Relu", "y", {"x"})
                      .node("Relu", "y", {"x"})
                      .outputs(Names{"y"})
                      .error(),
                  "twice"));
  tfpb::NodeDef constant = floatConst("c", {3}, {1, 2});
  EXPECT_TRUE(
      has(Graph().add(constant).node("Relu", "y", {"c"}).outputs(Names{"y"}).error(), "holds 8 bytes"));
  // A huge constant of one value costs nothing until it is refused.
  tfpb::NodeDef huge = intConst("c", {1 << 30, 1 << 9}, {1});
  EXPECT_TRUE(has(Graph().add(huge).node("Neg", "y", {"c"}).outputs(Names{"y"}).error(), "too big"));
  tfpb::NodeDef negative = intConst("c", {-5}, {1});
  EXPECT_TRUE(has(Graph().add(negative).node("Neg", "y", {"c"}).outputs(Names{"y"}).error(), "out of range"));
  Graph variable;
  variable.node("VariableV2", "v", {}).node("Relu", "y", {"v"});
  EXPECT_TRUE(has(variable.outputs(Names{"y"}).error(), "freeze")) << variable.outputs(Names{"y"}).error();
}

TEST(TensorflowGraph, OutputsWithoutEndAreRefused) {
  Graph g;
  g.placeholder("x", {1});
  for (int i = 0; i < 100; ++i)
    g.node("Split", "s" + std::to_string(i), {"x", "s" + std::to_string(i) + ":99999"});
  EXPECT_TRUE(has(g.outputs(Names{"s0"}).error(), "outputs together"));
}

TEST(TensorflowGraph, ConstantsRepeatTheirLastValue) {
  tfpb::NodeDef constant = intConst("c", {4}, {1, 2});
  EXPECT_EQ(Graph().add(constant).node("Neg", "y", {"c"}).outputs(Names{"y"}).ints(), (Ints{-1, -2, -2, -2}));
}

TEST(TensorflowGraph, ShapeArithmeticIsKnown) {
  // Keras writes flatten as [shape(x)[0], -1].
  Graph g;
  g.placeholder("x", {-1, 2, 3}).node("Shape", "shape", {"x"});
  g.constant("zero", Ints{0}).constant("one", Ints{1}).scalar("open", int64_t(-1));
  g.node("StridedSlice", "batch", {"shape", "zero", "one", "one"}, {integer("shrink_axis_mask", 1)});
  g.node("Pack", "target", {"batch", "open"}).node("Reshape", "y", {"x", "target"});
  Imported m = g.import();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shape(), "1x6");
  EXPECT_EQ(m.ops(), Names{"reshape"});
}

TEST(TensorflowFunctions, CallsAreInlined) {
  Graph g;
  *g.proto.mutable_library()->add_function() = doubled("f");
  tfpb::FunctionDef outer;
  outer.mutable_signature()->set_name("outer");
  outer.mutable_signature()->add_input_arg()->set_name("x");
  outer.mutable_signature()->add_output_arg()->set_name("out");
  *outer.add_node_def() = makeNode("StatefulPartitionedCall", "inner", {"x"}, {function("f", "f")});
  *outer.add_node_def() = makeNode("AddV2", "both", {"inner:output:0", "inner:output:1"});
  (*outer.mutable_ret())["out"] = "both:z:0";
  *g.proto.mutable_library()->add_function() = outer;
  g.constant("x", {2}, {-1, 3}).node("PartitionedCall", "call", {"x"}, {function("f", "outer")});
  g.node("f", "direct", {"x"});
  Imported m = g.outputs(Names{"call", "call/inner/relu", "direct", "direct:1"});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.floats(0), (Floats{-1, 9}));
  EXPECT_EQ(m.floats(1), (Floats{0, 6}));
  EXPECT_EQ(m.floats(2), (Floats{0, 6}));
  EXPECT_EQ(m.floats(3), (Floats{-1, 3}));
}

TEST(TensorflowFunctions, AttributesOfTheCallReachTheBody) {
  tfpb::FunctionDef f;
  f.mutable_signature()->set_name("cast");
  f.mutable_signature()->add_input_arg()->set_name("x");
  f.mutable_signature()->add_output_arg()->set_name("y");
  Attribute placeholder{"DstT", {}};
  placeholder.second.set_placeholder("T");
  *f.add_node_def() = makeNode("Cast", "cast", {"x"}, {placeholder});
  (*f.mutable_ret())["y"] = "cast:y:0";
  Graph g;
  *g.proto.mutable_library()->add_function() = f;
  g.constant("x", {2}, {1.5f, 2.5f}).node("cast", "y", {"x"}, {type("T", 3)});
  EXPECT_EQ(g.outputs(Names{"y"}).ints(), (Ints{1, 2}));
}

TEST(TensorflowFunctions, RecursionAndDamageEnd) {
  Graph g;
  tfpb::FunctionDef endless = doubled("f");
  *endless.add_node_def() = makeNode("f", "again", {"x"});
  *endless.add_node_def() = makeNode("f", "andagain", {"x"});
  *g.proto.mutable_library()->add_function() = endless;
  g.placeholder("x", {2}).node("f", "y", {"x"});
  EXPECT_TRUE(has(g.outputs(Names{"y"}).error(), "too deeply")) << g.outputs(Names{"y"}).error();
  Graph arguments;
  *arguments.proto.mutable_library()->add_function() = doubled("f");
  arguments.placeholder("x", {2}).node("f", "y", {"x", "x"});
  EXPECT_TRUE(has(arguments.outputs(Names{"y"}).error(), "has 1 arguments, it gives 2"));
  Graph missing;
  missing.placeholder("x", {2}).node("PartitionedCall", "y", {"x"}, {function("f", "gone")});
  EXPECT_TRUE(has(missing.outputs(Names{"y"}).error(), "not in the file"));
}

TEST(TensorflowConditions, SwitchAndMergeOnAConstant) {
  for (int64_t training : {0, 1}) {
    Graph g;
    g.constant("x", {1}, {5})
        .add(boolConst("is_training", {}, {training}))
        .node("LogicalNot", "inference", {"is_training"});
    g.node("Switch", "cond/Switch", {"x", "inference"});
    g.node("Identity", "cond/f", {"cond/Switch"}).node("Identity", "cond/t", {"cond/Switch:1"});
    g.add(floatConst("ten", {1}, {10})).node("Mul", "cond/a", {"cond/t", "ten"});
    g.node("Neg", "cond/b", {"cond/f"})
        .node("Merge", "cond/Merge", {"cond/b", "cond/a"})
        .node("Relu", "y", {"cond/Merge"});
    Imported m = g.outputs(Names{"cond/Merge", "y"});
    ASSERT_TRUE(m.ok()) << m.error();
    EXPECT_EQ(m.floats(0), training ? Floats{-5} : Floats{50});
  }
  Graph open;
  open.placeholder("x", {1})
      .placeholder("p", {}, 10)
      .node("Switch", "s", {"x", "p"})
      .node("Merge", "y", {"s", "s:1"});
  EXPECT_TRUE(has(open.outputs(Names{"y"}).error(), "its condition is not constant"))
      << open.outputs(Names{"y"}).error();
}

TEST(TensorflowConditions, IfTakesItsBranch) {
  tfpb::FunctionDef other = doubled("g");
  *other.mutable_node_def(0) = makeNode("Neg", "relu", {"sum:z:0"});
  for (int64_t condition : {0, 1}) {
    Graph g;
    *g.proto.mutable_library()->add_function() = doubled("f");
    *g.proto.mutable_library()->add_function() = other;
    g.constant("x", {1}, {5}).add(boolConst("p", {}, {condition}));
    g.node("StatelessIf", "y", {"p", "x"}, {function("then_branch", "f"), function("else_branch", "g")});
    Imported m = g.outputs(Names{"y"});
    ASSERT_TRUE(m.ok()) << m.error();
    EXPECT_EQ(m.floats(), condition ? Floats{10} : Floats{-10});
  }
}

TEST(TensorflowGraph, StatesAreNotConstants) {
  Graph g;
  g.placeholder("x", {2}).constant("v", {2}, {1, 2}).node("AssignAdd", "update", {"v", "x"});
  g.node("NoOp", "after", {"^update"}).node("Relu", "y", {"x", "^after"}).node("Neg", "z", {"x"});
  std::string error = g.outputs(Names{"y"}).error();
  EXPECT_TRUE(has(error, "update (AssignAdd)") && has(error, "while the network runs")) << error;
  EXPECT_TRUE(g.outputs(Names{"z"}).ok());
}

TEST(TensorflowRecognition, GraphsAreKnownByTheirFirstNode) {
  auto recognised = [](const std::string& bytes, const std::string& path = "model.pb") {
    return kTensorflowFormat.recognises({path, false, {bytes.data(), bytes.size()}});
  };
  std::string graph = Graph().placeholder("x", {1}).proto.SerializeAsString();
  EXPECT_TRUE(recognised(graph));
  EXPECT_FALSE(recognised(graph.substr(0, 5)));
  EXPECT_FALSE(recognised("\x0a\x05LeNet"));           // a Caffe network's name
  EXPECT_FALSE(recognised("\x08\x07\x12\x07pytorch")); // an ONNX model
  EXPECT_TRUE(recognised(std::string("\x08\x01\x12\x02\x0a\x00", 6), "x"));
  EXPECT_FALSE(recognised(""));
  EXPECT_FALSE(kTensorflowFormat.operators().empty());
}
