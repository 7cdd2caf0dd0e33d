// Builds a small graph, prepares a copy, and checks what every rewrite promises: the same results, nothing
// left to do the second time, a unique name for every tensor.
#pragma once

#include "lib/compile/compile.h"
#include "lib/execute/executable.h"
#include "lib/prepare/prepare.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace burin {

// "conv", "unary:relu", "reduce:mean": the ops of a graph in order, without inputs, constants and outputs.
inline std::vector<std::string> kindsOf(mlir::ModuleOp module) {
  std::vector<std::string> kinds;
  for (auto graph : module.getOps<nn::GraphOp>())
    for (mlir::Operation& op : graph.getBody().front()) {
      if (mlir::isa<nn::InputOp, nn::OutputOp, nn::ConstantOp, nn::NoneOp>(op)) continue;
      auto fn = op.getAttrOfType<mlir::StringAttr>("fn");
      kinds.push_back(op.getName().stripDialect().str() + (fn ? ":" + fn.getValue().str() : ""));
    }
  return kinds;
}

inline std::vector<std::string> tensorNames(mlir::ModuleOp module) {
  std::vector<std::string> names;
  for (auto graph : module.getOps<nn::GraphOp>())
    for (mlir::Operation& op : graph.getBody().front())
      if (!mlir::isa<nn::InputOp, nn::OutputOp, nn::ConstantOp, nn::NoneOp>(op))
        for (mlir::Value v : op.getResults()) names.push_back(nn::valueName(v));
  return names;
}

inline std::string textOf(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, mlir::OpPrintingFlags().elideLargeResourceString(0));
  return text;
}

// Outputs of the program compiled from `module`.
inline std::vector<std::vector<float>> execute(mlir::ModuleOp module, const std::vector<Array>& inputs) {
  auto program = compile::compileModule(module, {});
  if (!program) return ADD_FAILURE() << program.error().text(), std::vector<std::vector<float>>();
  auto executable = Executable::fromProgram(*program);
  if (!executable) return ADD_FAILURE() << executable.error().text(), std::vector<std::vector<float>>();
  auto runner = Runner::create(*executable, {});
  if (!runner) return ADD_FAILURE() << runner.error().text(), std::vector<std::vector<float>>();
  if (auto status = (*runner)->run(inputs); !status) ADD_FAILURE() << status.error().text();
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < (*runner)->outputCount(); ++i)
    outputs.push_back(realValues((*runner)->outputTensor(i)));
  return outputs;
}

inline std::vector<Array> randomInputs(mlir::ModuleOp module, float lo = -2, float hi = 2) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(lo, hi);
  std::vector<Array> inputs;
  for (auto graph : module.getOps<nn::GraphOp>())
    for (auto input : graph.getOps<nn::InputOp>()) {
      auto shape = mlir::cast<mlir::RankedTensorType>(input.getY().getType()).getShape();
      Array array(ElementType::F32, Dims(shape.begin(), shape.end()));
      for (float& v : array.as<float>()) v = uniform(random);
      inputs.push_back(std::move(array));
    }
  return inputs;
}

// |a - b| <= relative * the largest |a|, for every element.
inline void expectClose(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b,
                        double relative = 1e-5) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t t = 0; t < a.size(); ++t) {
    ASSERT_EQ(a[t].size(), b[t].size()) << "output " << t;
    double range = 0, worst = 0;
    for (size_t i = 0; i < a[t].size(); ++i) {
      range = std::max(range, std::abs(static_cast<double>(a[t][i])));
      worst = std::max(worst, std::abs(static_cast<double>(a[t][i]) - b[t][i]));
    }
    EXPECT_LE(worst, relative * range + 1e-30) << "output " << t;
  }
}

// A prepared copy of `module`, with the checks that hold for every graph.
inline mlir::OwningOpRef<mlir::ModuleOp>
prepareChecked(mlir::ModuleOp module, const std::vector<Array>& inputs, double relative = 1e-5) {
  mlir::OwningOpRef<mlir::ModuleOp> prepared(module.clone());
  if (auto status = prepare(*prepared); !status) ADD_FAILURE() << status.error().text();
  expectClose(execute(module, inputs), execute(*prepared, inputs), relative);

  std::set<std::string> unique;
  for (const std::string& name : tensorNames(*prepared)) {
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(unique.insert(name).second) << name;
  }
  std::string once = textOf(*prepared);
  if (auto status = prepare(*prepared); !status) ADD_FAILURE() << status.error().text();
  EXPECT_EQ(once, textOf(*prepared)) << "a second run changes something";
  return prepared;
}

class PrepareTest : public ::testing::Test {
protected:
  PrepareTest() : context_(nn::makeContext()), builder_(std::make_unique<nn::GraphBuilder>(context_.get())) {}

  mlir::Value input(std::initializer_list<int64_t> shape) {
    return builder_->input("input" + std::to_string(inputs_++), {rt::DType::F32, rt::Shape(shape)});
  }
  // Random, the same in every run.
  mlir::Value weights(std::initializer_list<int64_t> shape, float lo = -1, float hi = 1,
                      const std::string& name = {}) {
    int64_t elements = 1;
    for (int64_t d : shape) elements *= d;
    std::uniform_real_distribution<float> uniform(lo, hi);
    std::vector<float> values(elements);
    for (float& v : values) v = uniform(random_);
    return builder_->constantFloats(values, shape, name);
  }
  mlir::Value scalar(float v) { return builder_->constantFloat(v); }
  nn::AttrList attrs() { return builder_->attrs(); }

  mlir::Value op(llvm::StringRef mnemonic, llvm::ArrayRef<mlir::Value> operands,
                 const nn::AttrList& attributes, const std::string& name = {}) {
    auto result = builder_->op(mnemonic, operands, attributes, name);
    if (!result) throw std::runtime_error(result.error().text());
    return *result;
  }
  mlir::Value unary(llvm::StringRef fn, mlir::Value x, const std::string& name = {}) {
    return op("unary", {x}, attrs().s("fn", fn), name);
  }
  mlir::Value clip(mlir::Value x, float lo, float hi, const std::string& name = {}) {
    return op("unary", {x}, attrs().s("fn", "clip").f("alpha", lo).f("beta", hi), name);
  }
  mlir::Value binary(llvm::StringRef fn, mlir::Value a, mlir::Value b, const std::string& name = {}) {
    return op("binary", {a, b}, attrs().s("fn", fn), name);
  }
  mlir::Value conv(mlir::Value x, mlir::Value w, mlir::Value bias, int64_t pad = 0,
                   const std::string& name = {}, int64_t groups = 1) {
    return op("conv", {x, w, bias ? bias : builder_->none()},
              attrs()
                  .ints("strides", {1, 1})
                  .ints("dilations", {1, 1})
                  .ints("pads", {pad, pad, pad, pad})
                  .i("groups", groups),
              name);
  }
  mlir::Value matmul(mlir::Value a, mlir::Value b, const std::string& name = {}) {
    return op("matmul", {a, b, builder_->none()}, attrs(), name);
  }
  mlir::Value batchNorm(mlir::Value x, int64_t channels, const std::string& name = {}) {
    return op(
        "batch_norm",
        {x, weights({channels}), weights({channels}), weights({channels}), weights({channels}, 0.5f, 2)},
        attrs().f("epsilon", 1e-5f), name);
  }
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> perm, const std::string& name = {}) {
    return op("transpose", {x}, attrs().ints("perm", perm), name);
  }
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<int64_t> shape, const std::string& name = {}) {
    return op("reshape", {x}, attrs().ints("shape", shape), name);
  }
  mlir::Value mean(mlir::Value x, llvm::ArrayRef<int64_t> axes, bool keepDims = true) {
    return op("reduce", {x}, attrs().s("fn", "mean").ints("axes", axes).b("keep_dims", keepDims));
  }

  // Ends the graph, prepares it, checks it, and returns the kinds of ops that are left.
  std::vector<std::string> prepared(llvm::ArrayRef<mlir::Value> outputs, double relative = 1e-5) {
    std::vector<std::string> names;
    for (size_t i = 0; i < outputs.size(); ++i) names.push_back("output" + std::to_string(i));
    auto module = builder_->finish(outputs, names);
    if (!module) throw std::runtime_error(module.error().text());
    original_ = std::move(*module);
    result_ = prepareChecked(*original_, randomInputs(*original_), relative);
    return kindsOf(*result_);
  }

  std::unique_ptr<mlir::MLIRContext> context_;
  std::unique_ptr<nn::GraphBuilder> builder_;
  mlir::OwningOpRef<mlir::ModuleOp> original_, result_;

private:
  std::mt19937 random_{1};
  int inputs_ = 0;
};

using Kinds = std::vector<std::string>;

} // namespace burin
