// Test support: an op, exported and read back by our own importer, must compute what it computed before. Both
// sides are folded from constants by the reference kernels. With BURIN_EXPORT_CASES=DIR every case is also
// saved as N_NAME.onnx with its inputs and results as N_NAME.npz, for another executor
// (tests/peer/op_check.mjs).
#pragma once

#include "lib/data/npz.h"
#include "lib/execute/executable.h"
#include "lib/export/export.h"
#include "lib/import/onnx/importer.h"
#include "lib/nn/module_io.h"
#include "lib/support/file.h"
#include "schema/onnx.pb.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>

namespace burin::onnx_export::test {

inline nn::GraphOp graphOf(mlir::ModuleOp module) { return *module.getOps<nn::GraphOp>().begin(); }

inline onnxpb::ModelProto parsed(const std::string& bytes) {
  onnxpb::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(bytes));
  return model;
}

// Values between low and high from a fixed sequence.
inline std::vector<float> someFloats(int64_t count, float low = -2, float high = 2) {
  std::vector<float> values(static_cast<size_t>(count));
  uint32_t state = 7;
  for (float& v : values) {
    state = state * 1664525u + 1013904223u;
    v = low + (high - low) * static_cast<float>(state >> 8) / 16777216.0f;
  }
  return values;
}

inline void saveCase(const std::string& name, const std::string& model, std::span<const NamedArray> arrays) {
  const char* folder = std::getenv("BURIN_EXPORT_CASES");
  if (!folder) return;
  static int number = 0;
  const std::string stem = std::string(folder) + "/" + std::to_string(++number) + "_" + name;
  ASSERT_TRUE(writeFile(stem + ".onnx", model));
  ASSERT_TRUE(saveNpz(stem + ".npz", arrays));
}

struct Operand {
  rt::TensorType type;
  std::vector<char> bytes;
  bool absent = false, constant = false;
};

template <class T>
Operand operandOf(rt::DType dtype, const rt::Shape& shape, const std::vector<T>& values) {
  Operand operand{{dtype, shape}, std::vector<char>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(operand.bytes.data(), values.data(), operand.bytes.size());
  return operand;
}

// One op with its operands: inputs of the exported graph, or constants of it.
class Case {
public:
  using Attributes = std::function<nn::AttrList(nn::AttrList)>;
  explicit Case(
      std::string mnemonic, Attributes attributes = [](const nn::AttrList& a) { return a; })
      : mnemonic_(std::move(mnemonic)), attributes_(std::move(attributes)) {}

  Case& in(const rt::Shape& shape, float low = -2, float high = 2) {
    operands_.push_back(operandOf(rt::DType::F32, shape, someFloats(shape.elements(), low, high)));
    return *this;
  }
  Case& values(const rt::Shape& shape, const std::vector<float>& floats) {
    operands_.push_back(operandOf(rt::DType::F32, shape, floats));
    return *this;
  }
  Case& ints(const rt::Shape& shape, const std::vector<int64_t>& integers) {
    operands_.push_back(operandOf(rt::DType::I64, shape, integers));
    return *this;
  }
  template <class T>
  Case& typed(rt::DType dtype, const rt::Shape& shape, const std::vector<T>& numbers) {
    operands_.push_back(operandOf(dtype, shape, numbers));
    return *this;
  }
  Case& none() {
    operands_.push_back({});
    operands_.back().absent = true;
    return *this;
  }
  Case& constant() { // the last operand
    operands_.back().constant = true;
    return *this;
  }

  // Executors read the standard differently here: the case is not saved for another one.
  Case& oursAlone() {
    saved_ = false;
    return *this;
  }

  Result<std::string> exported() const {
    auto context = nn::makeContext();
    BURIN_ASSIGN(auto module, build(*context, false));
    return exportOnnx(graphOf(*module));
  }

  // `tolerance` 0: the same bits.
  void roundTrip(double tolerance = 0) const {
    auto context = nn::makeContext(), readContext = nn::makeContext();
    auto before = build(*context, true);
    ASSERT_TRUE(before) << before.error().text();
    auto bytes = exported();
    ASSERT_TRUE(bytes) << bytes.error().text();
    ImportOptions options;
    options.keepQuantization = false;
    for (size_t i = 0; i < operands_.size(); ++i)
      if (!operands_[i].absent && !operands_[i].constant)
        options.boundInputs["x" + std::to_string(i)] = {operands_[i].type, operands_[i].bytes};
    auto after = importOnnxBytes({bytes->data(), bytes->size()}, {}, options, *readContext);
    ASSERT_TRUE(after) << mnemonic_ << ": " << after.error().text();
    auto *want = &graphOf(**before).getBody().front().back(),
         *got = &graphOf(*after->module).getBody().front().back();
    ASSERT_EQ(want->getNumOperands(), got->getNumOperands());
    for (unsigned i = 0; i < want->getNumOperands(); ++i)
      compare(want->getOperand(i), got->getOperand(i), tolerance);
    if (saved_) save(*bytes, *want);
  }

private:
  Result<mlir::OwningOpRef<mlir::ModuleOp>> build(mlir::MLIRContext& context, bool folded) const {
    nn::GraphBuilder builder(&context);
    std::vector<mlir::Value> values;
    for (size_t i = 0; i < operands_.size(); ++i) {
      const Operand& o = operands_[i];
      const std::string name = "x" + std::to_string(i);
      values.push_back(o.absent               ? builder.none()
                       : folded || o.constant ? builder.constant(o.type, o.bytes, name)
                                              : builder.input(name, o.type));
    }
    BURIN_ASSIGN(std::vector<mlir::Value> results,
                 builder.ops(mnemonic_, values, attributes_(builder.attrs()), {"y0", "y1", "y2"}, "node"));
    std::vector<std::string> names;
    for (size_t i = 0; i < results.size(); ++i) names.push_back("y" + std::to_string(i));
    return builder.finish(results, names);
  }

  void save(const std::string& bytes, mlir::Operation& results) const {
    std::vector<NamedArray> arrays;
    auto add = [&](const std::string& name, const rt::TensorType& type, llvm::ArrayRef<char> data) {
      if (type.dtype == rt::DType::BF16) return; // numpy has none
      Array array(elementTypeOf(type.dtype), {type.shape.dim, type.shape.dim + type.shape.rank});
      ASSERT_EQ(array.bytes.size(), data.size());
      std::copy(data.begin(), data.end(), array.bytes.begin());
      arrays.push_back({name, std::move(array)});
    };
    for (size_t i = 0; i < operands_.size(); ++i)
      if (!operands_[i].absent && !operands_[i].constant)
        add("x" + std::to_string(i), operands_[i].type, operands_[i].bytes);
    for (unsigned i = 0; i < results.getNumOperands(); ++i)
      add("y" + std::to_string(i), nn::typeOf(results.getOperand(i)),
          nn::constantBytes(results.getOperand(i)));
    saveCase(mnemonic_, bytes, arrays);
  }

  void compare(mlir::Value want, mlir::Value got, double tolerance) const {
    ASSERT_TRUE(nn::isConstant(want) && nn::isConstant(got)) << mnemonic_ << " was not folded";
    ASSERT_EQ(rt::toString(nn::typeOf(want).shape), rt::toString(nn::typeOf(got).shape)) << mnemonic_;
    ASSERT_EQ(nn::typeOf(want).dtype, nn::typeOf(got).dtype) << mnemonic_;
    if (!rt::isFloat(nn::typeOf(want).dtype)) {
      EXPECT_EQ(nn::constantInts(want), nn::constantInts(got)) << mnemonic_;
      return;
    }
    const std::vector<float> a = nn::constantFloats(want), b = nn::constantFloats(got);
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      if (std::isnan(a[i]) && std::isnan(b[i])) continue;
      if (a[i] == b[i]) continue;
      ASSERT_LE(std::abs(double{a[i]} - b[i]), tolerance * std::max(1.0, std::abs(double{a[i]})))
          << mnemonic_ << " at " << i << ": " << a[i] << " became " << b[i];
    }
  }

  std::string mnemonic_;
  Attributes attributes_;
  std::vector<Operand> operands_;
  bool saved_ = true;
};

} // namespace burin::onnx_export::test
