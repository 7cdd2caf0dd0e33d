// Convolutions: hand-worked results of the reference, refusals of the shape rule, and every fast kernel
// against the reference over random shapes and layouts.
#include "runtime/ops/conv_test_support.h"

#include <sstream>

namespace burin::rt::test {
namespace {

struct ConvCase {
  int rank = 2;
  int64_t batch = 1, groups = 1, groupChannels = 1, groupOutputs = 1;
  std::vector<int64_t> in, kernel, strides, dilations, pads;
  bool bias = true, channelsLastX = true, channelsLastY = true, paddedChannels = false;

  std::string text() const {
    std::ostringstream out;
    auto list = [&out](const char* name, const std::vector<int64_t>& values) {
      out << ' ' << name;
      for (int64_t value : values) out << ' ' << value;
    };
    out << "batch " << batch << " groups " << groups << " channels " << groupChannels << " -> "
        << groupOutputs;
    list("in", in);
    list("kernel", kernel);
    list("strides", strides);
    list("dilations", dilations);
    list("pads", pads);
    out << (channelsLastX ? "" : " x row-major") << (channelsLastY ? "" : " y row-major")
        << (paddedChannels ? " padded" : "");
    return out.str();
  }
};

ConvCase randomCase(std::mt19937& random) {
  ConvCase c;
  c.rank = static_cast<int>(pick(random, 0, 9)) < 7 ? 2 : static_cast<int>(pick(random, 1, 3));
  c.batch = pick(random, 1, 2);
  const int kind = static_cast<int>(pick(random, 0, 9));
  if (kind < 2) { // depthwise
    c.groups = pick(random, 1, 150);
    c.groupOutputs = kind == 0 ? 1 : pick(random, 1, 2);
  } else if (kind < 4) {
    c.groups = pick(random, 2, 4);
    c.groupChannels = pick(random, 1, 20);
    c.groupOutputs = pick(random, 1, 40);
  } else {
    c.groupChannels = kind < 6 ? pick(random, 1, 4) : pick(random, 1, 80);
    c.groupOutputs = pick(random, 1, 140);
  }
  for (int i = 0; i < c.rank; ++i) {
    c.kernel.push_back(pick(random, 1, c.rank == 3 ? 2 : pick(random, 1, 5)));
    c.strides.push_back(pick(random, 1, 3));
    c.dilations.push_back(pick(random, 0, 3) ? 1 : pick(random, 2, 3));
    c.in.push_back(c.dilations[i] * (c.kernel[i] - 1) + pick(random, 1, c.rank == 3 ? 4 : 14));
  }
  for (int i = 0; i < 2 * c.rank; ++i) c.pads.push_back(pick(random, 0, 2) ? 0 : pick(random, 1, 3));
  c.bias = pick(random, 0, 3) != 0;
  c.channelsLastX = pick(random, 0, 4) != 0;
  c.channelsLastY = pick(random, 0, 4) != 0;
  c.paddedChannels = pick(random, 0, 4) == 0;
  return c;
}

std::vector<uint8_t> channelsLast(int rank) {
  std::vector<uint8_t> order{0};
  for (int i = 2; i < rank + 2; ++i) order.push_back(static_cast<uint8_t>(i));
  order.push_back(1);
  return order;
}

Shape shapeOf(int64_t a, int64_t b, const std::vector<int64_t>& spatial) {
  Shape shape{a, b};
  for (int64_t s : spatial) shape.push(s);
  return shape;
}

// Adds x, w, bias and attributes, and infers the result.
void build(NodeFixture& f, const ConvCase& c, DType xType, DType wType, DType biasType, std::mt19937& random,
           bool transposed = false) {
  const int64_t channels = c.groups * c.groupChannels, outputs = c.groups * c.groupOutputs;
  const auto order = channelsLast(c.rank);
  Tensor& x =
      f.addInput(xType, shapeOf(c.batch, channels, c.in), c.channelsLastX ? order : std::vector<uint8_t>{},
                 c.channelsLastX && c.paddedChannels ? channels + 5 : 0);
  f.fill(x, random);
  Tensor& w = transposed ? f.addInput(wType, shapeOf(channels, c.groupOutputs, c.kernel), order)
                         : f.addInput(wType, shapeOf(outputs, c.groupChannels, c.kernel), order);
  f.fill(w, random);
  w.constant = true;
  if (c.bias) {
    Tensor& bias = f.addInput(biasType, {outputs});
    f.fill(bias, random);
    bias.constant = true;
    if (biasType == DType::I32)
      for (int64_t i = 0; i < outputs; ++i) bias.as<int32_t>()[i] >>= 12;
  } else {
    f.addAbsent();
  }
  Attrs& attrs = f.node().attrs;
  attrs.setInts("strides", c.strides);
  attrs.setInts("dilations", c.dilations);
  attrs.setInts("pads", c.pads);
  attrs.setInt("groups", c.groups);
}

void inferResult(NodeFixture& f, const ConvCase& c) {
  const int64_t outputs = c.groups * c.groupOutputs;
  const std::string error = f.infer(c.channelsLastY ? channelsLast(c.rank) : std::vector<uint8_t>{},
                                    c.channelsLastY && c.paddedChannels ? outputs + 3 : 0);
  ASSERT_EQ(error, "") << c.text();
}

Tensor& addConstant(NodeFixture& f, DType dtype, int64_t count) {
  Tensor& tensor = f.addInput(dtype, {count});
  tensor.constant = true;
  return tensor;
}

// Multiplier and shift of a random policy, and quantization of all tensors.
void addRequant(NodeFixture& f, const ConvCase& c, std::mt19937& random) {
  static const char* const kPolicies[] = {"float_half_even",
                                          "float_half_even",
                                          "float_half_even",
                                          "float_half_even",
                                          "multiplier_shift_half_up",
                                          "multiplier8_half_up",
                                          "shift_half_up",
                                          "qdm_half_away",
                                          "tflite",
                                          "multiplier15_half_even",
                                          "none",
                                          "none"};
  const std::string policy = kPolicies[pick(random, 0, 11)];
  const int64_t outputs = c.groups * c.groupOutputs, count = pick(random, 0, 1) ? outputs : 1;
  const double terms = static_cast<double>(c.groupChannels) * 9;
  f.node().attrs.setText("requant", policy);
  if (policy == "none") {
    if (pick(random, 0, 1)) f.fill(addConstant(f, DType::F32, count), random);
    return;
  }
  const bool isFloat = policy == "float_half_even";
  Tensor& multiplier = addConstant(f, isFloat ? DType::F32 : DType::I32, count);
  const bool isShort = policy == "multiplier8_half_up" || policy == "multiplier15_half_even";
  for (int64_t i = 0; i < count; ++i) {
    if (isFloat)
      multiplier.as<float>()[i] =
          static_cast<float>(pick(random, 1, 1000)) * 0.05f / static_cast<float>(terms * 127);
    else
      multiplier.as<int32_t>()[i] = isShort ? static_cast<int32_t>(pick(random, 64, 127))
                                            : static_cast<int32_t>(pick(random, 1 << 30, INT32_MAX));
  }
  if (!isFloat) {
    Tensor& shift = addConstant(f, DType::I32, count);
    for (int64_t i = 0; i < count; ++i) shift.as<int32_t>()[i] = static_cast<int32_t>(pick(random, 4, 14));
  }
  if (pick(random, 0, 1)) f.node().attrs.setText("to", pick(random, 0, 1) ? "u8" : "i8");
  if (pick(random, 0, 2) == 0) {
    f.node().attrs.setInt("q_lo", pick(random, -60, 20));
    f.node().attrs.setInt("q_hi", pick(random, 21, 200));
  }
}

void setZeroPoint(Tensor& tensor, int64_t count, bool zero, std::mt19937& random) {
  tensor.quant.scale.assign(static_cast<size_t>(count), 1.0f);
  for (int64_t i = 0; i < count; ++i)
    tensor.quant.zeroPoint.push_back(zero ? 0
                                          : static_cast<int32_t>(tensor.dtype() == DType::U8
                                                                     ? pick(random, 0, 255)
                                                                     : pick(random, -128, 127)));
}

TEST(Conv, FloatKernelsEqualTheReference) {
  std::mt19937 random(1);
  for (int i = 0; i < 400; ++i) {
    const ConvCase c = randomCase(random);
    NodeFixture f("nn.conv");
    build(f, c, DType::F32, DType::F32, DType::F32, random);
    if (pick(random, 0, 1)) f.node().attrs.setFloats("lo", {0.0f});
    if (pick(random, 0, 2) == 0) f.node().attrs.setFloats("hi", {0.5f});
    inferResult(f, c);
    expectSameAsReference(f, c.text());
    if (HasFatalFailure()) return;
  }
}

TEST(Conv, IntegerKernelsEqualTheReference) {
  std::mt19937 random(2);
  for (int i = 0; i < 600; ++i) {
    const ConvCase c = randomCase(random);
    NodeFixture f("qnn.conv");
    const DType types[] = {DType::I8, DType::U8, DType::I8, DType::U8, DType::I16};
    const DType xType = types[pick(random, 0, 4)], wType = types[pick(random, 0, 2)];
    const bool wide = xType == DType::I16 && pick(random, 0, 2) > 0;
    build(f, c, xType, wType, wide && pick(random, 0, 1) ? DType::I64 : DType::I32, random);
    if (wide) f.node().attrs.setInt("wide", 1);
    setZeroPoint(const_cast<Tensor&>(f.node().in(0)), 1, wide || pick(random, 0, 3) == 0, random);
    setZeroPoint(const_cast<Tensor&>(f.node().in(1)), pick(random, 0, 1) ? 1 : c.groups * c.groupOutputs,
                 pick(random, 0, 3) != 0, random);
    addRequant(f, c, random);
    inferResult(f, c);
    setZeroPoint(f.node().out(), 1, false, random);
    f.node().out().quant.zeroPoint[0] = static_cast<int32_t>(pick(random, 0, 127));
    expectSameAsReference(f, c.text() + " x " + dtypeName(xType) + " w " + dtypeName(wType) + " " +
                                 f.node().attrs.text("requant"));
    if (HasFatalFailure()) return;
  }
}

TEST(Conv, TransposedKernelsEqualTheReference) {
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    ConvCase c = randomCase(random);
    for (int64_t& p : c.pads) p = 0;
    for (int axis = 0; axis < c.rank; ++axis)
      c.pads[static_cast<size_t>(axis)] = c.kernel[static_cast<size_t>(axis)] > 2 ? 1 : 0;
    const bool isFloatCase = pick(random, 0, 1);
    NodeFixture f(isFloatCase ? "nn.conv_transpose" : "qnn.conv_transpose");
    const DType type = isFloatCase ? DType::F32 : DType::I8;
    build(f, c, type, type, isFloatCase ? DType::F32 : DType::I32, random, true);
    if (!isFloatCase) addRequant(f, c, random);
    std::vector<int64_t> outputPads;
    for (int axis = 0; axis < c.rank; ++axis) outputPads.push_back(pick(random, 0, 1));
    f.node().attrs.setInts("output_pads", outputPads);
    inferResult(f, c);
    expectSameAsReference(f, c.text());
    if (HasFatalFailure()) return;
  }
}

// y[0] = 2*1 + 3*2 + 1*10, padded at the right end.
TEST(Conv, HandWorkedOneDimensional) {
  NodeFixture f("nn.conv");
  Tensor& x = f.addInput(DType::F32, {1, 1, 3});
  Tensor& w = f.addInput(DType::F32, {1, 1, 2});
  Tensor& bias = f.addInput(DType::F32, {1});
  for (int i = 0; i < 3; ++i) x.as<float>()[i] = static_cast<float>(i + 1);
  w.as<float>()[0] = 2;
  w.as<float>()[1] = 3;
  bias.as<float>()[0] = 10;
  f.node().attrs.setInts("pads", {0, 1});
  ASSERT_EQ(f.infer(), "");
  f.run(Isa::Reference, 1);
  const float* y = f.node().out().as<float>();
  EXPECT_EQ(y[0], 18);
  EXPECT_EQ(y[1], 23);
  EXPECT_EQ(y[2], 16);
}

// Stride 2 spreads the input: y = [1*2, 1*3, 2*2, 2*3] for kernel [2, 3].
TEST(Conv, HandWorkedTransposed) {
  NodeFixture f("nn.conv_transpose");
  Tensor& x = f.addInput(DType::F32, {1, 1, 2});
  Tensor& w = f.addInput(DType::F32, {1, 1, 2});
  x.as<float>()[0] = 1;
  x.as<float>()[1] = 2;
  w.as<float>()[0] = 2;
  w.as<float>()[1] = 3;
  f.node().attrs.setInts("strides", {2});
  ASSERT_EQ(f.infer(), "");
  f.run(Isa::Reference, 1);
  const float* y = f.node().out().as<float>();
  EXPECT_EQ(y[0], 2);
  EXPECT_EQ(y[1], 3);
  EXPECT_EQ(y[2], 4);
  EXPECT_EQ(y[3], 6);
}

TEST(Conv, ShapeRuleRefusesWhatCannotBe) {
  auto refuse = [](const Shape& x, const Shape& w, const char* attribute, std::vector<int64_t> values) {
    NodeFixture f("nn.conv");
    f.addInput(DType::F32, x);
    f.addInput(DType::F32, w);
    if (attribute) f.node().attrs.setInts(attribute, std::move(values));
    return f.infer();
  };
  EXPECT_EQ(refuse({1, 4, 5, 5}, {8, 4, 3, 3}, nullptr, {}), "");
  EXPECT_NE(refuse({1, 4, 5, 5}, {8, 3, 3, 3}, nullptr, {}), "");
  EXPECT_NE(refuse({1, 4, 5}, {8, 4, 3, 3}, nullptr, {}), "");
  EXPECT_NE(refuse({1, 4, 2, 2}, {8, 4, 3, 3}, nullptr, {}), "");
  EXPECT_NE(refuse({1, 4, 5, 5}, {8, 4, 3, 3}, "strides", {0, 1}), "");
  EXPECT_NE(refuse({1, 4, 5, 5}, {8, 4, 3, 3}, "strides", {1}), "");
  EXPECT_NE(refuse({1, 4, 5, 5}, {8, 4, 3, 3}, "pads", {-1, 0, 0, 0}), "");
  EXPECT_NE(refuse({1, 4, 5, 5}, {8, 4, 3, 3}, "pads", {int64_t{1} << 40, int64_t{1} << 40, 0, 0}), "");
  EXPECT_NE(refuse({1, 4, 5, 5}, {8, 4, 3, 3}, "groups", {3}), "");
  EXPECT_NE(refuse({1, 4, 5, 5}, {8, 4, 3, 3}, "dilations", {INT64_MAX, 1}), "");
}

} // namespace
} // namespace burin::rt::test
