// nn.svdf and qnn.svdf [SVDF-TFLITE]: every filter remembers its last M features, a unit adds up what `rank`
// filters make of theirs. Operands x [B, I], feature weights [F, I], time weights [F, M], bias [F / rank] or
// none, state [B, F, M]; results [B, F / rank] and the next state.
#include "runtime/numerics/requant.h"
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/integer_rows.h"
#include "runtime/ops/quantize_ops.h"

#include <cmath>
#include <type_traits>

namespace burin::rt {

namespace {
enum Operand { kX, kFeature, kTime, kBias, kState };

struct SvdfSizes {
  int64_t batch = 0, features = 0, filters = 0, memory = 0, rank = 1;
  int64_t units() const { return filters / rank; }
};

bool checkOperand(const Signature& signature, int i, const char* name, const Shape& shape, DType dtype,
                  std::string& error) {
  const TensorType* type = signature.input(i);
  if (!type || (type->shape == shape && type->dtype == dtype)) return true;
  return reject(error, std::string(name) + " is " + dtypeName(type->dtype) + ' ' + toString(type->shape) +
                           "; " + dtypeName(dtype) + ' ' + toString(shape) + " is needed");
}

// `state` is the element type of the time weights too.
bool inferTyped(const Signature& signature, DType bias, DType state, std::vector<TensorType>& results,
                std::string& error) {
  const TensorType &x = *signature.input(kX), &time = *signature.input(kTime);
  if (x.shape.rank != 2 || time.shape.rank != 2)
    return reject(error, "x and the time weights are no matrices");
  if (!checkInts(signature, "rank", 1, 1, kMaxElements, error)) return false;
  SvdfSizes s{x.shape[0], x.shape[1], time.shape[0], time.shape[1], signature.attrs.integer("rank")};
  if (s.memory < 1 || s.filters % s.rank)
    return reject(error, "time weights of shape " + toString(time.shape) + " do not go with the rank");
  if (!checkOperand(signature, kFeature, "feature weights", {s.filters, s.features}, x.dtype, error) ||
      !checkOperand(signature, kTime, "time weights", time.shape, state, error) ||
      !checkOperand(signature, kBias, "bias", {s.units()}, bias, error) ||
      !checkOperand(signature, kState, "state", {s.batch, s.filters, s.memory}, state, error))
    return false;
  results = {{x.dtype, {s.batch, s.units()}}, {state, {s.batch, s.filters, s.memory}}};
  return true;
}

bool hasOperands(const Signature& signature, std::string& error) {
  if (!checkInputs(signature, 3, 5, error)) return false;
  return signature.input(kState) || reject(error, "the state is missing");
}

bool inferSvdf(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!hasOperands(signature, error)) return false;
  const DType dtype = signature.input(kX)->dtype;
  if (!isFloat(dtype)) return reject(error, std::string("x is ") + dtypeName(dtype) + "; a float is needed");
  return inferTyped(signature, dtype, dtype, results, error);
}

bool inferQSvdf(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!hasOperands(signature, error)) return false;
  const DType dtype = signature.input(kX)->dtype, state = signature.input(kState)->dtype;
  if (dtype != DType::I8) return reject(error, std::string("x is ") + dtypeName(dtype) + "; i8 is needed");
  if (state != DType::I8 && state != DType::I16)
    return reject(error, std::string("the state is ") + dtypeName(state) + "; i8 or i16 is needed");
  return checkInts(signature, "multiplier", 2, 0, INT32_MAX, error) &&
         checkInts(signature, "shift", 2, -30, 31, error) &&
         inferTyped(signature, DType::I32, state, results, error);
}

// A chain of fused steps from the bias on [F-DOT].
struct FloatSums {
  using X = float;
  using State = float;
  using Sum = float;
  explicit FloatSums(const Node&) {}
  static float addFeature(float sum, float x, float w) { return std::fma(x, w, sum); }
  static float addTime(float sum, float state, float w) { return std::fma(state, w, sum); }
  static float feature(float sum) { return sum; }
  static float result(float sum) { return sum; }
};

// Sums of 32 bits that wrap.
template <class T>
struct IntegerSums {
  using X = int8_t;
  using State = T;
  using Sum = uint32_t;
  explicit IntegerSums(const Node& node)
      : zeroX(node.in(kX).zeroPoint()), zeroState(node.in(kState).zeroPoint()), zeroY(node.out().zeroPoint()),
        range(storedRange(node.in(kState).dtype())) {
    for (size_t i = 0; i < 2; ++i) {
      requant[i].policy = RequantPolicy::Tflite;
      requant[i].multiplier = static_cast<int32_t>(node.attrs.ints("multiplier")[i]);
      requant[i].shift = static_cast<int32_t>(node.attrs.ints("shift")[i]);
    }
  }
  uint32_t addFeature(uint32_t sum, int8_t x, int8_t w) const {
    return sum + static_cast<uint32_t>((x - zeroX) * w);
  }
  uint32_t addTime(uint32_t sum, T state, T w) const {
    return sum + static_cast<uint32_t>(state - zeroState) * static_cast<uint32_t>(w);
  }
  T feature(uint32_t sum) const {
    return static_cast<T>(apply<RequantPolicy::Tflite>(static_cast<int32_t>(sum), requant[0], zeroState,
                                                       range.low, range.high));
  }
  int8_t result(uint32_t sum) const {
    return static_cast<int8_t>(
        apply<RequantPolicy::Tflite>(static_cast<int32_t>(sum), requant[1], zeroY, -128, 127));
  }

  int32_t zeroX, zeroState, zeroY;
  StoredRange range;
  Requant requant[2]; // of features, of units
};

template <class Sums>
class Svdf final : public Kernel {
  using X = typename Sums::X;
  using State = typename Sums::State;
  using Sum = typename Sums::Sum;

public:
  explicit Svdf(const Node& node) : node_(node), sums_(node) {
    const Shape &x = node.in(kX).shape(), &time = node.in(kTime).shape();
    s_ = {x[0], x[1], time[0], time[1], node.attrs.integer("rank")};
  }

  void run(Context& context) override {
    const int64_t units = s_.units();
    if (s_.batch * units == 0) return;
    const int64_t work = s_.rank * (s_.features + s_.memory), grain = 1 + 4096 / (work + 1);
    context.pool.parallelFor(s_.batch * units, grain, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) unit(i / units, i % units);
    });
  }

private:
  void unit(int64_t batch, int64_t u) const {
    const Tensor *bias = node_.input(kBias), &y = node_.out();
    Sum sum = bias ? static_cast<Sum>(at<BiasType>(*bias, u)) : Sum{};
    for (int64_t i = 0; i < s_.rank; ++i) sum = addFilter(sum, batch, u * s_.rank + i);
    y.as<X>()[batch * y.stride[0] + u * y.stride[1]] = sums_.result(sum);
  }

  // The state moves on by one step.
  Sum addFilter(Sum sum, int64_t batch, int64_t filter) const {
    const Tensor &state = node_.in(kState), &next = node_.out(1), &time = node_.in(kTime);
    const State* from = state.as<const State>() + batch * state.stride[0] + filter * state.stride[1];
    const State* weight = time.as<const State>() + filter * time.stride[0];
    State* to = next.as<State>() + batch * next.stride[0] + filter * next.stride[1];
    for (int64_t m = 0; m < s_.memory; ++m) {
      const State value = m + 1 < s_.memory ? from[(m + 1) * state.stride[2]] : feature(batch, filter);
      to[m * next.stride[2]] = value;
      sum = sums_.addTime(sum, value, weight[m * time.stride[1]]);
    }
    return sum;
  }

  State feature(int64_t batch, int64_t filter) const {
    const Tensor &x = node_.in(kX), &w = node_.in(kFeature);
    const X *from = x.as<const X>() + batch * x.stride[0], *weight = w.as<const X>() + filter * w.stride[0];
    Sum sum{};
    for (int64_t i = 0; i < s_.features; ++i)
      sum = sums_.addFeature(sum, from[i * x.stride[1]], weight[i * w.stride[1]]);
    return sums_.feature(sum);
  }

  using BiasType = std::conditional_t<std::is_same<Sum, float>::value, float, int32_t>;
  template <class T>
  static T at(const Tensor& vector, int64_t i) {
    return vector.as<const T>()[i * vector.stride[0]];
  }

  const Node& node_;
  Sums sums_;
  SvdfSizes s_;
};

std::unique_ptr<Kernel> makeSvdf(const Node& node, const KernelConfig&, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  return std::make_unique<Svdf<FloatSums>>(node);
}

std::unique_ptr<Kernel> makeQSvdf(const Node& node, const KernelConfig&, std::string& error) {
  const Tensor &x = node.in(kX), &state = node.in(kState), &y = node.out(), &next = node.out(1);
  if (!checkQuantized(x, "x", true, error) || !checkQuantized(state, "the state", true, error) ||
      !checkQuantized(next, "the next state", true, error) || !checkQuantized(y, "the result", true, error))
    return nullptr;
  if (y.dtype() != DType::I8) return reject(error, "the result is no i8"), nullptr;
  if (next.dtype() != state.dtype() || next.scale() != state.scale() || next.zeroPoint() != state.zeroPoint())
    return reject(error, "the state needs one scale and zero point"), nullptr;
  if (state.dtype() == DType::I16) return std::make_unique<Svdf<IntegerSums<int16_t>>>(node);
  return std::make_unique<Svdf<IntegerSums<int8_t>>>(node);
}

const OpDef kOps[] = {
    {"nn.svdf", inferSvdf, makeSvdf},
    {"qnn.svdf", inferQSvdf, makeQSvdf},
};
} // namespace

extern const OpTable kSvdfOps;
const OpTable kSvdfOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
