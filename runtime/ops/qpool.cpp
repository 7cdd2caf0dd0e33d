// qnn.avg_pool and qnn.reduce: exact integer sums, then a policy. Attributes beside the geometry of
// nn.avg_pool and the axes of nn.reduce: `requant` (policy, default float_half_even, or integer_half_away
// [AVG-INTEGER]), q_lo, q_hi.
#include "runtime/ops/qpool_ops.h"

#include "runtime/kernels/data_kernels.h"
#include "runtime/numerics/pool.h"
#include "runtime/numerics/quantize.h"
#include "runtime/ops/integer_rows.h"
#include "runtime/ops/pool_rows.h"
#include "runtime/ops/requant_rows.h"

namespace burin::rt {

bool readAverageRule(const Attrs& attrs, AverageRule& rule, std::string& error) {
  rule.integerDivision = attrs.text("requant") == "integer_half_away";
  return rule.integerDivision || readRequantPolicy(attrs, "requant", rule.policy, error);
}

bool AverageOutput::prepare(const Node& node, std::string& error) {
  const Tensor &x = node.in(0), &y = node.out();
  if (!checkQuantized(x, "the operand", true, error) || !checkQuantized(y, "the result", true, error) ||
      !readClamp(node.attrs, y, clamp_, error) || !readAverageRule(node.attrs, rule_, error))
    return false;
  dtype_ = y.dtype();
  zeroX_ = x.zeroPoint();
  zeroY_ = y.zeroPoint();
  from_ = x.scale();
  to_ = y.scale();
  if (rule_.integerDivision && (from_ != to_ || zeroX_ != zeroY_))
    return reject(error, "integer_half_away needs operand and result of one scale and zero point");
  return true;
}

int AverageOutput::addDivisor(int64_t count, bool mean, std::string& error) {
  if (count > INT32_MAX) return reject(error, "a mean of more than 2^31 elements"), -1;
  Divisor divisor;
  divisor.count = static_cast<int32_t>(count);
  for (size_t i = 0; i < divisors_.size(); ++i)
    if (divisors_[i].count == divisor.count) return static_cast<int>(i);
  const EncodeStatus status = count == 0 ? EncodeStatus::Ok
                              : mean ? encodeAverage(rule_.policy, from_, to_, divisor.count, divisor.rule)
                                     : encodeRescale(rule_.policy, from_, to_, divisor.rule);
  if (!rule_.integerDivision && status != EncodeStatus::Ok)
    return reject(error, std::string("the ratio of its scales ") + describe(status)), -1;
  divisors_.push_back(divisor);
  return static_cast<int>(divisors_.size()) - 1;
}

int32_t AverageOutput::result(int64_t sum, int divisor) const {
  const Divisor& d = divisors_[static_cast<size_t>(divisor)];
  if (d.count == 0) return static_cast<int32_t>(saturate(zeroY_, clamp_.low, clamp_.high));
  if (rule_.integerDivision)
    return static_cast<int32_t>(
        saturate(divideRounded(sum + int64_t{zeroX_} * d.count, d.count, Rounding::HalfAway), clamp_.low,
                 clamp_.high));
  if (sum >= INT32_MIN && sum <= INT32_MAX)
    return requantize(static_cast<int32_t>(sum), d.rule, zeroY_, clamp_.low, clamp_.high);
  return requantize(sum, d.rule, zeroY_, clamp_.low, clamp_.high);
}

void AverageOutput::storeRow(const DataKernels& kernels, int32_t* sums, int32_t offset, int divisor,
                             uint8_t* y, int64_t width) const {
  const Requant& rule = divisors_[static_cast<size_t>(divisor)].rule; // a count of 0 rescales a sum of 0
  if (!rule_.integerDivision && rule_.policy == RequantPolicy::FloatHalfEven) {
    const FloatStage8 stage = {rule.scale, clamp_.low - zeroY_, clamp_.high - zeroY_,
                               byteForm(dtype_, zeroY_)};
    return kernels.store8(sums, offset, stage, y, width);
  }
  if (rule_.integerDivision)
    for (int64_t i = 0; i < width; ++i) sums[i] = result(int64_t{sums[i]} - offset, divisor);
  else
    requantizeRow(kernels, sums, width, {rule, offset, zeroY_, clamp_.low, clamp_.high});
  storeIntegers(sums, y, dtype_, 0, 1, width);
}

bool inferQAvgPool(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  Shape shape;
  AverageRule rule;
  DType dtype;
  if (!inferPoolShape(signature, shape, error) || !readAverageRule(signature.attrs, rule, error) ||
      !readType(signature, "to", signature.input(0)->dtype, dtype, error))
    return false;
  if (!isSmallInteger(signature.input(0)->dtype))
    return reject(error, std::string("the operand is ") + dtypeName(signature.input(0)->dtype) +
                             "; 8 or 16 bit integers are needed");
  results = {{dtype, shape}};
  return true;
}

namespace {
class QAvgPoolKernel : public Kernel {
public:
  explicit QAvgPoolKernel(const Node& node)
      : node_(node), geometry_(poolGeometry(node.attrs, node.in(0), node.out())) {}

  bool prepare(std::string& error) {
    if (!output_.prepare(node_, error)) return false;
    const bool includePad = node_.attrs.integer("count_include_pad") != 0;
    for (int64_t i = 0; i < geometry_.positions(); ++i) {
      const int64_t w = geometry_.axis[2].output, h = geometry_.axis[1].output;
      const int64_t position[3] = {i / (w * h), i / w % h, i % w};
      const int divisor = output_.addDivisor(windowCount(geometry_, position, includePad), true, error);
      if (divisor < 0) return false;
      divisor_.push_back(divisor);
    }
    return true;
  }

  void run(Context& context) override {
    const Tensor &x = node_.in(0), &y = node_.out();
    context.pool.parallelFor(y.type.shape.elements(), 256, [&](int64_t begin, int64_t end, int) {
      forPoolOutputs(geometry_, begin, end, [&](int64_t placeX, int64_t placeY, const int64_t* position) {
        int64_t sum = 0;
        forWindow(geometry_, position, [&](int64_t offset) {
          int32_t q;
          loadIntegers(x.data, x.dtype(), placeX + offset, 1, 1, &q);
          sum += q - output_.zeroX();
        });
        const int32_t q = output_.result(sum, divisorAt(position));
        storeIntegers(&q, y.data, y.dtype(), placeY, 1, 1);
      });
    });
  }

protected:
  int divisorAt(const int64_t* position) const {
    const int64_t w = geometry_.axis[2].output, h = geometry_.axis[1].output;
    return divisor_[static_cast<size_t>((position[0] * h + position[1]) * w + position[2])];
  }

  const Node& node_;
  PoolGeometry geometry_;
  AverageOutput output_;
  std::vector<int> divisor_; // per output position
};

// Channels innermost, 8 bits.
class QAvgPoolRows final : public QAvgPoolKernel {
public:
  QAvgPoolRows(const Node& node, const DataKernels& kernels) : QAvgPoolKernel(node), kernels_(kernels) {}

  static bool applies(const Node& node) {
    return dtypeBytes(node.in(0).dtype()) == 1 && dtypeBytes(node.out().dtype()) == 1 &&
           poolsRows(poolGeometry(node.attrs, node.in(0), node.out()));
  }

  void run(Context& context) override {
    const Tensor &x = node_.in(0), &y = node_.out();
    const Byte8 from = byteForm(x.dtype(), x.zeroPoint());
    forPoolRows(geometry_, x.as<uint8_t>(), y.as<uint8_t>(), context.pool,
                [&](const uint8_t* const* taps, int64_t count, uint8_t* to, const int64_t* position) {
                  const int divisor = divisorAt(position);
                  const int32_t offset = static_cast<int32_t>(count) * from.zeroPoint;
                  const uint8_t* chunk[kMaxTaps];
                  for (int64_t start = 0; start < geometry_.channels; start += kRowChunk) {
                    const int64_t width = std::min(kRowChunk, geometry_.channels - start);
                    int32_t sums[kRowChunk] = {};
                    for (int64_t t = 0; t < count; ++t) chunk[t] = taps[t] + start;
                    kernels_.sum8(chunk, count, from.flip, sums, width);
                    output_.storeRow(kernels_, sums, offset, divisor, to + start, width);
                  }
                });
  }
  const char* name() const override { return "mean-rows"; }

private:
  const DataKernels& kernels_;
};
} // namespace

std::unique_ptr<Kernel> makeQAvgPool(const Node& node, const KernelConfig& config, std::string& error) {
  const DataKernels* kernels = dataKernels(config.isa);
  std::unique_ptr<QAvgPoolKernel> kernel;
  if (kernels && QAvgPoolRows::applies(node))
    kernel = std::make_unique<QAvgPoolRows>(node, *kernels);
  else
    kernel = std::make_unique<QAvgPoolKernel>(node);
  if (!kernel->prepare(error)) return nullptr;
  return kernel;
}

static const OpDef kOps[] = {
    {"qnn.avg_pool", inferQAvgPool, makeQAvgPool},
    {"qnn.reduce", inferQReduce, makeQReduce},
};
extern const OpTable kQPoolOps;
const OpTable kQPoolOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
