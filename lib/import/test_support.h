// Test support of all formats: what an imported model looks like.
#pragma once

#include "lib/import/format.h"

#include <cmath>
#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace burin::test {

// An imported model with the context that owns it.
struct Imported {
  std::unique_ptr<mlir::MLIRContext> context;
  Result<ImportedModule> result;

  bool ok() const { return result.has_value(); }
  std::string error() const { return ok() ? std::string() : result.error().text(); }

  mlir::ModuleOp module() const { return result->module.get(); }

  mlir::Operation* outputOp() const {
    mlir::Operation* found = nullptr;
    module().walk([&](nn::OutputOp op) { found = op; });
    return found;
  }
  mlir::Value output(unsigned i = 0) const { return outputOp()->getOperand(i); }
  std::vector<float> floats(unsigned i = 0) const { return nn::constantFloats(output(i)); }
  std::vector<int64_t> ints(unsigned i = 0) const { return nn::constantInts(output(i)); }
  std::string shape(unsigned i = 0) const { return rt::toString(nn::typeOf(output(i)).shape); }
  std::string shapeList(unsigned i = 0) const { // "[1,3]", "[]" for a scalar
    rt::Shape dims = nn::typeOf(output(i)).shape;
    std::string text;
    for (int k = 0; k < dims.rank; ++k) text += (k ? "," : "") + std::to_string(dims[k]);
    return "[" + text + "]";
  }
  std::vector<double> numbers(unsigned i = 0) const { // of any element type
    if (!rt::isFloat(nn::typeOf(output(i)).dtype)) {
      std::vector<int64_t> values = ints(i);
      return {values.begin(), values.end()};
    }
    std::vector<float> values = floats(i);
    return {values.begin(), values.end()};
  }
  // Ops "nn.<mnemonic>" in order, constants and structure left out.
  std::vector<std::string> ops() const {
    std::vector<std::string> list;
    module().walk([&](mlir::Operation* op) {
      if (!mlir::isa<mlir::ModuleOp, nn::GraphOp, nn::OutputOp, nn::InputOp, nn::ConstantOp, nn::NoneOp>(op))
        list.push_back(op->getName().stripDialect().str());
    });
    return list;
  }
  mlir::Operation* find(const std::string& mnemonic) const {
    mlir::Operation* found = nullptr;
    module().walk([&](mlir::Operation* op) {
      if (op->getName().stripDialect() == mnemonic && !found) found = op;
    });
    return found;
  }
  std::vector<int64_t> intsOf(const std::string& mnemonic, const std::string& name) const {
    auto list = find(mnemonic)->getAttrOfType<mlir::DenseI64ArrayAttr>(name);
    return list ? list.asArrayRef().vec() : std::vector<int64_t>();
  }
};

inline BoundTensor boundFloats(const std::vector<int64_t>& dims, const std::vector<float>& values) {
  BoundTensor tensor;
  for (int64_t d : dims) tensor.type.shape.push(d);
  const char* bytes = reinterpret_cast<const char*>(values.data());
  tensor.bytes.assign(bytes, bytes + values.size() * sizeof(float));
  return tensor;
}

// 0, 1, 2, ...
inline std::vector<float> counting(size_t n) {
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i);
  return values;
}

// What an import came to, all inputs bound: values near these, or the error is shown.
inline void expectNear(const Imported& m, const std::vector<float>& expected, float tolerance = 1e-5f,
                       unsigned output = 0) {
  ASSERT_TRUE(m.ok()) << m.error();
  std::vector<float> values = m.floats(output);
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], tolerance) << "at " << i;
}

// A node has to give this shape, written "[1,3]", and these values.
inline void expectValues(const Imported& m, const std::string& shape, const std::vector<double>& expected,
                         unsigned output = 0, double tolerance = 1e-5) {
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shapeList(output), shape);
  std::vector<double> values = m.numbers(output);
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values[i], expected[i], tolerance * std::max(1.0, std::abs(expected[i]))) << "at " << i;
}

// The bytes of a number behind others, as binary formats store it.
template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Operators that a test has built.
inline std::set<std::string>& tested() {
  static std::set<std::string> types;
  return types;
}
// A fixture is claimed for every operator that no model shows: after all tests, none may be missing.
class EveryOperatorIsTested : public ::testing::Environment {
public:
  explicit EveryOperatorIsTested(std::vector<SupportedOperator> (*operators)()) : operators_(operators) {}
  void TearDown() override {
    if (::testing::GTEST_FLAG(filter) != "*") return;
    for (const SupportedOperator& op : operators_())
      EXPECT_TRUE(tested().contains(op.name)) << op.name << " has no test";
  }

private:
  std::vector<SupportedOperator> (*operators_)();
};

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace burin::test
