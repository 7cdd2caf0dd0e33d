#include "runtime/ops/matmul_reference.h"

#include "runtime/ops/conv_output.h"

namespace burin::rt {

namespace {

// Integers of shape arithmetic wrap around, so the unsigned type of the same width serves both signs.
template <class T>
std::unique_ptr<Kernel> makeWrapping(const Node& node, const MatMulLayout& layout) {
  return makeClosureKernel([&node, layout](Context& context) {
    const Tensor* bias = node.input(2);
    T* y = node.out().as<T>();
    multiplyMatrices<T, T, T>(
        context.pool, layout, node.in(0).as<const T>(), node.in(1).as<const T>(),
        [](T a, T b, int64_t, T sum) { return static_cast<T>(sum + a * b); },
        [bias](int64_t column) { return bias ? bias->as<const T>()[column * bias->stride[0]] : T{0}; },
        [y](T sum, int64_t, int64_t offset) { y[offset] = sum; });
  });
}

std::unique_ptr<Kernel> makeFloat(const Node& node, const MatMulLayout& layout) {
  const FloatClamp clamp(node.attrs);
  return makeClosureKernel([&node, layout, clamp](Context& context) {
    const Tensor* bias = node.input(2);
    float* y = node.out().as<float>();
    const FloatArithmetic arithmetic;
    multiplyMatrices<float, float, float>(
        context.pool, layout, node.in(0).as<const float>(), node.in(1).as<const float>(),
        [arithmetic](float a, float b, int64_t column, float sum) {
          return arithmetic.step(a, b, column, sum);
        },
        [bias](int64_t column) { return bias ? bias->as<const float>()[column * bias->stride[0]] : 0.0f; },
        [y, clamp](float sum, int64_t, int64_t offset) { y[offset] = clamp(sum); });
  });
}

} // namespace

bool matMulLayout(const Node& node, MatMulLayout& layout, std::string& error) {
  const Signature signature{node.attrs, {&node.in(0).type, &node.in(1).type}};
  if (!parseMatMul(signature, layout.geometry, error)) return false;
  const Tensor &a = node.in(0), &b = node.in(1);
  layout.left = leftStrides(layout.geometry, a, node.attrs.integer("trans_a") != 0);
  layout.right = rightStrides(layout.geometry, b, node.attrs.integer("trans_b") != 0);
  layout.result = resultStrides(layout.geometry, node.out(), a.shape().rank == 1, b.shape().rank == 1);
  return true;
}

std::unique_ptr<Kernel> makeMatMulReference(const Node& node, const MatMulLayout& layout,
                                            std::string& error) {
  switch (node.in(0).dtype()) {
  case DType::F32:
    return makeFloat(node, layout);
  case DType::I32:
  case DType::U32:
    return makeWrapping<uint32_t>(node, layout);
  case DType::I64:
  case DType::U64:
    return makeWrapping<uint64_t>(node, layout);
  default:
    error = std::string("no matrix product of ") + dtypeName(node.in(0).dtype());
    return nullptr;
  }
}

std::unique_ptr<Kernel> makeQMatMulReference(const Node& node, const MatMulLayout& layout,
                                             std::string& error) {
  const int64_t channels = layout.geometry.columns;
  std::vector<int32_t> zero;
  int32_t xZero = 0;
  IntegerOutput output;
  if (!activationZeroPoint(node.in(0), xZero, error) ||
      !weightZeroPoints(node.in(1), channels, zero, error) || !output.prepare(node, channels, error))
    return nullptr;
  std::unique_ptr<Kernel> kernel;
  dispatchIntegerArithmetic(node.in(0).dtype(), node.in(1).dtype(), [&](auto arithmetic) {
    using Arithmetic = decltype(arithmetic);
    using A = typename Arithmetic::X;
    using B = typename Arithmetic::W;
    arithmetic.xZero = xZero;
    kernel = makeClosureKernel([&node, layout, arithmetic, zero, output](Context& context) {
      Arithmetic bound = arithmetic;
      bound.wZero = zero.data();
      const Tensor* bias = node.input(2);
      void* y = node.out().data;
      multiplyMatrices<A, B, int64_t>(
          context.pool, layout, node.in(0).as<const A>(), node.in(1).as<const B>(),
          [bound](A a, B b, int64_t column, int64_t sum) { return bound.step(a, b, column, sum); },
          [bias](int64_t column) { return integerBias(bias, column); },
          [&output, y](int64_t sum, int64_t column, int64_t offset) {
            output.store(sum, column, y, offset);
          });
    });
  });
  if (!kernel)
    error = std::string("no integer matrix product of ") + dtypeName(node.in(0).dtype()) + " by " +
            dtypeName(node.in(1).dtype());
  return kernel;
}

} // namespace burin::rt
