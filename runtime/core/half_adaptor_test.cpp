#include "runtime/core/half_adaptor.h"

#include "runtime/math/half.h"
#include "runtime/ops/op_case.h"

namespace burin::rt {
extern const OpTable kElementwiseOps;
namespace {
using namespace test;

struct Fixture {
  Node node;
  std::vector<std::unique_ptr<OwnedTensor>> tensors;

  Tensor& add(DType dtype, const Shape& shape, Layout layout, const std::vector<float>& values) {
    tensors.push_back(std::make_unique<OwnedTensor>(TensorType{dtype, shape}, layout));
    std::vector<uint16_t> bits;
    for (float value : values)
      bits.push_back(dtype == DType::F16 ? math::floatToHalf(value) : math::floatToBfloat16(value));
    std::vector<uint8_t> bytes(bits.size() * 2);
    if (!bits.empty()) {
      std::memcpy(bytes.data(), bits.data(), bytes.size());
      tensors.back()->write(bytes);
    }
    return tensors.back()->tensor;
  }
};

const OpDef& binaryOp() { return kElementwiseOps.ops[1]; }

class HalfAdaptor : public testing::TestWithParam<DType> {};

TEST_P(HalfAdaptor, RoundsTheFloatResult) {
  const DType dtype = GetParam();
  const Shape shape = {2, 5, 3, 7}, channels = {5, 1, 1};
  const std::vector<float> a = randomFloats(shape, 1), b = randomFloats(channels, 2);
  auto rounded = [&](float v) {
    return dtype == DType::F16 ? math::halfToFloat(math::floatToHalf(v))
                               : math::bfloat16ToFloat(math::floatToBfloat16(v));
  };
  for (Isa isa : {Isa::Reference, Isa::Portable})
    for (Layout layout :
         {Layout::RowMajor, Layout::ChannelsLast, Layout::PaddedChannelsLast, Layout::Reversed})
      for (bool constant : {false, true}) {
        Fixture f;
        f.node.type = "nn.binary";
        f.node.attrs.setText("fn", "mul");
        Tensor& second = f.add(dtype, channels, Layout::RowMajor, b);
        second.constant = constant;
        f.node.inputs = {&f.add(dtype, shape, layout, a), &second};
        f.node.outputs = {&f.add(dtype, shape, layout, {})};
        ASSERT_TRUE(needsHalfAdaptor(f.node));
        std::vector<uint8_t> workspace(halfWorkspaceBytes(f.node) + 64);
        std::string error;
        auto kernel = makeHalfKernel(
            f.node, {isa, 2}, binaryOp().make,
            workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64), error);
        ASSERT_TRUE(kernel) << error;
        EXPECT_EQ(kernel->packedBytes() > 0, constant);
        ThreadPool pool(2);
        Context context{pool};
        kernel->run(context);
        const std::vector<uint8_t> bytes = f.tensors.back()->read();
        for (size_t i = 0; i < a.size(); ++i) {
          uint16_t bits;
          std::memcpy(&bits, &bytes[2 * i], 2);
          const float want = rounded(rounded(a[i]) * rounded(b[i / 21 % 5]));
          EXPECT_EQ(dtype == DType::F16 ? math::halfToFloat(bits) : math::bfloat16ToFloat(bits), want) << i;
        }
      }
}

INSTANTIATE_TEST_SUITE_P(All, HalfAdaptor, testing::Values(DType::F16, DType::BF16),
                         [](const auto& instance) { return std::string(dtypeName(instance.param)); });

TEST(HalfAdaptor, LeavesMovementAndOtherTypesAlone) {
  Fixture f;
  f.node.type = "nn.transpose";
  f.node.inputs = {&f.add(DType::F16, {2, 2}, Layout::RowMajor, {1, 2, 3, 4})};
  EXPECT_FALSE(needsHalfAdaptor(f.node));
  Fixture g;
  g.node.type = "nn.unary";
  g.tensors.push_back(std::make_unique<OwnedTensor>(TensorType{DType::F32, {1}}, Layout::RowMajor));
  g.node.inputs = {&g.tensors.back()->tensor, nullptr};
  EXPECT_FALSE(needsHalfAdaptor(g.node));
}

} // namespace
} // namespace burin::rt
