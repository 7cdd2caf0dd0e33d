// A graph's values as ONNX tensors: constants, stored integers, and the floats that those stand for.
#pragma once

#include "lib/export/export.h"
#include "lib/export/onnx_graph.h"

#include "llvm/ADT/DenseMap.h"

#include <map>

namespace burin::onnx_export {

// "x/quantized" and "x/quantize" are the integers of x.
std::string sourceName(std::string name);
rt::TensorType typeOf(mlir::Value v);

class TensorWriter {
public:
  TensorWriter(OnnxGraph& onnx, const ExportOptions& options) : onnx_(onnx), options_(options) {}

  // The tensor's name in the ONNX graph, once it has one.
  bool isNamed(mlir::Value v) const { return names_.count(v) != 0; }
  void setName(mlir::Value v, const std::string& name) { names_[v] = name; }
  // A result's: its own name, or `fallback`.
  std::string resultName(mlir::Value v, const std::string& fallback);

  // What a float op reads. `base`: a tensor with scales per channel is read with one scale, because weights
  // take up the rest.
  std::string operand(mlir::Value v, bool base = false);
  // A stored tensor's integers.
  std::string stored(mlir::Value v);
  // The same with the type that the source gives them.
  std::string sourceIntegers(mlir::Value v);
  // What the export adds to them, and their type: see storedDType.
  int64_t liftOf(mlir::Value v) const;
  rt::DType storedDType(mlir::Value v) const;
  // A new name for the integers of an op's result.
  std::string nameStored(mlir::Operation& op);

  // The stored tensor of an op: QuantizeLinear of `real`, and the clamp of the fused activation on integers,
  // where it adds to what saturation does already.
  void quantize(mlir::Operation& op, const std::string& real, bool base = false);
  void dequantize(mlir::Value v, bool base, const std::string& stored, const std::string& result);
  // A bias with these scales, and an op's weights.
  std::string dequantizedBias(mlir::Value bias, const std::vector<float>& scales);
  std::string dequantizedWeights(mlir::Operation& op, const std::vector<float>& scales);

private:
  void quantizeClipped(mlir::Value v, const std::string& real, std::pair<int64_t, int64_t> bounds,
                       const std::string& stored);
  std::string constant(mlir::Value v);
  std::string integerScalar(const std::string& name, rt::DType dtype, int64_t value);
  std::pair<std::string, std::string> quantization(mlir::Value v, bool base, const std::string& name);
  std::string dequantized(mlir::Value v, bool base);
  std::string dequantizedGroups(mlir::Value w, int64_t groups, const std::vector<float>& scales,
                                const std::vector<int64_t>& zeros);
  // Scales and zero points, one or one per index of `axis`; no zero points are zeros.
  struct ConstantScales {
    std::vector<float> scales;
    std::vector<int64_t> zeros;
    int64_t axis;
    rt::DType dtype;
  };
  std::string dequantizeConstant(const std::string& stored, const ConstantScales& q);

  OnnxGraph& onnx_;
  ExportOptions options_;
  llvm::DenseMap<mlir::Value, std::string> names_, reals_, baseReals_;
  std::map<std::pair<void*, bool>, std::pair<std::string, std::string>> quantization_;
};

} // namespace burin::onnx_export
