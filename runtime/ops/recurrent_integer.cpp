// qnn.lstm [LSTM-TFLITE]: nn.lstm in one direction. Operands x [T, B, I], w [1, 4H, I] and r [1, 4H, H] in
// i8, bias [1, 4H] in i32 or none, h0 [1, B, H] in i8, c0 [1, B, H] in i16; gates i o f c. Attributes
// `multiplier` and `shift`: of x w for every gate, of h r for every gate, of the result; `cell_clip` in real
// units; `h_zero`: what is added to the result instead of its zero point.
#include "runtime/numerics/fixed16.h"
#include "runtime/numerics/recurrent_tflite.h"
#include "runtime/ops/quantize_ops.h"

namespace burin::rt {

namespace {
enum Operand { kX, kW, kR, kBias, kH0, kC0 };
enum Gate { kInput, kOutput, kForget, kCandidate, kGates };
constexpr int kFactors = 2 * kGates + 1;

bool checkOperand(const Signature& signature, int i, const char* name, DType dtype, const Shape& shape,
                  std::string& error) {
  const TensorType* type = signature.input(i);
  if (!type) return i == kBias || reject(error, std::string(name) + " is missing");
  if (type->dtype == dtype && type->shape == shape) return true;
  return reject(error, std::string(name) + " is " + dtypeName(type->dtype) + ' ' + toString(type->shape) +
                           "; " + dtypeName(dtype) + ' ' + toString(shape) + " is needed");
}

bool inferQLstm(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 3, 6, error)) return false;
  const Shape &x = signature.input(kX)->shape, &r = signature.input(kR)->shape;
  if (x.rank != 3 || r.rank != 3) return reject(error, "x and r need three dimensions");
  const int64_t hidden = r[2], rows = boundedProduct(kGates, hidden);
  if (hidden < 1 || rows > kMaxElements) return reject(error, "there are no hidden units, or too many");
  const Shape state = {1, x[1], hidden};
  if (!checkOperand(signature, kX, "x", DType::I8, x, error) ||
      !checkOperand(signature, kW, "w", DType::I8, {1, rows, x[2]}, error) ||
      !checkOperand(signature, kR, "r", DType::I8, {1, rows, hidden}, error) ||
      !checkOperand(signature, kBias, "bias", DType::I32, {1, rows}, error) ||
      !checkOperand(signature, kH0, "initial h", DType::I8, state, error) ||
      !checkOperand(signature, kC0, "initial c", DType::I16, state, error) ||
      !checkInts(signature, "multiplier", kFactors, 0, INT32_MAX, error) ||
      !checkInts(signature, "shift", kFactors, -30, 31, error))
    return false;
  results = {{DType::I8, {x[0], 1, x[1], hidden}}, {DType::I8, state}, {DType::I16, state}};
  return checkShape(results[0].shape, error);
}

// Sum of (x - zero) * w in 32 bits that wrap.
uint32_t product(const int8_t* x, int64_t stepX, int32_t zero, const int8_t* w, int64_t stepW,
                 int64_t count) {
  uint32_t sum = 0;
  if (stepX == 1 && stepW == 1)
    for (int64_t i = 0; i < count; ++i) sum += static_cast<uint32_t>((x[i] - zero) * w[i]);
  else
    for (int64_t i = 0; i < count; ++i) sum += static_cast<uint32_t>((x[i * stepX] - zero) * w[i * stepW]);
  return sum;
}

// The results yh and yc hold the state while the sequence runs.
class QLstm final : public Kernel {
public:
  explicit QLstm(const Node& node) : node_(node), hidden_(node.in(kR).shape()[2]) {
    for (size_t i = 0; i < kFactors; ++i) {
      factor_[i].policy = RequantPolicy::Tflite;
      factor_[i].multiplier = static_cast<int32_t>(node.attrs.ints("multiplier")[i]);
      factor_[i].shift = static_cast<int32_t>(node.attrs.ints("shift")[i]);
    }
  }

  bool prepare(std::string& error) {
    const Tensor &h = node_.in(kH0), &c = node_.in(kC0);
    const char* names[] = {"y", "h", "c"};
    for (int i = 0; i < 3; ++i) {
      const Tensor &out = node_.out(i), &state = i < 2 ? h : c;
      if (!checkQuantized(out, names[i], true, error) || !checkQuantized(state, "a state", true, error))
        return false;
      if (out.dtype() != state.dtype() || out.scale() != state.scale() ||
          out.zeroPoint() != state.zeroPoint())
        return reject(error, std::string(names[i]) + " and its state need one scale and zero point");
    }
    if (!checkQuantized(node_.in(kX), "x", true, error)) return false;
    if (c.zeroPoint() != 0 || !encodeLstmCell(c.scale(), node_.attrs.real("cell_clip"), cell_))
      return reject(error, "the scale of the cell state is no power of two from 2^-15 to 2^-9");
    const int64_t zero = node_.attrs.integer("h_zero", node_.out().zeroPoint());
    if (zero < -128 || zero > 127) return reject(error, "the zero point of h is no i8");
    resultZero_ = static_cast<int32_t>(zero);
    return true;
  }

  size_t scratchBytes() const override {
    return static_cast<size_t>(node_.in(kX).shape()[1] * kGates * hidden_) * sizeof(int16_t);
  }

  void run(Context& context) override {
    const Shape& x = node_.in(kX).shape();
    if (x[1] == 0) return;
    int16_t* gates = reinterpret_cast<int16_t*>(context.scratch);
    begin<int8_t>(node_.in(kH0), node_.out(1));
    begin<int16_t>(node_.in(kC0), node_.out(2));
    const int64_t rows = kGates * hidden_, grain = 1 + 16384 / (x[2] + hidden_);
    for (int64_t t = 0; t < x[0]; ++t) {
      context.pool.parallelFor(x[1] * rows, grain, [&](int64_t first, int64_t last, int) {
        for (int64_t i = first; i < last; ++i) gates[i] = gate(t, i / rows, i % rows);
      });
      for (int64_t b = 0; b < x[1]; ++b) step(t, b, gates + b * rows);
    }
  }

private:
  template <class T>
  void begin(const Tensor& from, const Tensor& to) const {
    for (int64_t b = 0; b < from.shape()[1]; ++b)
      for (int64_t j = 0; j < hidden_; ++j)
        to.as<T>()[b * to.stride[1] + j * to.stride[2]] =
            from.as<const T>()[b * from.stride[1] + j * from.stride[2]];
  }

  int32_t scaled(uint32_t sum, int factor) const {
    return scaleHighMultiply(static_cast<int32_t>(sum), factor_[factor].multiplier, factor_[factor].shift);
  }

  int16_t gate(int64_t t, int64_t b, int64_t row) const {
    const Tensor &x = node_.in(kX), &w = node_.in(kW), &r = node_.in(kR), &h = node_.out(1);
    const Tensor* bias = node_.input(kBias);
    uint32_t sum = bias ? static_cast<uint32_t>(bias->as<const int32_t>()[row * bias->stride[1]]) : 0;
    sum += product(x.as<const int8_t>() + t * x.stride[0] + b * x.stride[1], x.stride[2], x.zeroPoint(),
                   w.as<const int8_t>() + row * w.stride[1], w.stride[2], x.shape()[2]);
    const uint32_t recurrent = product(h.as<const int8_t>() + b * h.stride[1], h.stride[2], h.zeroPoint(),
                                       r.as<const int8_t>() + row * r.stride[1], r.stride[2], hidden_);
    const int which = static_cast<int>(row / hidden_);
    const int32_t argument =
        saturate16(int64_t{saturate16(scaled(sum, which))} + scaled(recurrent, kGates + which));
    return static_cast<int16_t>(which == kCandidate ? tanhQ(argument, 3) : sigmoidQ3(argument));
  }

  void step(int64_t t, int64_t b, const int16_t* gates) const {
    const Tensor &y = node_.out(), &h = node_.out(1), &c = node_.out(2);
    for (int64_t j = 0; j < hidden_; ++j) {
      int16_t& cell = c.as<int16_t>()[b * c.stride[1] + j * c.stride[2]];
      cell = static_cast<int16_t>(cell_.next(cell, gates[kForget * hidden_ + j], gates[kInput * hidden_ + j],
                                             gates[kCandidate * hidden_ + j]));
      const int32_t open = gates[kOutput * hidden_ + j] * tanhQ(cell, cell_.integerBits());
      const auto result = static_cast<int8_t>(
          apply<RequantPolicy::Tflite>(open, factor_[kFactors - 1], resultZero_, -128, 127));
      h.as<int8_t>()[b * h.stride[1] + j * h.stride[2]] = result;
      y.as<int8_t>()[t * y.stride[0] + b * y.stride[2] + j * y.stride[3]] = result;
    }
  }

  const Node& node_;
  int64_t hidden_;
  Requant factor_[kFactors];
  LstmCell cell_;
  int32_t resultZero_ = 0;
};

std::unique_ptr<Kernel> makeQLstm(const Node& node, const KernelConfig&, std::string& error) {
  auto kernel = std::make_unique<QLstm>(node);
  return kernel->prepare(error) ? std::move(kernel) : nullptr;
}

const OpDef kOps[] = {{"qnn.lstm", inferQLstm, makeQLstm}};
} // namespace

extern const OpTable kRecurrentIntegerOps;
const OpTable kRecurrentIntegerOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
