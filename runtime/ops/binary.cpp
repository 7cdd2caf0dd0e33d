// nn.binary: two operands with numpy broadcasting, then clamped to lo/hi.
#include "runtime/kernels/vector_kernels.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/integer_binary.h"
#include "runtime/ops/iterate.h"

namespace burin::rt {

using math::BinaryFn;

namespace {
bool worksOn(BinaryFn fn, DType dtype) {
  switch (fn) {
  case BinaryFn::And:
  case BinaryFn::Or:
  case BinaryFn::Xor:
    return dtype == DType::Bool;
  case BinaryFn::BitAnd:
  case BinaryFn::BitOr:
  case BinaryFn::BitXor:
  case BinaryFn::ShiftLeft:
  case BinaryFn::ShiftRight:
    return isInteger(dtype);
  default:
    return isFloat(dtype) || isInteger(dtype) || math::isComparison(fn);
  }
}
} // namespace

bool inferBinary(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error)) return false;
  const TensorType &a = *signature.input(0), &b = *signature.input(1);
  const std::string& name = signature.attrs.text("fn");
  BinaryFn fn;
  if (!math::parseBinaryFn(name.c_str(), fn))
    return reject(error, "there is no binary function '" + name + "'");
  for (const TensorType* operand : {&a, &b})
    if (!worksOn(fn, operand->dtype))
      return reject(error, "function '" + name + "' is not defined for elements of type " +
                               dtypeName(operand->dtype));
  // pow alone may take an exponent of another type.
  if (a.dtype != b.dtype && fn != BinaryFn::Pow)
    return reject(error, std::string("the operands have different element types, ") + dtypeName(a.dtype) +
                             " and " + dtypeName(b.dtype));
  Shape shape;
  if (!broadcastShapes(a.shape, b.shape, shape, error)) return false;
  results = {{math::isComparison(fn) ? DType::Bool : a.dtype, shape}};
  return true;
}

namespace {
struct Steps {
  int64_t a, b, y;
};
using StridedRow = void (*)(const BinaryOperands& operands, const Steps& steps, float* y, int64_t count);
using CompareRow = void (*)(const float* a, const float* b, const Steps& steps, uint8_t* y, int64_t count);

template <class F>
void stridedRow(const BinaryOperands& operands, const Steps& steps, float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    y[i * steps.y] =
        math::clampTo(F::apply(operands.a[i * steps.a], operands.b[i * steps.b]), operands.lo, operands.hi);
}
template <class F>
void compareRow(const float* a, const float* b, const Steps& steps, uint8_t* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i * steps.y] = F::apply(a[i * steps.a], b[i * steps.b]);
}

const StridedRow kStridedRows[math::kFloatBinaryCount] = {
#define BURIN_ROW(Name, text, expression) stridedRow<math::Name##Function>,
    BURIN_VECTOR_BINARY(BURIN_ROW) BURIN_SCALAR_BINARY(BURIN_ROW)
#undef BURIN_ROW
};
const CompareRow kCompareRows[] = {
#define BURIN_ROW(Name, text, expression) compareRow<math::Name##Function>,
    BURIN_COMPARISON(BURIN_ROW)
#undef BURIN_ROW
};

class BinaryKernel : public Kernel {
public:
  BinaryKernel(const Node& node, BinaryFn fn) : node_(node), fn_(fn) {
    int64_t stepsA[kMaxRank], stepsB[kMaxRank];
    const Shape& shape = node.out().shape();
    broadcastStrides(node.in(0), shape, stepsA);
    broadcastStrides(node.in(1), shape, stepsB);
    walk_ = StridedWalk<3>(shape, {stepsA, stepsB, node.out().stride});
    walk_.orderBy(2);
    steps_ = {walk_.step(0), walk_.step(1), walk_.step(2)};
    lo_ = node.attrs.real("lo", -math::kInfinity);
    hi_ = node.attrs.real("hi", math::kInfinity);
  }
  void run(Context& context) override {
    context.pool.parallelFor(walk_.elements(), kElementwiseGrain, [&](int64_t begin, int64_t end, int) {
      walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) { row(offset, count); });
    });
  }

protected:
  virtual void row(const int64_t* offset, int64_t count) const = 0;

  const Node& node_;
  BinaryFn fn_;
  StridedWalk<3> walk_;
  Steps steps_{};
  float lo_ = 0, hi_ = 0;
};

// Rows shorter than this are worth tiling.
constexpr int64_t kShortRow = 256;
constexpr int64_t kTile = 1024;

class FloatBinary final : public BinaryKernel {
public:
  FloatBinary(const Node& node, BinaryFn fn, const VectorKernels* kernels) : BinaryKernel(node, fn) {
    const int index = static_cast<int>(fn);
    strided_ = kStridedRows[index];
    auto unitOrRepeated = [](int64_t step) { return step == 0 || step == 1; };
    if (!kernels || !unitOrRepeated(steps_.a) || !unitOrRepeated(steps_.b) || steps_.y != 1) return;
    if (index < math::kVectorBinaryCount) vector_ = kernels->binary[index];
    if (fn == BinaryFn::Pow && steps_.a == 1 && steps_.b == 0)
      square_ = kernels->binary[static_cast<int>(BinaryFn::Mul)];
    if (vector_ || square_) name_ = kernels->name;
    if (vector_) planTiles();
  }
  const char* name() const override { return name_; }

  void run(Context& context) override {
    if (repeated_ < 0) return BinaryKernel::run(context);
    const int64_t length = walk_.runLength();
    context.pool.parallelFor(
        tiled_.elements() / length, kElementwiseGrain / length, [&](int64_t begin, int64_t end, int) {
          tiled_.forRuns(begin * length, end * length,
                         [&](const int64_t* offset, int64_t count) { tiledRow(offset, count); });
        });
  }

private:
  // A short row of one operand that repeats along the next axis (3 or 16 channels, innermost): the row is
  // laid out several times side by side, so that the loops are long. tiled_ takes the two axes as one.
  void planTiles() {
    const int rank = walk_.rank();
    const int64_t length = walk_.runLength();
    if (rank < 2 || length > kShortRow || steps_.a != 1 || steps_.b != 1 ||
        walk_.stride(2, rank - 2) != length)
      return;
    for (int k = 0; k < 2; ++k)
      if (walk_.stride(k, rank - 2) == 0 && walk_.stride(1 - k, rank - 2) == length) repeated_ = k;
    if (repeated_ < 0) return;
    int64_t dim[kMaxWalkRank], stride[3][kMaxWalkRank];
    for (int axis = 0; axis < rank - 1; ++axis) {
      dim[axis] = walk_.dim(axis);
      for (int k = 0; k < 3; ++k) stride[k][axis] = walk_.stride(k, axis);
    }
    dim[rank - 2] *= length;
    for (int k = 0; k < 3; ++k) stride[k][rank - 2] = k == repeated_ ? 0 : 1;
    tiled_ = StridedWalk<3>(rank - 1, dim, {stride[0], stride[1], stride[2]});
  }

  // `count` is a multiple of the short row's length and starts at its first element.
  void tiledRow(const int64_t* offset, int64_t count) const {
    const int64_t length = walk_.runLength(), tile = kTile / length * length;
    const float* row = node_.in(repeated_).as<const float>() + offset[repeated_];
    const float* whole = node_.in(1 - repeated_).as<const float>() + offset[1 - repeated_];
    float* y = node_.out().as<float>() + offset[2];
    float repeated[kTile];
    for (int64_t i = 0; i < tile && i < count; ++i) repeated[i] = i < length ? row[i] : repeated[i - length];
    for (int64_t done = 0; done < count; done += tile) {
      const int64_t n = count - done < tile ? count - done : tile;
      const float* other = whole + done;
      vector_({repeated_ == 0 ? repeated : other, repeated_ == 0 ? other : repeated, 1, 1, lo_, hi_},
              y + done, n);
    }
  }

  void row(const int64_t* offset, int64_t count) const override {
    const float* a = node_.in(0).as<const float>() + offset[0];
    const float* b = node_.in(1).as<const float>() + offset[1];
    float* y = node_.out().as<float>() + offset[2];
    if (vector_) return vector_({a, b, steps_.a, steps_.b, lo_, hi_}, y, count);
    if (square_ && *b == 2.0f) return square_({a, a, 1, 1, lo_, hi_}, y, count);
    strided_({a, b, steps_.a, steps_.b, lo_, hi_}, steps_, y, count);
  }

  StridedRow strided_ = nullptr;
  BinaryRow vector_ = nullptr;
  BinaryRow square_ = nullptr; // for x^2
  int repeated_ = -1;          // the operand with a short repeating row
  StridedWalk<3> tiled_;
  const char* name_ = "reference";
};

class FloatComparison final : public BinaryKernel {
public:
  FloatComparison(const Node& node, BinaryFn fn)
      : BinaryKernel(node, fn), row_(kCompareRows[static_cast<int>(fn) - static_cast<int>(BinaryFn::Equal)]) {
  }

private:
  void row(const int64_t* offset, int64_t count) const override {
    row_(node_.in(0).as<const float>() + offset[0], node_.in(1).as<const float>() + offset[1], steps_,
         node_.out().as<uint8_t>() + offset[2], count);
  }

  CompareRow row_;
};

class IntegerBinary final : public BinaryKernel {
public:
  IntegerBinary(const Node& node, BinaryFn fn) : BinaryKernel(node, fn) {
    type_ = node.in(0).dtype();
    out_ = node.out().dtype();
    apply_ = integerBinaryFn(fn, type_);
    clamp_ = isInteger(out_) && (node.attrs.has("lo") || node.attrs.has("hi"));
    if (clamp_) {
      low_ = saturateToInteger(lo_, out_);
      high_ = saturateToInteger(hi_, out_);
    }
  }

private:
  void row(const int64_t* offset, int64_t count) const override {
    int64_t a[kIntegerBlock], b[kIntegerBlock];
    for (int64_t done = 0; done < count; done += kIntegerBlock) {
      const int64_t n = count - done < kIntegerBlock ? count - done : kIntegerBlock;
      loadIntegers(type_, node_.in(0).data, offset[0] + done * steps_.a, steps_.a, n, a);
      loadIntegers(node_.in(1).dtype(), node_.in(1).data, offset[1] + done * steps_.b, steps_.b, n, b);
      apply_(a, b, n, a);
      if (clamp_) clampIntegers(a, n, low_, high_, out_ == DType::U64);
      storeIntegers(out_, a, n, node_.out().data, offset[2] + done * steps_.y, steps_.y);
    }
  }

  DType type_, out_;
  IntegerBinaryFn apply_;
  bool clamp_;
  int64_t low_ = 0, high_ = 0;
};

// pow where exactly one operand is float: computed in float, an integer result truncates.
class MixedPower final : public BinaryKernel {
public:
  using BinaryKernel::BinaryKernel;

private:
  static float valueAt(const Tensor& t, int64_t offset) {
    if (t.dtype() == DType::F32) return t.as<const float>()[offset];
    int64_t value;
    loadIntegers(t.dtype(), t.data, offset, 1, 1, &value);
    return t.dtype() == DType::U64 ? static_cast<float>(static_cast<uint64_t>(value))
                                   : static_cast<float>(value);
  }
  void row(const int64_t* offset, int64_t count) const override {
    const DType out = node_.out().dtype();
    for (int64_t i = 0; i < count; ++i) {
      const float value = math::clampTo(math::power(valueAt(node_.in(0), offset[0] + i * steps_.a),
                                                    valueAt(node_.in(1), offset[1] + i * steps_.b)),
                                        lo_, hi_);
      const int64_t to = offset[2] + i * steps_.y;
      if (out == DType::F32) {
        node_.out().as<float>()[to] = value;
      } else {
        const int64_t integer = saturateToInteger(value, out);
        storeIntegers(out, &integer, 1, node_.out().data, to, 1);
      }
    }
  }
};
} // namespace

std::unique_ptr<Kernel> makeBinary(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  BinaryFn fn;
  if (!math::parseBinaryFn(node.attrs.text("fn").c_str(), fn)) {
    error = "there is no binary function '" + node.attrs.text("fn") + "'";
    return nullptr;
  }
  const bool floatA = node.in(0).dtype() == DType::F32, floatB = node.in(1).dtype() == DType::F32;
  if (floatA != floatB) return std::make_unique<MixedPower>(node, fn);
  if (!floatA) return std::make_unique<IntegerBinary>(node, fn);
  if (math::isComparison(fn)) return std::make_unique<FloatComparison>(node, fn);
  return std::make_unique<FloatBinary>(node, fn, vectorKernels(config.isa));
}

} // namespace burin::rt
