// nn.cumsum: one chain of additions along the axis, in order (from the end when reverse).
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/integer_block.h"
#include "runtime/ops/iterate.h"
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
      : node_(node), exclusive_(node.attrs.integer("exclusive") != 0),
        reverse_(node.attrs.integer("reverse") != 0) {
    const int axis = static_cast<int>(node.attrs.integer("axis"));
    Shape kept = node.in(0).shape();
    length_ = kept[axis];
    kept[axis] = 1;
    stepX_ = node.in(0).stride[axis];
    stepY_ = node.out().stride[axis];
    walk_ = StridedWalk<2>(kept, {node.in(0).stride, node.out().stride});
  }
  void run(Context& context) override {
    if (length_ == 0) return;
    const int64_t grain = length_ >= kElementwiseGrain ? 1 : kElementwiseGrain / length_;
    context.pool.parallelFor(walk_.elements(), grain, [&](int64_t begin, int64_t end, int) {
      walk_.forEach(begin, end, [&](const int64_t* offset) {
        if (node_.in(0).dtype() == DType::F32)
          scanFloats(offset[0], offset[1]);
        else
          scanIntegers(offset[0], offset[1]);
      });
    });
  }

private:
  int64_t place(int64_t i) const { return reverse_ ? length_ - 1 - i : i; }
  void scanFloats(int64_t fromX, int64_t toY) const {
    const float* x = node_.in(0).as<const float>() + fromX;
    float* y = node_.out().as<float>() + toY;
    float sum = 0.0f;
    for (int64_t i = 0; i < length_; ++i) {
      const float before = sum;
      sum += x[place(i) * stepX_];
      y[place(i) * stepY_] = exclusive_ ? before : sum;
    }
  }
  void scanIntegers(int64_t fromX, int64_t toY) const {
    const DType dtype = node_.in(0).dtype();
    int64_t sum = 0;
    for (int64_t i = 0; i < length_; ++i) {
      const int64_t before = sum;
      int64_t value;
      loadIntegers(dtype, node_.in(0).data, fromX + place(i) * stepX_, 1, 1, &value);
      sum = wrapAdd(sum, value);
      storeIntegers(dtype, exclusive_ ? &before : &sum, 1, node_.out().data, toY + place(i) * stepY_, 1);
    }
  }

  const Node& node_;
  bool exclusive_, reverse_;
  int64_t length_ = 0, stepX_ = 0, stepY_ = 0;
  StridedWalk<2> walk_;
};
} // namespace

std::unique_ptr<Kernel> makeCumSum(const Node& node, const KernelConfig&, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  return std::make_unique<CumSum>(node);
}

} // namespace burin::rt
