// Builds the quantized graph value by value: where a tensor exists as integers, as float, or both.
#pragma once

#include "lib/qnn/qnn.h"
#include "lib/quantize/scales.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringSet.h"

namespace burin::quantize {

class Emitter {
public:
  Emitter(nn::GraphOp source, const ScaleAssignment& scales, const Target& target);

  // The new value of an old one. integer() quantizes, real() dequantizes on first demand.
  mlir::Value integer(mlir::Value old);
  mlir::Value real(mlir::Value old);
  // An operand that is no float activation (indices, none, constants).
  mlir::Value plain(mlir::Value old);

  void setInteger(mlir::Value old, mlir::Value made) { integer_[old] = made; }
  void setReal(mlir::Value old, mlir::Value made) { real_[old] = made; }

  const Integers& scaleOf(mlir::Value old) const { return scales_.of(old); }
  bool hasScale(mlir::Value old) const { return scales_.has(old); }
  mlir::Type integerType(mlir::Value old) const; // tensor of !quant.uniform

  // A new op of the given type name; `like` gives source names.
  mlir::Operation* create(llvm::StringRef type, llvm::ArrayRef<mlir::Value> operands, mlir::Type result,
                          mlir::NamedAttrList attributes, const std::string& name, const std::string& node);
  // The same for several results.
  mlir::Operation* createAll(llvm::StringRef type, llvm::ArrayRef<mlir::Value> operands,
                             llvm::ArrayRef<mlir::Type> results, mlir::NamedAttrList attributes,
                             llvm::ArrayRef<std::string> names, const std::string& node);
  // The source name for an integer result: the tensor's own, or with a suffix when the output's float takes
  // it.
  std::string integerName(mlir::Value old) const;

  mlir::Value constantI8(llvm::ArrayRef<int8_t> values, llvm::ArrayRef<int64_t> shape, mlir::Type element,
                         const std::string& name);
  mlir::Value constantI32(llvm::ArrayRef<int32_t> values);
  mlir::Value constantI64(llvm::ArrayRef<int64_t> values);
  mlir::Value constantF32(llvm::ArrayRef<float> values);
  mlir::Value constantRaw(llvm::ArrayRef<char> bytes, llvm::ArrayRef<int64_t> shape, mlir::Type element,
                          const std::string& name);
  mlir::Value none();
  mlir::OpBuilder& builder() { return builder_; }
  mlir::OwningOpRef<mlir::ModuleOp> take() { return std::move(module_); }

  static mlir::Type quantType(mlir::MLIRContext* context, const Integers& integers);

private:
  std::string castName(const std::string& name, const char* suffix); // that no tensor of the source has

  llvm::StringSet<> names_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  mlir::OpBuilder builder_;
  const ScaleAssignment& scales_;
  const Target& target_;
  llvm::DenseMap<mlir::Value, mlir::Value> integer_, real_, plain_;
};

} // namespace burin::quantize
