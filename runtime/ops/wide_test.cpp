// Layers of 16-bit activations: sums of 64 bits, biases of 64 bits [ACC-WIDE].
#include "runtime/numerics/registry.h"
#include "runtime/ops/data_test_support.h"

namespace burin::rt::data_test {
namespace {

constexpr int64_t kBig = int64_t{1} << 40;

// x [1, 2, 1, 3] of 16 bits by w [2, 2, 1, 1] plus {2^40, -5}.
OpCase convolution(const std::vector<int16_t>& x, bool wide = true) {
  OpCase op("qnn.conv");
  op.input(Array(DType::I16, {1, 2, 1, 3}, x).quantized(0.001f, 0));
  op.input(Array(DType::I8, {2, 2, 1, 1}, std::vector<int8_t>{127, -3, 1, 100}));
  op.input(Array(DType::I64, {2}, std::vector<int64_t>{kBig, -5}));
  op.ints("strides", {1, 1}).ints("dilations", {1, 1}).ints("pads", {0, 0, 0, 0}).integer("groups", 1);
  return op.integer("wide", wide);
}
const std::vector<int16_t> kX = {32767, -32768, 1, 2, 32767, -7};
// By hand: 127 x0 - 3 x1 + 2^40, x0 + 100 x1 - 5.
const std::vector<int64_t> kSums = {kBig + 4161403, kBig - 4259837, kBig + 148, 32962, 3243927, -704};

TEST(Wide, ConvolutionsAddBiasesOf64Bits) {
  OpCase op = convolution(kX);
  op.text("requant", "none");
  expectSame(runEverywhere(op)[0], Array(DType::I64, {1, 2, 1, 3}, kSums));
}

TEST(Wide, SumsAreRequantizedIn64Bits) {
  for (const char* policy : {"tflite", "float_half_even"}) {
    Requant rule;
    ASSERT_TRUE(parse(policy, rule.policy));
    ASSERT_EQ(encodeRequant(rule.policy, 1.9e-8, rule), EncodeStatus::Ok);
    OpCase op = convolution(kX);
    if (rule.policy == RequantPolicy::Tflite)
      op.input(Array(DType::I32, {1}, std::vector<int32_t>{rule.multiplier}))
          .input(Array(DType::I32, {1}, std::vector<int32_t>{rule.shift}));
    else
      op.input(Array(DType::F32, {1}, std::vector<float>{rule.scale}));
    op.text("requant", policy).result(DType::I16, 0.01f, 0);
    Array expected(DType::I16, {1, 2, 1, 3});
    for (int64_t i = 0; i < expected.size(); ++i)
      store(expected, i, requantize(kSums[static_cast<size_t>(i)], rule, 0, INT16_MIN, INT16_MAX));
    expectSame(runEverywhere(op)[0], expected);
  }
}

TEST(Wide, ProductsAddBiasesOf64Bits) {
  OpCase op("qnn.matmul");
  op.input(Array(DType::I16, {1, 2}, std::vector<int16_t>{32767, -32768}).quantized(0.001f, 0));
  op.input(Array(DType::I8, {2, 2}, std::vector<int8_t>{127, 1, -3, 100}));
  op.input(Array(DType::I64, {2}, std::vector<int64_t>{INT64_MAX, -5}));
  op.integer("wide", 1).text("requant", "none");
  // A bias beyond 62 bits saturates there.
  expectSame(runEverywhere(op)[0],
             Array(DType::I64, {1, 2},
                   std::vector<int64_t>{(int64_t{1} << 62) + 32767 * 127 + 32768 * 3, 32767 - 3276800 - 5}));
}

// Sums of up to 257 products of words fit 32 bits, longer ones byte by byte.
TEST(Wide, FastKernelsAreThoseOfNarrowSums) {
  Random random(6);
  for (int64_t channels : {257, 258, 1000}) {
    OpCase op("qnn.conv");
    op.input(randomArray(DType::I16, {1, channels, 2, 2}, random).quantized(0.001f, 0));
    op.input(randomArray(DType::I8, {3, channels, 1, 1}, random));
    op.ints("strides", {1, 1}).ints("dilations", {1, 1}).ints("pads", {0, 0, 0, 0}).integer("groups", 1);
    op.integer("wide", 1).text("requant", "none");
    std::vector<std::string> kernels;
    runEverywhere(op, &kernels);
    EXPECT_EQ(kernels.front(), "reference");
    EXPECT_EQ(kernels.back(), channels > 257 ? "bytes" : "words");
  }
}

TEST(Wide, NarrowOpsRefuseThem) {
  OpCase op = convolution(kX, false);
  op.text("requant", "none");
  expectRefused(op, "the bias has element type i64");
}

} // namespace
} // namespace burin::rt::data_test
