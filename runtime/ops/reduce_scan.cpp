// nn.cumsum: one chain of additions along the axis, in order (from the end when reverse).
#include "runtime/ops/axis_lines.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/integer_block.h"
#include "runtime/ops/reduce_ops.h"

namespace burin::rt {

bool inferCumSum(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  if (x.dtype == DType::Bool) return reject(error, "a running sum is not defined for elements of type bool");
  if (!checkAxis(signature, "axis", x.shape.rank, error)) return false;
  results = {x};
  return true;
}

namespace {
class CumSum final : public Kernel {
public:
  explicit CumSum(const Node& node)
      : node_(node), lines_(node), exclusive_(node.attrs.integer("exclusive") != 0),
        reverse_(node.attrs.integer("reverse") != 0) {}
  void run(Context& context) override {
    if (lines_.length == 0) return;
    context.pool.parallelFor(lines_.walk.elements(), lines_.grain(kElementwiseGrain),
                             [&](int64_t begin, int64_t end, int) {
                               lines_.walk.forEach(begin, end, [&](const int64_t* offset) {
                                 if (node_.in(0).dtype() == DType::F32)
                                   scanFloats(offset[0], offset[1]);
                                 else
                                   scanIntegers(offset[0], offset[1]);
                               });
                             });
  }

private:
  int64_t place(int64_t i) const { return reverse_ ? lines_.length - 1 - i : i; }
  void scanFloats(int64_t fromX, int64_t toY) const {
    const float* x = node_.in(0).as<const float>() + fromX;
    float* y = node_.out().as<float>() + toY;
    float sum = 0.0f;
    for (int64_t i = 0; i < lines_.length; ++i) {
      const float before = sum;
      sum += x[place(i) * lines_.stepX];
      y[place(i) * lines_.stepY] = exclusive_ ? before : sum;
    }
  }
  void scanIntegers(int64_t fromX, int64_t toY) const {
    const DType dtype = node_.in(0).dtype();
    int64_t sum = 0;
    for (int64_t i = 0; i < lines_.length; ++i) {
      const int64_t before = sum;
      int64_t value;
      loadIntegers(dtype, node_.in(0).data, fromX + place(i) * lines_.stepX, 1, 1, &value);
      sum = wrapAdd(sum, value);
      storeIntegers(dtype, exclusive_ ? &before : &sum, 1, node_.out().data, toY + place(i) * lines_.stepY,
                    1);
    }
  }

  const Node& node_;
  AxisLines lines_;
  bool exclusive_, reverse_;
};
} // namespace

std::unique_ptr<Kernel> makeCumSum(const Node& node, const KernelConfig&, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  return std::make_unique<CumSum>(node);
}

} // namespace burin::rt
