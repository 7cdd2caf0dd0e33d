// Every elementwise operator against its formula.
#include "lib/import/tensorflow/operators.h"
#include "lib/import/tensorflow/test_graph.h"

#include <cmath>
#include <functional>

using namespace burin;
using namespace burin::tensorflow::test;

namespace {
using Unary = std::function<double(double)>;
using Binary = std::function<double(double, double)>;

struct UnaryRow {
  const char* op;
  Floats x;
  Unary formula;
  Attributes attributes = {};
};

const Floats kAny = {-2.5f, -1, -0.5f, 0, 0.5f, 1.5f, 2.5f, 7};
const Floats kPositive = {0.25f, 0.5f, 1, 2, 3.5f};
const Floats kUnit = {-0.75f, -0.5f, 0, 0.25f, 0.75f};

double halfToEven(double x) { return std::nearbyint(x); }

const UnaryRow kUnaries[] = {
    {"Neg", kAny, [](double x) { return -x; }},
    {"Abs", kAny, [](double x) { return std::fabs(x); }},
    {"Sign", kAny, [](double x) { return x > 0   ? 1
                                         : x < 0 ? -1
                                                 : 0; }},
    {"Exp", kAny, [](double x) { return std::exp(x); }},
    {"Log", kPositive, [](double x) { return std::log(x); }},
    {"Sqrt", kPositive, [](double x) { return std::sqrt(x); }},
    {"Rsqrt", kPositive, [](double x) { return 1 / std::sqrt(x); }},
    {"Square", kAny, [](double x) { return x * x; }},
    {"Reciprocal", kPositive, [](double x) { return 1 / x; }},
    {"Inv", kPositive, [](double x) { return 1 / x; }},
    {"Floor", kAny, [](double x) { return std::floor(x); }},
    {"Ceil", kAny, [](double x) { return std::ceil(x); }},
    {"Round", kAny, halfToEven},
    {"Rint", kAny, halfToEven},
    {"Sin", kAny, [](double x) { return std::sin(x); }},
    {"Cos", kAny, [](double x) { return std::cos(x); }},
    {"Tan", kUnit, [](double x) { return std::tan(x); }},
    {"Asin", kUnit, [](double x) { return std::asin(x); }},
    {"Acos", kUnit, [](double x) { return std::acos(x); }},
    {"Atan", kAny, [](double x) { return std::atan(x); }},
    {"Sinh", kAny, [](double x) { return std::sinh(x); }},
    {"Cosh", kAny, [](double x) { return std::cosh(x); }},
    {"Asinh", kAny, [](double x) { return std::asinh(x); }},
    {"Acosh", {1, 1.5f, 3}, [](double x) { return std::acosh(x); }},
    {"Atanh", kUnit, [](double x) { return std::atanh(x); }},
    {"Erf", kAny, [](double x) { return std::erf(x); }},
    {"Relu", kAny, [](double x) { return std::max(x, 0.0); }},
    {"Relu6", kAny, [](double x) { return std::min(std::max(x, 0.0), 6.0); }},
    {"LeakyRelu", kAny, [](double x) { return x > 0 ? x : 0.2 * x; }},
    {"LeakyRelu", kAny, [](double x) { return x > 0 ? x : 0.5 * x; }, {real("alpha", 0.5f)}},
    {"Elu", kAny, [](double x) { return x > 0 ? x : std::exp(x) - 1; }},
    {"Selu", kAny,
     [](double x) { return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (std::exp(x) - 1)); }},
    {"Sigmoid", kAny, [](double x) { return 1 / (1 + std::exp(-x)); }},
    {"Tanh", kAny, [](double x) { return std::tanh(x); }},
    {"Softplus", kAny, [](double x) { return std::log(1 + std::exp(x)); }},
    {"Softsign", kAny, [](double x) { return x / (1 + std::fabs(x)); }},
    {"Identity", kAny, [](double x) { return x; }},
    {"StopGradient", kAny, [](double x) { return x; }},
    {"PreventGradient", kAny, [](double x) { return x; }},
    {"CheckNumerics", kAny, [](double x) { return x; }},
    {"EnsureShape", kAny, [](double x) { return x; }},
    {"Snapshot", kAny, [](double x) { return x; }},
    {"PlaceholderWithDefault", kAny, [](double x) { return x; }},
};

struct BinaryRow {
  const char* op;
  Binary formula;
};
double floorMod(double a, double b) { return a - b * std::floor(a / b); }

const BinaryRow kBinaries[] = {
    {"Add", [](double a, double b) { return a + b; }},
    {"AddV2", [](double a, double b) { return a + b; }},
    {"Sub", [](double a, double b) { return a - b; }},
    {"Mul", [](double a, double b) { return a * b; }},
    {"Div", [](double a, double b) { return a / b; }},
    {"RealDiv", [](double a, double b) { return a / b; }},
    {"FloorDiv", [](double a, double b) { return std::floor(a / b); }},
    {"FloorMod", floorMod},
    {"Mod", [](double a, double b) { return std::fmod(a, b); }},
    {"TruncateMod", [](double a, double b) { return std::fmod(a, b); }},
    {"Maximum", [](double a, double b) { return std::max(a, b); }},
    {"Minimum", [](double a, double b) { return std::min(a, b); }},
    {"SquaredDifference", [](double a, double b) { return (a - b) * (a - b); }},
    {"Equal", [](double a, double b) { return a == b; }},
    {"NotEqual", [](double a, double b) { return a != b; }},
    {"Less", [](double a, double b) { return a < b; }},
    {"LessEqual", [](double a, double b) { return a <= b; }},
    {"Greater", [](double a, double b) { return a > b; }},
    {"GreaterEqual", [](double a, double b) { return a >= b; }},
};
} // namespace

TEST(TensorflowElementwise, UnaryOperatorsFollowTheirFormulas) {
  for (const UnaryRow& row : kUnaries) {
    Case c(row.op, {"x"}, row.attributes);
    Imported m = c.x({static_cast<int64_t>(row.x.size())}, row.x).run();
    ASSERT_TRUE(m.ok()) << row.op << ": " << m.error();
    Floats y = m.floats();
    ASSERT_EQ(y.size(), row.x.size()) << row.op;
    for (size_t i = 0; i < y.size(); ++i) {
      double expected = row.formula(static_cast<double>(row.x[i]));
      EXPECT_NEAR(y[i], expected, 1e-5 * std::max(1.0, std::fabs(expected))) << row.op << " of " << row.x[i];
    }
  }
}

TEST(TensorflowElementwise, BinaryOperatorsBroadcast) {
  const Floats a = {-7, -2, -0.5f, 0, 1, 7}, b = {2, -3};
  for (const BinaryRow& row : kBinaries) {
    Imported m = Case(row.op, {"x", "b"}).x({6, 1}, a).with("b", {2}, b).run();
    ASSERT_TRUE(m.ok()) << row.op << ": " << m.error();
    EXPECT_EQ(m.shape(), "6x2") << row.op;
    Floats y = m.floats();
    for (size_t i = 0; i < 12; ++i)
      EXPECT_NEAR(y[i], row.formula(a[i / 2], b[i % 2]), 1e-5)
          << row.op << " of " << a[i / 2] << ", " << b[i % 2];
  }
}

TEST(TensorflowElementwise, IntegerDivisionKnowsItsDirection) {
  auto run = [](const char* op) {
    return Case(op, {"x", "b"}).numbers("x", {-7, 7, -7, 7}).numbers("b", {2, 2, -2, -2}).run().ints();
  };
  EXPECT_EQ(run("FloorDiv"), (Ints{-4, 3, 3, -4}));
  EXPECT_EQ(run("TruncateDiv"), (Ints{-3, 3, 3, -3}));
  EXPECT_EQ(run("Div"), (Ints{-3, 3, 3, -3}));
  EXPECT_EQ(run("FloorMod"), (Ints{1, 1, -1, -1}));
  EXPECT_EQ(run("TruncateMod"), (Ints{-1, 1, -1, 1}));
}

TEST(TensorflowElementwise, SpecialCases) {
  EXPECT_EQ(Case("Pow", {"x", "b"}).x({3}, {2, 3, 4}).with("b", {3}, {3, 2, 0.5f}).run().floats(),
            (Floats{8, 9, 2}));
  EXPECT_EQ(Case("DivNoNan", {"x", "b"}).x({3}, {6, 1, 0}).with("b", {3}, {3, 0, 0}).run().floats(),
            (Floats{2, 0, 0}));
  EXPECT_EQ(
      Case("AddN", {"x", "b", "c"}).x({2}).with("b", {2}, {10, 20}).with("c", {2}, {100, 200}).run().floats(),
      (Floats{110, 221}));
  EXPECT_EQ(Case("ClipByValue", {"x", "l", "h"})
                .x({3}, {-5, 0.5f, 5})
                .with("l", {}, {-1})
                .with("h", {}, {2})
                .run()
                .floats(),
            (Floats{-1, 0.5f, 2}));
  EXPECT_EQ(Case("ClipByValue", {"x", "l", "h"})
                .x({3}, {-5, 0.5f, 5})
                .with("l", {3}, {-1, 1, 0})
                .with("h", {}, {2})
                .run()
                .floats(),
            (Floats{-1, 1, 2}));
  std::string mixed = Case("Add", {"x", "b"}).x({2}).numbers("b", {1, 2}).run().error();
  EXPECT_NE(mixed.find("y (Add)"), std::string::npos) << mixed;
  EXPECT_NE(mixed.find("f32 and i32"), std::string::npos) << mixed;
}

TEST(TensorflowElementwise, Logic) {
  auto run = [](const char* op) {
    return Case(op, {"x", "b"})
        .with(boolConst("x", {4}, {0, 0, 1, 1}))
        .with(boolConst("b", {4}, {0, 1, 0, 1}))
        .run()
        .ints();
  };
  EXPECT_EQ(run("LogicalAnd"), (Ints{0, 0, 0, 1}));
  EXPECT_EQ(run("LogicalOr"), (Ints{0, 1, 1, 1}));
  EXPECT_EQ(Case("LogicalNot", {"x"}).with(boolConst("x", {2}, {0, 1})).run().ints(), (Ints{1, 0}));
  const float nan = std::nanf(""), inf = INFINITY;
  auto classify = [&](const char* op) {
    Case c(op, {"x"});
    c.x({3}, {1, nan, inf});
    c.node(op, "y", {"x"});
    ImportOptions options;
    options.allowNonFinite = true;
    options.outputs = {"y"};
    return c.import(options).ints();
  };
  EXPECT_EQ(classify("IsNan"), (Ints{0, 1, 0}));
  EXPECT_EQ(classify("IsInf"), (Ints{0, 0, 1}));
  EXPECT_EQ(classify("IsFinite"), (Ints{1, 0, 0}));
}

TEST(TensorflowElementwise, BiasFollowsTheDataFormat) {
  Imported last = Case("BiasAdd", {"x", "b"}).x({1, 2, 1, 2}, {0, 0, 0, 0}).with("b", {2}, {1, 2}).run();
  EXPECT_EQ(last.floats(), (Floats{1, 2, 1, 2}));
  Imported first = Case("BiasAdd", {"x", "b"}, {text("data_format", "NCHW")})
                       .x({1, 2, 1, 2}, {0, 0, 0, 0})
                       .with("b", {2}, {1, 2})
                       .run();
  EXPECT_EQ(first.floats(), (Floats{1, 1, 2, 2}));
  EXPECT_EQ(Case("BiasAddV1", {"x", "b"}).x({2, 2}).with("b", {2}, {10, 20}).run().floats(),
            (Floats{10, 21, 12, 23}));
  EXPECT_FALSE(Case("BiasAdd", {"x", "b"}).x({2, 2}).with("b", {1, 2}, {10, 20}).run().ok());
}

TEST(TensorflowElementwise, SelectTakesRowsSelectV2Broadcasts) {
  auto run = [](const char* op) {
    return Case(op, {"c", "x", "z"})
        .with(boolConst("c", {2}, {1, 0}))
        .x({2, 2})
        .with("z", {2, 2}, {10, 11, 12, 13})
        .run()
        .floats();
  };
  EXPECT_EQ(run("Select"), (Floats{0, 1, 12, 13}));
  EXPECT_EQ(run("SelectV2"), (Floats{0, 11, 2, 13}));
}

TEST(TensorflowElementwise, CastTruncates) {
  Case c("Cast", {"x"}, {type("DstT", 3)});
  EXPECT_EQ(c.x({3}, {-1.5f, 1.5f, 2.9f}).run().ints(), (Ints{-1, 1, 2}));
  EXPECT_EQ(Case("Cast", {"x"}, {type("DstT", 10)}).x({2}, {0, 3}).run().ints(), (Ints{0, 1}));
  std::string error = Case("Cast", {"x"}, {type("DstT", 7)}).x({1}).run().error();
  EXPECT_NE(error.find("string"), std::string::npos) << error;
}

TEST(TensorflowElementwise, SoftmaxIsOverTheLastAxis) {
  EXPECT_EQ(Case("Softmax", {"x"}).x({2, 2}, {0, 0, 3, 3}).run().floats(), (Floats{0.5f, 0.5f, 0.5f, 0.5f}));
  for (float v : Case("LogSoftmax", {"x"}).x({1, 4}, {1, 1, 1, 1}).run().floats())
    EXPECT_NEAR(v, std::log(0.25), 1e-6);
}

TEST(TensorflowElementwise, SeveralIdentitiesAtOnce) {
  Imported m = Case("IdentityN", {"x", "b"}).x({2}).with("b", {1}, {7}).run({"y", "y:1"});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.floats(0), (Floats{0, 1}));
  EXPECT_EQ(m.floats(1), (Floats{7}));
  EXPECT_EQ(Case("Print", {"x", "b"}).x({2}).with("b", {1}, {7}).run().floats(), (Floats{0, 1}));
}

// A row of the table that no test names would be a claim without proof.
TEST(TensorflowTable, EveryElementwiseRowIsTested) {
  std::set<std::string> tested = {
      "Pow",   "DivNoNan",  "AddN",     "ClipByValue", "LogicalAnd",     "LogicalOr", "LogicalNot",
      "IsNan", "IsInf",     "IsFinite", "BiasAdd",     "BiasAddV1",      "Select",    "SelectV2",
      "Cast",  "IdentityN", "Print",    "TruncateDiv", "ReadVariableOp", "Softmax",   "LogSoftmax"};
  for (const UnaryRow& row : kUnaries) tested.insert(row.op);
  for (const BinaryRow& row : kBinaries) tested.insert(row.op);
  for (auto table : {tensorflow::kElementwiseOperators, tensorflow::kActivationOperators})
    for (const tensorflow::OperatorRow& row : table) EXPECT_TRUE(tested.contains(row.name)) << row.name;
}
