#include "lib/export/round_trip.h"

namespace burin::onnx_export::test {
namespace {

using rt::DType;

// A clip is written where the quantization behind it would let more through.
TEST(ExportFloat, ClipsThatQuantizationMakesAreLeftOut) {
  for (const auto& [scale, isWritten] :
       {std::pair(6.0f / 255, false), std::pair(0.02f, false), std::pair(0.03f, true)}) {
    auto context = nn::makeContext();
    nn::GraphBuilder b(context.get());
    mlir::Value x = b.input("x", {DType::F32, {2, 3}});
    mlir::Value clip =
        *b.op("unary", {x}, b.attrs().s("fn", "clip").f("alpha", 0).f("beta", 6), "clip", "clip");
    mlir::Value turned = *b.op("transpose", {clip}, b.attrs().ints("perm", {1, 0}), "turned", "turned");
    mlir::Value zero = b.constant({DType::U8, {}}, {char(0)});
    mlir::Value y =
        *b.op("quantize", {turned, b.constantFloat(scale), zero}, b.attrs().i("axis", 0), "y", "y");
    auto module = b.finish({y}, {"y"});
    ASSERT_TRUE(module);
    auto bytes = exportOnnx(graphOf(**module));
    ASSERT_TRUE(bytes) << bytes.error().text();
    EXPECT_EQ(parsed(*bytes).graph().node(0).op_type(), isWritten ? "Clip" : "Identity") << scale;
  }
}

} // namespace
} // namespace burin::onnx_export::test
