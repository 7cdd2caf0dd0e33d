#include "runtime/ops/conv_reference.h"

#include "runtime/ops/conv_output.h"

namespace burin::rt {

namespace {

template <class Arithmetic>
ConvOperands<Arithmetic> operandsOf(const Node& node, const ConvGeometry& geometry, Arithmetic arithmetic) {
  return {geometry,
          arithmetic,
          node.in(0).as<const typename Arithmetic::X>(),
          node.in(1).as<const typename Arithmetic::W>(),
          convStrides(node.in(0)),
          convStrides(node.in(1)),
          convStrides(node.out())};
}

template <class Arithmetic, class Start, class Finish>
void convolve(bool transposed, ThreadPool& pool, const ConvOperands<Arithmetic>& operands, const Start& start,
              const Finish& finish) {
  if (transposed)
    convolve<true>(pool, operands, start, finish);
  else
    convolve<false>(pool, operands, start, finish);
}

} // namespace

std::unique_ptr<Kernel> makeConvReference(const Node& node, const ConvGeometry& geometry, bool transposed,
                                          std::string&) {
  const FloatClamp clamp(node.attrs);
  return makeClosureKernel([&node, geometry, transposed, clamp](Context& context) {
    const Tensor* bias = node.input(2);
    float* y = node.out().as<float>();
    convolve(
        transposed, context.pool, operandsOf(node, geometry, FloatArithmetic{}),
        [bias](int64_t channel) { return bias ? bias->as<const float>()[channel * bias->stride[0]] : 0.0f; },
        [y, clamp](float sum, int64_t, int64_t offset) { y[offset] = clamp(sum); });
  });
}

std::unique_ptr<Kernel> makeQConvReference(const Node& node, const ConvGeometry& geometry, bool transposed,
                                           std::string& error) {
  std::vector<int32_t> zero;
  int32_t xZero = 0;
  IntegerOutput output;
  if (!activationZeroPoint(node.in(0), xZero, error) ||
      !weightZeroPoints(node.in(1), geometry.outputs, zero, error) ||
      !output.prepare(node, geometry.outputs, error))
    return nullptr;
  std::unique_ptr<Kernel> kernel;
  dispatchIntegerArithmetic(node.in(0).dtype(), node.in(1).dtype(), [&](auto arithmetic) {
    arithmetic.xZero = xZero;
    kernel = makeClosureKernel([&node, geometry, transposed, arithmetic, zero, output](Context& context) {
      auto bound = arithmetic;
      bound.wZero = zero.data();
      const Tensor* bias = node.input(2);
      void* y = node.out().data;
      convolve(
          transposed, context.pool, operandsOf(node, geometry, bound),
          [bias](int64_t channel) { return integerBias(bias, channel); },
          [&output, y](int64_t sum, int64_t channel, int64_t offset) {
            output.store(sum, channel, y, offset);
          });
    });
  });
  if (!kernel)
    error = std::string("no integer convolution of ") + dtypeName(node.in(0).dtype()) + " by " +
            dtypeName(node.in(1).dtype());
  return kernel;
}

} // namespace burin::rt
