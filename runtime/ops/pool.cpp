// nn.avg_pool, nn.lp_pool and the table of pooling ops. Sums run over the window in row-major order with
// plain additions, starting at 0.
#include "runtime/ops/pool_ops.h"

#include "runtime/kernels/data_kernels.h"

#include "runtime/math/double_math.h"
#include "runtime/ops/pool_rows.h"

#include <cmath>

namespace burin::rt {

bool inferMeanPool(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  Shape shape;
  if (!inferPoolShape(signature, shape, error)) return false;
  const DType dtype = signature.input(0)->dtype;
  if (!isFloat(dtype))
    return reject(error, std::string("the operand is ") + dtypeName(dtype) + "; a float is needed");
  if (signature.attrs.has("p") && !checkInts(signature, "p", 1, 1, 64, error)) return false;
  results = {{dtype, shape}};
  return true;
}

namespace {
bool checkFloat(const Node& node, std::string& error) {
  return node.in(0).dtype() == DType::F32 || reject(error, "16-bit floats need a cast to f32");
}

void runAvgPool(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &y = node.out();
  const PoolGeometry g = poolGeometry(node.attrs, x, y);
  const bool includePad = node.attrs.integer("count_include_pad") != 0;
  context.pool.parallelFor(y.type.shape.elements(), 256, [&](int64_t begin, int64_t end, int) {
    forPoolOutputs(g, begin, end, [&](int64_t placeX, int64_t placeY, const int64_t* position) {
      float sum = 0;
      forWindow(g, position, [&](int64_t offset) { sum += x.as<float>()[placeX + offset]; });
      const int64_t count = windowCount(g, position, includePad);
      y.as<float>()[placeY] = count ? sum / static_cast<float>(count) : 0.0f;
    });
  });
}

float powerOf(float magnitude, int64_t p) {
  float result = magnitude;
  for (int64_t i = 1; i < p; ++i) result *= magnitude;
  return result;
}

float rootOf(float sum, int64_t p) {
  if (p == 1) return sum;
  return p == 2 ? std::sqrt(sum) : math::power(sum, 1.0f / static_cast<float>(p));
}

void runLpPool(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &y = node.out();
  const PoolGeometry g = poolGeometry(node.attrs, x, y);
  const int64_t p = node.attrs.integer("p", 2);
  context.pool.parallelFor(y.type.shape.elements(), 256, [&](int64_t begin, int64_t end, int) {
    forPoolOutputs(g, begin, end, [&](int64_t placeX, int64_t placeY, const int64_t* position) {
      float sum = 0;
      forWindow(g, position,
                [&](int64_t offset) { sum += powerOf(std::fabs(x.as<float>()[placeX + offset]), p); });
      y.as<float>()[placeY] = rootOf(sum, p);
    });
  });
}
} // namespace

namespace {
class AvgPoolRows final : public Kernel {
public:
  AvgPoolRows(const Node& node, const PoolGeometry& geometry, const DataKernels& kernels)
      : node_(node), geometry_(geometry), kernels_(kernels) {}
  void run(Context& context) override {
    const bool includePad = node_.attrs.integer("count_include_pad") != 0;
    forPoolRows(geometry_, node_.in(0).as<float>(), node_.out().as<float>(), context.pool,
                [&](const float* const* taps, int64_t count, float* y, const int64_t* position) {
                  const int64_t divisor = windowCount(geometry_, position, includePad);
                  kernels_.meanF32(taps, count, divisor ? static_cast<float>(divisor) : 1.0f, y,
                                   geometry_.channels);
                });
  }
  const char* name() const override { return "mean-rows"; }

private:
  const Node& node_;
  PoolGeometry geometry_;
  const DataKernels& kernels_;
};
} // namespace

std::unique_ptr<Kernel> makeAvgPool(const Node& node, const KernelConfig& config, std::string& error) {
  if (!checkFloat(node, error)) return nullptr;
  const PoolGeometry geometry = poolGeometry(node.attrs, node.in(0), node.out());
  const DataKernels* kernels = dataKernels(config.isa);
  if (kernels && poolsRows(geometry)) return std::make_unique<AvgPoolRows>(node, geometry, *kernels);
  return makeFunctionKernel(node, runAvgPool);
}

std::unique_ptr<Kernel> makeLpPool(const Node& node, const KernelConfig&, std::string& error) {
  return checkFloat(node, error) ? makeFunctionKernel(node, runLpPool) : nullptr;
}

static const OpDef kOps[] = {
    {"nn.max_pool", inferMaxPool, makeMaxPool},
    {"nn.max_pool_index", inferMaxPoolIndex, makeMaxPoolIndex},
    {"nn.max_unpool", inferMaxUnpool, makeMaxUnpool},
    {"nn.avg_pool", inferMeanPool, makeAvgPool},
    {"nn.lp_pool", inferMeanPool, makeLpPool},
};
extern const OpTable kPoolOps;
const OpTable kPoolOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
