#include "lib/quantize/quantizer.h"

#include "lib/quantize/test_support.h"

#include <gtest/gtest.h>

namespace burin::quantize {
namespace {

// x -> conv -> y on integers.
struct Net {
  std::unique_ptr<mlir::MLIRContext> context = nn::makeContext();
  mlir::OwningOpRef<mlir::ModuleOp> module;
  QuantPlan plan;

  Net() {
    nn::GraphBuilder builder{context.get()};
    mlir::Value x = builder.input("x", {rt::DType::F32, {1, 1, 2, 2}}),
                w = builder.constantFloats(std::vector<float>{0.5f}, {1, 1, 1, 1});
    mlir::Value y =
        *builder.op("conv", {x, w, builder.none()}, test::plainConvolution(builder).f("hi", 0.75f), "y");
    module = *builder.finish({y}, {"out"});
    OpPlan conv;
    conv.name = "y", conv.type = "nn.conv", conv.precision = Precision::Int8;
    plan.ops = {conv};
    for (const char* name : {"x", "y"}) {
      TensorPlan t;
      t.name = name, t.threshold = 1, t.min = -1, t.max = 1;
      plan.tensors.push_back(t);
    }
    plan.index();
  }

  mlir::Operation* apply(const char* target, llvm::StringRef opName) {
    auto graph = *(*module).getOps<nn::GraphOp>().begin();
    quantized = *applyPlan(graph, plan, *loadTarget(target), StoredConstants{});
    mlir::Operation* found = nullptr;
    quantized.module->walk([&](mlir::Operation* op) {
      if (op->getName().getStringRef() == opName) found = op;
    });
    return found;
  }
  QuantizedGraph quantized;
};

std::string text(mlir::Operation* op, const char* attribute) {
  return op->getAttrOfType<mlir::StringAttr>(attribute).getValue().str();
}

TEST(Quantizer, FloatsBecomeIntegersByTheTargetsRule) {
  struct Case {
    const char *target, *quantize, *rounding;
  };
  for (const Case& c : {Case{"cpu", "divide", "half_even"}, Case{"tflite", "divide", "half_away"},
                        Case{"bm1684x", "multiply", "half_away"}, Case{"z1_0701", "multiply", "half_even"}}) {
    Net net;
    mlir::Operation* quantize = net.apply(c.target, "qnn.quantize");
    ASSERT_TRUE(quantize) << c.target;
    EXPECT_EQ(text(quantize, "quantize"), c.quantize) << c.target;
    EXPECT_EQ(text(quantize, "rounding"), c.rounding) << c.target;
  }
}

TEST(Quantizer, AClampIsAnIntegerOfTheResultByTheSameRule) {
  Net net;
  net.plan.tensors[1].threshold = net.plan.tensors[1].max = 1.27;
  net.plan.tensors[1].min = -1.27;
  mlir::Operation* conv = net.apply("bm1684x", "qnn.conv"); // scale 0.01
  ASSERT_TRUE(conv);
  EXPECT_EQ(conv->getAttrOfType<mlir::IntegerAttr>("q_hi").getInt(), 75);
}

} // namespace
} // namespace burin::quantize
