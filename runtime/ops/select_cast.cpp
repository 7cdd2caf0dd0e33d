// nn.select and nn.cast.
#include "runtime/math/half.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/integer_block.h"
#include "runtime/ops/iterate.h"

namespace burin::rt {

bool inferSelect(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 3, 3, error)) return false;
  const TensorType &condition = *signature.input(0), &a = *signature.input(1), &b = *signature.input(2);
  if (condition.dtype != DType::Bool)
    return reject(error, std::string("the condition has element type ") + dtypeName(condition.dtype) +
                             "; bool is needed");
  if (a.dtype != b.dtype)
    return reject(error, std::string("the choices have different element types, ") + dtypeName(a.dtype) +
                             " and " + dtypeName(b.dtype));
  Shape choices, shape;
  if (!broadcastShapes(a.shape, b.shape, choices, error) ||
      !broadcastShapes(condition.shape, choices, shape, error))
    return false;
  results = {{a.dtype, shape}};
  return true;
}

namespace {
class SelectKernel final : public Kernel {
public:
  explicit SelectKernel(const Node& node) : node_(node) {
    const Shape& shape = node.out().shape();
    int64_t steps[3][kMaxRank];
    for (int i = 0; i < 3; ++i) broadcastStrides(node.in(i), shape, steps[i]);
    walk_ = StridedWalk<4>(shape, {steps[0], steps[1], steps[2], node.out().stride});
    walk_.orderBy(3);
  }
  void run(Context& context) override {
    dispatchBytes(dtypeBytes(node_.out().dtype()), [&](auto zero) { select<decltype(zero)>(context); });
  }

private:
  template <class T>
  void select(Context& context) {
    const uint8_t* condition = node_.in(0).as<const uint8_t>();
    const T *a = node_.in(1).as<const T>(), *b = node_.in(2).as<const T>();
    T* y = node_.out().as<T>();
    context.pool.parallelFor(walk_.elements(), kElementwiseGrain, [&](int64_t begin, int64_t end, int) {
      walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
          const T fromA = a[offset[1] + i * walk_.step(1)], fromB = b[offset[2] + i * walk_.step(2)];
          y[offset[3] + i * walk_.step(3)] = condition[offset[0] + i * walk_.step(0)] ? fromA : fromB;
        }
      });
    });
  }

  const Node& node_;
  StridedWalk<4> walk_;
};
} // namespace

std::unique_ptr<Kernel> makeSelect(const Node& node, const KernelConfig&, std::string&) {
  return std::make_unique<SelectKernel>(node);
}

bool inferCast(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  DType to;
  const std::string& name = signature.attrs.text("to");
  if (!parseDType(name, to))
    return reject(error, "attribute 'to' names the unknown element type '" + name + "'");
  results = {{to, signature.input(0)->shape}};
  return true;
}

namespace {
constexpr int64_t kBlock = kIntegerBlock;

void loadFloats(DType dtype, const void* data, int64_t offset, int64_t step, int64_t count, float* out) {
  const float* wide = static_cast<const float*>(data) + offset;
  const uint16_t* narrow = static_cast<const uint16_t*>(data) + offset;
  if (dtype == DType::F32)
    for (int64_t i = 0; i < count; ++i) out[i] = wide[i * step];
  else if (dtype == DType::F16)
    for (int64_t i = 0; i < count; ++i) out[i] = math::halfToFloat(narrow[i * step]);
  else
    for (int64_t i = 0; i < count; ++i) out[i] = math::bfloat16ToFloat(narrow[i * step]);
}

void storeFloats(DType dtype, const float* in, int64_t count, void* data, int64_t offset, int64_t step) {
  float* wide = static_cast<float*>(data) + offset;
  uint16_t* narrow = static_cast<uint16_t*>(data) + offset;
  if (dtype == DType::F32)
    for (int64_t i = 0; i < count; ++i) wide[i * step] = in[i];
  else if (dtype == DType::F16)
    for (int64_t i = 0; i < count; ++i) narrow[i * step] = math::floatToHalf(in[i]);
  else
    for (int64_t i = 0; i < count; ++i) narrow[i * step] = math::floatToBfloat16(in[i]);
}

// Floats and integers meet in f32 and int64: every conversion is one step into, and one out of, these.
class CastKernel final : public Kernel {
public:
  explicit CastKernel(const Node& node)
      : node_(node), from_(node.in(0).dtype()), to_(node.out().dtype()), range_(integerRange(to_)),
        walk_(node.in(0).shape(), {node.in(0).stride, node.out().stride}) {
    walk_.orderBy(1);
  }
  void run(Context& context) override {
    context.pool.parallelFor(walk_.elements(), kElementwiseGrain, [&](int64_t begin, int64_t end, int) {
      walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
        for (int64_t done = 0; done < count; done += kBlock)
          block(offset[0] + done * walk_.step(0), offset[1] + done * walk_.step(1),
                count - done < kBlock ? count - done : kBlock);
      });
    });
  }

private:
  void block(int64_t fromX, int64_t toY, int64_t count) const {
    float floats[kBlock];
    int64_t integers[kBlock];
    if (isFloat(from_))
      loadFloats(from_, node_.in(0).data, fromX, walk_.step(0), count, floats);
    else
      loadIntegers(from_, node_.in(0).data, fromX, walk_.step(0), count, integers);
    if (isFloat(from_) && !isFloat(to_)) {
      if (to_ == DType::Bool)
        for (int64_t i = 0; i < count; ++i) integers[i] = floats[i] != 0.0f;
      else
        for (int64_t i = 0; i < count; ++i) integers[i] = saturateToInteger(floats[i], range_);
    } else if (!isFloat(from_) && isFloat(to_)) {
      for (int64_t i = 0; i < count; ++i)
        floats[i] = from_ == DType::U64 ? static_cast<float>(static_cast<uint64_t>(integers[i]))
                                        : static_cast<float>(integers[i]);
    }
    if (isFloat(to_))
      storeFloats(to_, floats, count, node_.out().data, toY, walk_.step(1));
    else
      storeIntegers(to_, integers, count, node_.out().data, toY, walk_.step(1));
  }

  const Node& node_;
  DType from_, to_;
  IntegerRange range_; // of `to`
  StridedWalk<2> walk_;
};
} // namespace

std::unique_ptr<Kernel> makeCast(const Node& node, const KernelConfig&, std::string&) {
  return std::make_unique<CastKernel>(node);
}

} // namespace burin::rt
