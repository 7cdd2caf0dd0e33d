// nn.unary. Float functions come from runtime/math; integers are computed in 64 bits and wrapped.
#include "runtime/kernels/vector_kernels.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/integer_block.h"
#include "runtime/ops/iterate.h"

namespace burin::rt {

using math::UnaryFn;
using math::UnaryParams;

namespace {
bool worksOnIntegers(UnaryFn fn) {
  switch (fn) {
  case UnaryFn::Relu:
  case UnaryFn::Clip:
  case UnaryFn::Abs:
  case UnaryFn::Neg:
  case UnaryFn::Sign:
  case UnaryFn::Square:
  case UnaryFn::Identity:
  case UnaryFn::BitNot:
    return true;
  default:
    return false;
  }
}

bool worksOn(UnaryFn fn, DType dtype) {
  if (fn == UnaryFn::Identity) return true;
  if (fn == UnaryFn::Not) return dtype == DType::Bool;
  if (fn == UnaryFn::BitNot) return isInteger(dtype);
  return isFloat(dtype) || (isInteger(dtype) && worksOnIntegers(fn));
}

UnaryParams paramsOf(const Attrs& attrs, UnaryFn fn) {
  const UnaryParams defaults = math::defaultUnaryParams(fn);
  return {attrs.real("alpha", defaults.alpha), attrs.real("beta", defaults.beta)};
}
} // namespace

bool inferUnary(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  const std::string& name = signature.attrs.text("fn");
  UnaryFn fn;
  if (!math::parseUnaryFn(name.c_str(), fn))
    return reject(error, "there is no unary function '" + name + "'");
  if (!worksOn(fn, x.dtype))
    return reject(error, "function '" + name + "' is not defined for elements of type " + dtypeName(x.dtype));
  const bool predicate = fn == UnaryFn::IsNaN || fn == UnaryFn::IsInf;
  results = {{predicate ? DType::Bool : x.dtype, x.shape}};
  return true;
}

namespace {
// Row functions of the reference kernel: any steps.
using StridedRow = void (*)(const float* x, int64_t stepX, float* y, int64_t stepY, int64_t count,
                            UnaryParams params);

template <class F>
void stridedRow(const float* x, int64_t stepX, float* y, int64_t stepY, int64_t count, UnaryParams params) {
  for (int64_t i = 0; i < count; ++i) y[i * stepY] = F::apply(x[i * stepX], params);
}

const StridedRow kStridedRows[math::kFloatUnaryCount] = {
#define BURIN_ROW(Name, text, expression) stridedRow<math::Name##Function>,
    BURIN_VECTOR_UNARY(BURIN_ROW) BURIN_SCALAR_UNARY(BURIN_ROW)
#undef BURIN_ROW
};

class UnaryKernel : public Kernel {
public:
  UnaryKernel(const Node& node, UnaryFn fn)
      : node_(node), fn_(fn), params_(paramsOf(node.attrs, fn)),
        walk_(node.in(0).shape(), {node.in(0).stride, node.out().stride}) {
    walk_.orderBy(1);
  }
  void run(Context& context) override {
    context.pool.parallelFor(walk_.elements(), kElementwiseGrain, [&](int64_t begin, int64_t end, int) {
      walk_.forRuns(begin, end,
                    [&](const int64_t* offset, int64_t count) { row(offset[0], offset[1], count); });
    });
  }

protected:
  virtual void row(int64_t fromX, int64_t toY, int64_t count) const = 0;

  const Node& node_;
  UnaryFn fn_;
  UnaryParams params_;
  StridedWalk<2> walk_;
};

class FloatUnary final : public UnaryKernel {
public:
  FloatUnary(const Node& node, UnaryFn fn, const VectorKernels* kernels) : UnaryKernel(node, fn) {
    const int index = static_cast<int>(fn);
    strided_ = kStridedRows[index];
    const bool contiguous = walk_.step(0) == 1 && walk_.step(1) == 1;
    if (kernels && index < math::kVectorUnaryCount && contiguous) {
      vector_ = kernels->unary[index];
      name_ = kernels->name;
    }
  }
  const char* name() const override { return name_; }

private:
  void row(int64_t fromX, int64_t toY, int64_t count) const override {
    const float* x = node_.in(0).as<const float>() + fromX;
    float* y = node_.out().as<float>() + toY;
    if (vector_)
      vector_(x, y, count, params_);
    else
      strided_(x, walk_.step(0), y, walk_.step(1), count, params_);
  }

  StridedRow strided_ = nullptr;
  UnaryRow vector_ = nullptr;
  const char* name_ = "reference";
};

// is_nan and is_inf: float to bool.
class PredicateUnary final : public UnaryKernel {
public:
  using UnaryKernel::UnaryKernel;

private:
  void row(int64_t fromX, int64_t toY, int64_t count) const override {
    const float* x = node_.in(0).as<const float>() + fromX;
    uint8_t* y = node_.out().as<uint8_t>() + toY;
    const bool negative = params_.alpha != 0.0f, positive = params_.beta != 0.0f;
    for (int64_t i = 0; i < count; ++i) {
      const float value = x[i * walk_.step(0)];
      const bool infinite = (positive && value == math::kInfinity) || (negative && value == -math::kInfinity);
      y[i * walk_.step(1)] = fn_ == UnaryFn::IsNaN ? value != value : infinite;
    }
  }
};

class IntegerUnary final : public UnaryKernel {
public:
  IntegerUnary(const Node& node, UnaryFn fn) : UnaryKernel(node, fn), dtype_(node.in(0).dtype()) {
    unsignedWide_ = dtype_ == DType::U64;
    if (fn == UnaryFn::Clip) {
      lo_ = saturateToInteger(params_.alpha, dtype_);
      hi_ = saturateToInteger(params_.beta, dtype_);
    }
  }

private:
  bool below(int64_t a, int64_t b) const {
    return unsignedWide_ ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
  }
  int64_t apply(int64_t x) const {
    switch (fn_) {
    case UnaryFn::Relu:
      return below(x, 0) ? 0 : x;
    case UnaryFn::Clip: {
      const int64_t raised = below(x, lo_) ? lo_ : x;
      return below(hi_, raised) ? hi_ : raised;
    }
    case UnaryFn::Abs:
      return below(x, 0) ? wrapSub(0, x) : x;
    case UnaryFn::Neg:
      return wrapSub(0, x);
    case UnaryFn::Sign:
      return below(x, 0) ? -1 : x != 0;
    case UnaryFn::Square:
      return wrapMul(x, x);
    case UnaryFn::BitNot:
      return ~x;
    case UnaryFn::Not:
      return x == 0;
    default:
      return x;
    }
  }
  void row(int64_t fromX, int64_t toY, int64_t count) const override {
    int64_t block[kIntegerBlock];
    for (int64_t done = 0; done < count; done += kIntegerBlock) {
      const int64_t n = count - done < kIntegerBlock ? count - done : kIntegerBlock;
      loadIntegers(dtype_, node_.in(0).data, fromX + done * walk_.step(0), walk_.step(0), n, block);
      for (int64_t i = 0; i < n; ++i) block[i] = apply(block[i]);
      storeIntegers(dtype_, block, n, node_.out().data, toY + done * walk_.step(1), walk_.step(1));
    }
  }

  DType dtype_;
  bool unsignedWide_ = false;
  int64_t lo_ = 0, hi_ = 0;
};
} // namespace

std::unique_ptr<Kernel> makeUnary(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  UnaryFn fn;
  if (!math::parseUnaryFn(node.attrs.text("fn").c_str(), fn)) {
    error = "there is no unary function '" + node.attrs.text("fn") + "'";
    return nullptr;
  }
  if (node.in(0).dtype() != DType::F32) return std::make_unique<IntegerUnary>(node, fn);
  if (fn == UnaryFn::IsNaN || fn == UnaryFn::IsInf) return std::make_unique<PredicateUnary>(node, fn);
  return std::make_unique<FloatUnary>(node, fn, vectorKernels(config.isa));
}

} // namespace burin::rt
