// nn.matmul and qnn.matmul: shape rules and the choice of a kernel.
#include "runtime/ops/conv_output.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/matmul_fast.h"
#include "runtime/ops/wide_layer.h"

namespace burin::rt {

namespace {

bool hasMatMul(DType dtype) {
  return isFloat(dtype) || dtype == DType::I32 || dtype == DType::U32 || dtype == DType::I64 ||
         dtype == DType::U64;
}

bool inferMatMul(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  MatMulGeometry geometry;
  if (!checkInputs(signature, 2, 3, error) || !parseMatMul(signature, geometry, error)) return false;
  const DType dtype = signature.input(0)->dtype;
  const TensorType* bias = signature.input(2);
  if (!hasMatMul(dtype))
    return reject(error, std::string("no matrix product of element type ") + dtypeName(dtype));
  if (signature.input(1)->dtype != dtype || (bias && bias->dtype != dtype))
    return reject(error, "the operands differ in element type");
  if (bias && (bias->shape.rank != 1 || bias->shape[0] != geometry.columns))
    return reject(error, "the bias has shape " + toString(bias->shape) + ", expected " +
                             std::to_string(geometry.columns) + " values");
  results = {{dtype, geometry.result}};
  return true;
}

bool inferQMatMul(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  MatMulGeometry geometry;
  if (!checkInputs(signature, 2, 5, error) || !parseMatMul(signature, geometry, error)) return false;
  for (int i : {0, 1}) {
    const DType dtype = signature.input(i)->dtype;
    if (dtype != DType::I8 && dtype != DType::U8 && dtype != DType::I16)
      return reject(error, std::string("operand ") + std::to_string(i) + " has element type " +
                               dtypeName(dtype) + ", expected i8, u8 or i16");
  }
  DType result;
  if (!inferIntegerOutput(signature, geometry.columns, result, error)) return false;
  results = {{result, geometry.result}};
  return true;
}

std::unique_ptr<Kernel> makeMatMul(const Node& node, const KernelConfig& config, std::string& error) {
  MatMulLayout layout;
  if (!matMulLayout(node, layout, error)) return nullptr;
  if (config.isa != Isa::Reference)
    if (auto kernel = makeMatMulFast(node, layout, config)) return kernel;
  return makeMatMulReference(node, layout, error);
}

std::unique_ptr<Kernel> makeQMatMul(const Node& node, const KernelConfig& config, std::string& error) {
  MatMulLayout layout;
  if (!matMulLayout(node, layout, error)) return nullptr;
  const bool hasColumns = node.in(1).shape().rank > 1;
  const int axis = hasColumns ? node.out().shape().rank - 1 : -1;
  if (auto kernel = makeWideLayer(node, layout.geometry.depth, axis, config, makeQMatMul)) return kernel;
  if (config.isa != Isa::Reference)
    if (auto kernel = makeQMatMulFast(node, layout, config, error)) return kernel;
  return makeQMatMulReference(node, layout, error);
}

const OpDef kOps[] = {
    {"nn.matmul", inferMatMul, makeMatMul},
    {"qnn.matmul", inferQMatMul, makeQMatMul},
};

} // namespace

extern const OpTable kMatMulOps;
const OpTable kMatMulOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
