// Loops and branches that constants decide, and the lists of tensors that loops fill.
#include "lib/import/tensorflow/test_graph.h"

using namespace burin;
using namespace burin::tensorflow::test;

namespace {
using Names = std::vector<std::string>;
using Returned = std::pair<std::string, std::string>; // result and tensor

tfpb::FunctionDef makeFunction(const std::string& name, const Names& arguments,
                               const std::vector<Returned>& results,
                               const std::vector<tfpb::NodeDef>& nodes) {
  tfpb::FunctionDef f;
  f.mutable_signature()->set_name(name);
  for (const std::string& argument : arguments) f.mutable_signature()->add_input_arg()->set_name(argument);
  for (const auto& [result, tensor] : results) {
    f.mutable_signature()->add_output_arg()->set_name(result);
    (*f.mutable_ret())[result] = tensor;
  }
  for (const tfpb::NodeDef& node : nodes) *f.add_node_def() = node;
  return f;
}

void add(Graph& graph, const tfpb::FunctionDef& function) {
  *graph.proto.mutable_library()->add_function() = function;
}

// i < limit
tfpb::FunctionDef isBelow(const Names& arguments) {
  return makeFunction("below", arguments, {{"holds", "less:z:0"}},
                      {makeNode("Less", "less", {"i", "limit"})});
}
const Attributes kLoop = {function("cond", "below"), function("body", "round")};

// while (i < limit) { i = i + 1; x = x + x; }
Graph doubling(int64_t limit) {
  Graph g;
  add(g, isBelow({"i", "limit", "x"}));
  add(g, makeFunction("round", {"i", "limit", "x"},
                      {{"i_", "next:z:0"}, {"limit_", "limit"}, {"x_", "twice:z:0"}},
                      {intConst("one", {}, {1}), makeNode("AddV2", "next", {"i", "one:output:0"}),
                       makeNode("AddV2", "twice", {"x", "x"})}));
  g.scalar("zero", int64_t(0)).scalar("limit", limit);
  return g;
}

// A running sum over the rows of x, written as recurrent layers are.
Graph runningSum() {
  Graph g;
  const Names variables = {"i", "limit", "rows", "sums", "state"};
  add(g, isBelow(variables));
  add(g, makeFunction("round", variables,
                      {{"i_", "next:z:0"},
                       {"limit_", "limit"},
                       {"rows_", "rows"},
                       {"sums_", "write:output_handle:0"},
                       {"state_", "sum:z:0"}},
                      {intConst("one", {}, {1}), intConst("shape", {1}, {2}),
                       makeNode("TensorListGetItem", "row", {"rows", "i", "shape:output:0"}),
                       makeNode("AddV2", "sum", {"state", "row:item:0"}),
                       makeNode("TensorListSetItem", "write", {"sums", "i", "sum:z:0"}),
                       makeNode("AddV2", "next", {"i", "one:output:0"})}));
  g.scalar("zero", int64_t(0)).scalar("limit", int64_t(3)).constant("shape", {2});
  g.constant("state", {2}, {0, 0}).node("TensorListFromTensor", "rows", {"x", "shape"});
  g.node("TensorListReserve", "sums", {"shape", "limit"});
  g.node("While", "loop", {"zero", "limit", "rows", "sums", "state"}, kLoop);
  g.node("TensorListStack", "y", {"loop:3", "shape"}).node("Identity", "last", {"loop:4"});
  return g;
}
} // namespace

TEST(TensorflowLoops, RoundsThatConstantsCountAreUnrolled) {
  Graph g = doubling(3);
  g.constant("x", {2}, {1, -2}).node("StatelessWhile", "loop", {"zero", "limit", "x"}, kLoop);
  Imported m = g.outputs({"loop:2", "loop"});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.floats(0), (Floats{8, -16}));
  EXPECT_EQ(m.ints(1), Ints{3});
  Graph none = doubling(0);
  none.placeholder("x", {2})
      .node("While", "loop", {"zero", "limit", "x"}, kLoop)
      .node("Neg", "y", {"loop:2"});
  EXPECT_EQ(none.outputs({"y"}).ops().back(), "unary");
}

TEST(TensorflowLoops, ListsCollectWhatTheRoundsMake) {
  Graph g = runningSum();
  g.constant("x", {3, 2}, {1, 10, 2, 20, 3, 30});
  Imported m = g.outputs({"y", "last"});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shape(0), "3x2");
  EXPECT_EQ(m.floats(0), (Floats{1, 10, 3, 30, 6, 60}));
  EXPECT_EQ(m.floats(1), (Floats{6, 60}));
  Graph fed = runningSum();
  fed.placeholder("x", {3, 2});
  Imported graph = fed.outputs({"y"});
  ASSERT_TRUE(graph.ok()) << graph.error();
  EXPECT_EQ(graph.shape(0), "3x2");
}

TEST(TensorflowLoops, ListsGrowAndShrink) {
  Graph g;
  g.scalar("four", int64_t(4)).constant("shape", {1}).constant("a", {1}, {7}).constant("b", {1}, {9});
  g.node("EmptyTensorList", "empty", {"shape", "four"}).node("TensorListPushBack", "one", {"empty", "a"});
  g.node("TensorListPushBack", "two", {"one", "b"}).node("TensorListLength", "length", {"two"});
  g.node("TensorListPopBack", "pop", {"two", "shape"}).node("TensorListStack", "rest", {"pop", "shape"});
  g.node("Identity", "popped", {"pop:1"});
  Imported m = g.outputs({"length", "popped", "rest"});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.ints(0), Ints{2});
  EXPECT_EQ(m.floats(1), Floats{9});
  EXPECT_EQ(m.floats(2), Floats{7});
}

TEST(TensorflowLoops, WhatDataDecideIsRefused) {
  Graph g = doubling(3);
  g.placeholder("x", {2}).placeholder("n", {}, 3).node("While", "loop", {"zero", "n", "x"}, kLoop);
  std::string error = g.outputs({"loop:2"}).error();
  EXPECT_TRUE(has(error, "loop (While)") && has(error, "its condition is not constant")) << error;
  Graph endless = doubling(int64_t(1) << 30);
  endless.placeholder("x", {2}).node("While", "loop", {"zero", "limit", "x"}, kLoop);
  EXPECT_TRUE(has(endless.outputs({"loop:2"}).error(), "more than 1024 rounds"))
      << endless.outputs({"loop:2"}).error();
  Graph missing;
  missing.placeholder("x", {2}).node("While", "loop", {"x"}, kLoop);
  EXPECT_TRUE(has(missing.outputs({"loop"}).error(), "'below' is not in the file"));
  Graph list;
  list.scalar("i", int64_t(0)).constant("x", {1}, {1}).constant("shape", {1});
  list.node("TensorListGetItem", "y", {"x", "i", "shape"});
  EXPECT_TRUE(has(list.outputs({"y"}).error(), "a list that no operator made"))
      << list.outputs({"y"}).error();
}

TEST(TensorflowLoops, BranchesOnComputedConstants) {
  for (int64_t limit : {0, 5}) {
    Graph g;
    add(g, makeFunction("yes", {"x"}, {{"y", "neg:y:0"}}, {makeNode("Neg", "neg", {"x"})}));
    add(g, makeFunction("no", {"x"}, {{"y", "x"}}, {}));
    g.constant("x", {1}, {5})
        .scalar("one", int64_t(1))
        .scalar("limit", limit)
        .node("Less", "p", {"one", "limit"});
    g.node("If", "y", {"p", "x"}, {function("then_branch", "yes"), function("else_branch", "no")});
    // The condition as a number, of 16 bits, decides like the truth value.
    g.node("Cast", "half", {"p"}, {type("DstT", 19)});
    g.node("If", "z", {"half", "x"}, {function("then_branch", "yes"), function("else_branch", "no")});
    Imported m = g.outputs({"y", "z"});
    ASSERT_TRUE(m.ok()) << m.error();
    EXPECT_EQ(m.floats(), limit ? Floats{-5} : Floats{5});
    EXPECT_EQ(m.floats(1), m.floats());
  }
}
