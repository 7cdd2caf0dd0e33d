// Networks as importers of quantized formats write them, taken as they are.
#pragma once

#include "lib/quantize/as_is.h"
#include "lib/quantize/quantizer.h"
#include "lib/quantize/test_support.h"

#include <gtest/gtest.h>

namespace burin::quantize::as_is_test {

struct Scale {
  float scale;
  int64_t zero;
  rt::DType dtype = rt::DType::I8;
};

// A network as importers of quantized formats write it.
struct Net {
  std::unique_ptr<mlir::MLIRContext> context = nn::makeContext();
  nn::GraphBuilder builder{context.get()};
  mlir::OwningOpRef<mlir::ModuleOp> module;

  mlir::Value integers(const std::vector<int64_t>& values, const std::vector<int64_t>& shape, rt::DType dtype,
                       const std::string& name) {
    rt::TensorType type;
    type.dtype = dtype;
    for (int64_t d : shape) type.shape.push(d);
    std::vector<char> bytes;
    for (int64_t v : values) // little endian
      bytes.insert(bytes.end(), reinterpret_cast<char*>(&v),
                   reinterpret_cast<char*>(&v) + rt::dtypeBytes(dtype));
    return builder.constant(type, bytes, name);
  }
  mlir::Value scaled(const char* op, mlir::Value x, const Scale& s, const std::string& name) {
    mlir::Value zero = integers({s.zero}, {}, s.dtype, {});
    return *builder.op(op, {x, builder.constantFloat(s.scale), zero}, builder.attrs().i("axis", 0), name, {},
                       nn::Fold::Never);
  }
  mlir::Value quantize(mlir::Value x, const Scale& s, const std::string& name) {
    return scaled("quantize", x, s, name);
  }
  mlir::Value dequantize(mlir::Value q, const Scale& s) {
    return scaled("dequantize", q, s, nn::valueName(q) + "/real");
  }
  mlir::Value conv(mlir::Value x, mlir::Value w, mlir::Value bias, const std::string& name) {
    return *builder.op("conv", {x, w, bias}, test::plainConvolution(builder), name);
  }
  mlir::Value constant(const std::vector<int64_t>& values, const std::vector<int64_t>& shape, const Scale& s,
                       const std::string& name) {
    return dequantize(integers(values, shape, s.dtype, name), s);
  }
  mlir::ModuleOp finish(mlir::Value output) {
    module = *builder.finish({output}, {"out"});
    return *module;
  }
};

inline Target cpu() { return *loadTarget("cpu"); }
inline Target tflite() { return *loadTarget("tflite"); }

// The only op of this name in the quantized graph, or null.
inline mlir::Operation* find(mlir::ModuleOp module, llvm::StringRef name) {
  mlir::Operation* found = nullptr;
  module.walk([&](mlir::Operation* op) {
    if (op->getName().getStringRef() == name) found = op;
  });
  return found;
}

struct Taken {
  AsIs asIs;
  QuantizedGraph graph;
};
inline Taken take(mlir::ModuleOp module, const Target& target = cpu()) {
  Taken t;
  auto asIs = takeAsIs(module, "h", target);
  EXPECT_TRUE(asIs.has_value()) << asIs.error().text();
  t.asIs = std::move(*asIs);
  auto graph = applyPlan(*t.asIs.module->getOps<nn::GraphOp>().begin(), t.asIs.plan, target, t.asIs.stored);
  EXPECT_TRUE(graph.has_value()) << graph.error().text();
  t.graph = std::move(*graph);
  return t;
}

} // namespace burin::quantize::as_is_test
