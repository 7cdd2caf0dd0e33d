// qnn.binary and the table of this family. Attributes of qnn.binary:
//   fn    add sub mul min max; with the rule tflite also squared_difference prelu div, and equal less
//         less_equal greater greater_equal, which give bool
//   rule  add, sub: an add policy (default float_ratio); mul, min, max: a requantisation policy (default
//         float_half_even)
//   q_lo, q_hi; optionally the rule's numbers (see requant_rows.h): rules 0, 1, 2 are a, b, result, for mul
//   rule 0; left_shift of the tflite add
#include "runtime/ops/qelementwise_ops.h"

#include "runtime/kernels/data_kernels.h"

#include "runtime/numerics/quantize.h"
#include "runtime/numerics/registry.h"
#include "runtime/ops/integer_rows.h"
#include "runtime/ops/iterate.h"
#include "runtime/ops/requant_rows.h"
#include "runtime/ops/stored_value.h"

namespace burin::rt {

namespace {
bool isSum(const std::string& fn) { return fn == "add" || fn == "sub"; }

const char kFunctions[] = "add sub mul min max squared_difference prelu div equal less less_equal greater "
                          "greater_equal";

// The list's names are in the order of the enumeration.
QBinaryFn parseFn(const std::string& fn) {
  const std::string names = " " + std::string(kFunctions) + " ";
  const size_t at = names.find(" " + fn + " ");
  if (at == std::string::npos) return QBinaryFn::Add;
  return static_cast<QBinaryFn>(std::count(names.data(), names.data() + at, ' '));
}

bool readAddPolicy(const Attrs& attrs, AddPolicy& policy, std::string& error) {
  policy = AddPolicy::FloatRatio;
  const std::string& name = attrs.text("rule");
  if (name.empty() || parse(name, policy)) return true;
  return reject(error, "attribute 'rule' names the unknown policy '" + name + "'");
}

// Numbers stated by attributes replace those encoded from the scales.
bool overrideAdd(const Attrs& attrs, int bits, AddParameters& p, bool& stated, std::string& error) {
  const std::vector<int64_t>&multipliers = attrs.ints("multiplier"), &shifts = attrs.ints("shift");
  const std::vector<float>& ratios = attrs.floats("ratio");
  stated =
      p.policy == AddPolicy::FloatRatio ? ratios.size() >= 2 : multipliers.size() >= 3 && shifts.size() >= 3;
  if (!stated) return true;
  if (p.policy == AddPolicy::FloatRatio) {
    p.ratioA = ratios[0];
    p.ratioB = ratios[1];
    return true;
  }
  Requant* const rules[3] = {&p.rescaleA, &p.rescaleB, &p.rescaleOut};
  const RequantPolicy inner = p.policy == AddPolicy::Tflite ? RequantPolicy::Tflite
                              : p.policy == AddPolicy::Multiplier8HalfUp
                                  ? RequantPolicy::Multiplier8HalfUp
                                  : RequantPolicy::Multiplier15HalfEven;
  for (int i = 0; i < 3; ++i)
    if (!readRequantRule(attrs, i, inner, EncodeStatus::Ok, *rules[i], error)) return false;
  const int64_t most = bits > 8 ? 15 : 22, leftShift = attrs.integer("left_shift", bits > 8 ? 15 : 20);
  if (leftShift < 0 || leftShift > most)
    return reject(error, "left_shift is " + std::to_string(leftShift) + "; it must be in [0, " +
                             std::to_string(most) + "]");
  p.leftShift = static_cast<int32_t>(leftShift);
  return true;
}

bool readAdd(const Node& node, QBinaryRule& rule, std::string& error) {
  AddPolicy policy;
  if (!readAddPolicy(node.attrs, policy, error)) return false;
  const int bits = dtypeBytes(node.in(0).dtype()) > 1 || dtypeBytes(node.in(1).dtype()) > 1 ? 16 : 8;
  const EncodeStatus status =
      encodeAdd(policy, node.in(0).scale(), node.in(1).scale(), node.out().scale(), bits, rule.add);
  rule.add.policy = policy;
  rule.add.subtract = rule.fn == QBinaryFn::Sub;
  bool stated = false;
  if (!overrideAdd(node.attrs, bits, rule.add, stated, error)) return false;
  if (stated || status == EncodeStatus::Ok) return true;
  return reject(error, std::string("the ratio of its scales ") + describe(status));
}

bool readRescales(const Node& node, QBinaryRule& rule, std::string& error) {
  RequantPolicy policy;
  if (!readRequantPolicy(node.attrs, "rule", policy, error)) return false;
  const Tensor &a = node.in(0), &b = node.in(1), &y = node.out();
  if (rule.fn == QBinaryFn::Mul) {
    const EncodeStatus status =
        encodeRequant(policy, multiplyScale(policy, a.scale(), b.scale(), y.scale()), rule.rescaleA);
    return readRequantRule(node.attrs, 0, policy, status, rule.rescaleA, error);
  }
  const EncodeStatus first = encodeRescale(policy, a.scale(), y.scale(), rule.rescaleA);
  const EncodeStatus second = encodeRescale(policy, b.scale(), y.scale(), rule.rescaleB);
  return readRequantRule(node.attrs, 0, policy, first, rule.rescaleA, error) &&
         readRequantRule(node.attrs, 1, policy, second, rule.rescaleB, error);
}

int64_t largestMagnitude(const Tensor& t) {
  const StoredRange range = storedRange(t.dtype());
  return std::max(int64_t{range.high} - t.zeroPoint(), int64_t{t.zeroPoint()} - range.low);
}

void multiplyRow(int32_t* a, const int32_t* b, int64_t count, const QBinaryRule& rule) {
  const AddParameters& p = rule.add;
  if (rule.wideProduct) {
    for (int64_t i = 0; i < count; ++i)
      a[i] = requantize(int64_t{a[i] - p.zeroPointA} * (b[i] - p.zeroPointB), rule.rescaleA, p.zeroPointOut,
                        p.low, p.high);
    return;
  }
  const int32_t zeroA = p.zeroPointA, zeroB = p.zeroPointB;
  for (int64_t i = 0; i < count; ++i) a[i] = (a[i] - zeroA) * (b[i] - zeroB);
  requantizeRow(*rule.kernels, a, count, {rule.rescaleA, 0, p.zeroPointOut, p.low, p.high});
}
} // namespace

bool readBinaryRule(const Node& node, Isa isa, QBinaryRule& rule, std::string& error) {
  QuantizedClamp clamp;
  rule.fn = parseFn(node.attrs.text("fn"));
  if (!checkQuantized(node.in(0), "operand a", true, error) ||
      !checkQuantized(node.in(1), "operand b", true, error))
    return false;
  if (!isComparison(rule.fn) && (!checkQuantized(node.out(), "the result", true, error) ||
                                 !readClamp(node.attrs, node.out(), clamp, error)))
    return false;
  rule.kernels = &rowKernels(isa);
  rule.wideProduct = largestMagnitude(node.in(0)) * largestMagnitude(node.in(1)) > INT32_MAX;
  if (!(isPairFn(rule.fn)              ? readPair(node, rule.fn, rule.pair, error)
        : isSum(node.attrs.text("fn")) ? readAdd(node, rule, error)
                                       : readRescales(node, rule, error)))
    return false;
  rule.add.zeroPointA = node.in(0).zeroPoint();
  rule.add.zeroPointB = node.in(1).zeroPoint();
  if (isComparison(rule.fn)) return true;
  rule.add.zeroPointOut = node.out().zeroPoint();
  rule.add.lowestA = static_cast<int32_t>(lowestOf(node.in(0).dtype()));
  rule.add.lowestB = static_cast<int32_t>(lowestOf(node.in(1).dtype()));
  rule.add.lowestOut = static_cast<int32_t>(lowestOf(node.out().dtype()));
  rule.add.low = clamp.low;
  rule.add.high = clamp.high;
  return true;
}

void binaryRow(int32_t* a, const int32_t* b, int64_t count, const QBinaryRule& rule) {
  const AddParameters& p = rule.add;
  if (rule.fn == QBinaryFn::Add || rule.fn == QBinaryFn::Sub)
    return rule.kernels->add[static_cast<int>(p.policy)](a, b, count, p);
  if (rule.fn == QBinaryFn::Mul) return multiplyRow(a, b, count, rule);
  if (isPairFn(rule.fn)) return pairRow(a, b, count, rule);
  int32_t other[kRowChunk];
  std::copy_n(b, count, other);
  requantizeRow(*rule.kernels, a, count, {rule.rescaleA, p.zeroPointA, p.zeroPointOut, p.low, p.high});
  requantizeRow(*rule.kernels, other, count, {rule.rescaleB, p.zeroPointB, p.zeroPointOut, p.low, p.high});
  for (int64_t i = 0; i < count; ++i)
    a[i] = (rule.fn == QBinaryFn::Min) == (other[i] < a[i]) ? other[i] : a[i];
}

bool inferQBinary(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  DType dtype;
  if (!checkInputs(signature, 2, 2, error) || !checkChoice(signature, "fn", kFunctions, error)) return false;
  const TensorType &a = *signature.input(0), &b = *signature.input(1);
  if (!readType(signature, "to", a.dtype, dtype, error)) return false;
  AddPolicy add;
  RequantPolicy policy;
  const QBinaryFn fn = parseFn(signature.attrs.text("fn"));
  if (!(isPairFn(fn)                        ? checkPair(signature, error)
        : isSum(signature.attrs.text("fn")) ? readAddPolicy(signature.attrs, add, error)
                                            : readRequantPolicy(signature.attrs, "rule", policy, error)))
    return false;
  Shape shape;
  const int rank = std::max(a.shape.rank, b.shape.rank);
  for (int axis = 0; axis < rank; ++axis) {
    const int axisA = axis - (rank - a.shape.rank), axisB = axis - (rank - b.shape.rank);
    const int64_t p = axisA < 0 ? 1 : a.shape[axisA], q = axisB < 0 ? 1 : b.shape[axisB];
    if (p != q && p != 1 && q != 1)
      return reject(error, "shapes " + toString(a.shape) + " and " + toString(b.shape) + " do not broadcast");
    shape.push(p == 1 ? q : p);
  }
  results = {{isComparison(fn) ? DType::Bool : dtype, shape}};
  return checkShape(shape, error);
}

namespace {
class QBinaryKernel : public Kernel {
public:
  QBinaryKernel(const Node& node, const QBinaryRule& rule) : node_(node), rule_(rule) {
    const Tensor& y = node.out();
    int64_t strideA[kMaxRank], strideB[kMaxRank];
    broadcastStrides(node.in(0), y.type.shape, strideA);
    broadcastStrides(node.in(1), y.type.shape, strideB);
    walk_ = StridedWalk<3>(y.type.shape, {strideA, strideB, y.stride});
    walk_.orderBy(2);
  }
  void run(Context& context) override {
    const Tensor &a = node_.in(0), &b = node_.in(1), &y = node_.out();
    context.pool.parallelFor(walk_.elements(), 4096, [&](int64_t begin, int64_t end, int) {
      int32_t rowA[kRowChunk], rowB[kRowChunk];
      walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
        for (int64_t i = 0; i < count; i += kRowChunk) {
          const int64_t n = std::min(kRowChunk, count - i);
          loadIntegers(a.data, a.dtype(), offset[0] + i * walk_.step(0), walk_.step(0), n, rowA);
          loadIntegers(b.data, b.dtype(), offset[1] + i * walk_.step(1), walk_.step(1), n, rowB);
          binaryRow(rowA, rowB, n, rule_);
          storeIntegers(rowA, y.data, y.dtype(), offset[2] + i * walk_.step(2), walk_.step(2), n);
        }
      });
    });
  }

protected:
  const Node& node_;
  QBinaryRule rule_;
  StridedWalk<3> walk_; // a, b, y
};

// Contiguous or repeated bytes, [ADD-FLOAT] or [MUL] with [RQ-FLOAT].
class QBinaryBytes final : public QBinaryKernel {
public:
  QBinaryBytes(const Node& node, const QBinaryRule& rule, const DataKernels& kernels)
      : QBinaryKernel(node, rule) {
    const Tensor &a = node.in(0), &b = node.in(1), &y = node.out();
    const AddParameters& p = rule.add;
    bytes_.a = byteForm(a.dtype(), p.zeroPointA);
    bytes_.b = byteForm(b.dtype(), p.zeroPointB);
    bytes_.stepA = walk_.step(0);
    bytes_.stepB = walk_.step(1);
    const FloatSum sum(p);
    bytes_.ratioA = sum.ratioA;
    bytes_.ratioB = sum.ratioB;
    bytes_.offset = sum.offset;
    const bool product = rule.fn == QBinaryFn::Mul;
    const int32_t origin = product ? p.zeroPointOut : p.lowestOut; // of the rounded result
    bytes_.out = {rule.rescaleA.scale, p.low - origin, p.high - origin, byteForm(y.dtype(), origin)};
    loop_ = product ? kernels.multiply8 : kernels.add8;
  }

  bool fits() const {
    const bool sum = rule_.fn == QBinaryFn::Add || rule_.fn == QBinaryFn::Sub;
    const bool product = rule_.fn == QBinaryFn::Mul && rule_.rescaleA.policy == RequantPolicy::FloatHalfEven;
    const auto even = [](int64_t step) { return step == 0 || step == 1; };
    const auto bytes = [](const Tensor& t) { return dtypeBytes(t.dtype()) == 1; };
    return bytes(node_.in(0)) && bytes(node_.in(1)) && bytes(node_.out()) &&
           (product || (sum && rule_.add.policy == AddPolicy::FloatRatio)) && even(walk_.step(0)) &&
           even(walk_.step(1)) && walk_.step(2) == 1;
  }

  void run(Context& context) override {
    const uint8_t *a = node_.in(0).as<uint8_t>(), *b = node_.in(1).as<uint8_t>();
    uint8_t* y = node_.out().as<uint8_t>();
    context.pool.parallelFor(walk_.elements(), 16384, [&](int64_t begin, int64_t end, int) {
      walk_.forRuns(begin, end, [&](const int64_t* at, int64_t count) {
        loop_(a + at[0], b + at[1], bytes_, y + at[2], count);
      });
    });
  }
  const char* name() const override { return "bytes"; }

private:
  Binary8 bytes_;
  void (*loop_)(const uint8_t*, const uint8_t*, const Binary8&, uint8_t*, int64_t);
};
} // namespace

std::unique_ptr<Kernel> makeQBinary(const Node& node, const KernelConfig& config, std::string& error) {
  QBinaryRule rule;
  if (!readBinaryRule(node, config.isa, rule, error)) return nullptr;
  if (const DataKernels* kernels = dataKernels(config.isa)) {
    auto bytes = std::make_unique<QBinaryBytes>(node, rule, *kernels);
    if (bytes->fits()) return bytes;
  }
  return std::make_unique<QBinaryKernel>(node, rule);
}

static const OpDef kOps[] = {
    {"qnn.binary", inferQBinary, makeQBinary},
    {"qnn.lut", inferLut, makeLut},
};
extern const OpTable kQElementwiseOps;
const OpTable kQElementwiseOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
