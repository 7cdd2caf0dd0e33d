// qnn.reduce: mean, sum or product over axes. A product [PROD-TFLITE] has the rule tflite and states the
// multiplier and shift of its factor.
#include "runtime/numerics/elementwise_tflite.h"
#include "runtime/ops/integer_rows.h"
#include "runtime/ops/iterate.h"
#include "runtime/ops/qpool_ops.h"

namespace burin::rt {

bool inferQReduce(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  AverageRule rule;
  DType dtype;
  if (!checkInputs(signature, 1, 1, error) || !checkChoice(signature, "fn", "mean sum prod", error) ||
      !readAverageRule(signature.attrs, rule, error) ||
      !readType(signature, "to", signature.input(0)->dtype, dtype, error) ||
      !checkInts(signature, "keep_dims", 1, 0, 1, error))
    return false;
  const TensorType& x = *signature.input(0);
  if (!isSmallInteger(x.dtype))
    return reject(error,
                  std::string("the operand is ") + dtypeName(x.dtype) + "; 8 or 16 bit integers are needed");
  if (rule.integerDivision && signature.attrs.text("fn") != "mean")
    return reject(error, "integer_half_away is a rule for means");
  bool reduced[kMaxRank] = {};
  for (int64_t axis : signature.attrs.ints("axes")) {
    if (axis < 0 || axis >= x.shape.rank || reduced[axis])
      return reject(error, "attribute 'axes' contains " + std::to_string(axis) + ", which is no axis of " +
                               toString(x.shape) + " or occurs twice");
    reduced[axis] = true;
  }
  Shape shape;
  for (int axis = 0; axis < x.shape.rank; ++axis)
    if (!reduced[axis])
      shape.push(x.shape[axis]);
    else if (signature.attrs.integer("keep_dims"))
      shape.push(1);
  results = {{dtype, shape}};
  return true;
}

namespace {
class QReduceKernel : public Kernel {
public:
  explicit QReduceKernel(const Node& node) : node_(node) {
    const Tensor &x = node.in(0), &y = node.out();
    bool reduced[kMaxRank] = {};
    for (int64_t axis : node.attrs.ints("axes")) reduced[axis] = true;
    Shape outer, inner;
    int64_t outerX[kMaxRank], outerY[kMaxRank], innerX[kMaxRank];
    int axisY = 0;
    const bool keepDims = node.attrs.integer("keep_dims") != 0;
    for (int axis = 0; axis < x.type.shape.rank; ++axis) {
      if (reduced[axis]) {
        innerX[inner.rank] = x.stride[axis];
        inner.push(x.type.shape[axis]);
        axisY += keepDims;
        continue;
      }
      outerX[outer.rank] = x.stride[axis];
      outerY[outer.rank] = y.stride[axisY++];
      outer.push(x.type.shape[axis]);
    }
    outer_ = StridedWalk<2>(outer, {outerX, outerY});
    inner_ = StridedWalk<1>(inner, {innerX});
  }

  bool prepare(std::string& error) {
    const bool mean = node_.attrs.text("fn") == "mean";
    return output_.prepare(node_, error) && output_.addDivisor(inner_.elements(), mean, error) == 0;
  }

  void run(Context& context) override {
    const Tensor &x = node_.in(0), &y = node_.out();
    const int64_t size = std::max<int64_t>(1, inner_.elements());
    context.pool.parallelFor(outer_.elements(), std::max<int64_t>(1, 4096 / size),
                             [&](int64_t begin, int64_t end, int) {
                               outer_.forEach(begin, end, [&](const int64_t* at) {
                                 const int32_t q = output_.result(sumAt(x, at[0]), 0);
                                 storeIntegers(&q, y.data, y.dtype(), at[1], 1, 1);
                               });
                             });
  }

protected:
  int64_t sumAt(const Tensor& x, int64_t place) const {
    int64_t sum = 0;
    int32_t row[kRowChunk];
    inner_.forRuns(0, inner_.elements(), [&](const int64_t* offset, int64_t count) {
      for (int64_t i = 0; i < count; i += kRowChunk) {
        const int64_t n = std::min(kRowChunk, count - i);
        loadIntegers(x.data, x.dtype(), place + offset[0] + i * inner_.step(0), inner_.step(0), n, row);
        for (int64_t k = 0; k < n; ++k) sum += row[k];
      }
    });
    return sum - inner_.elements() * output_.zeroX();
  }

  const Node& node_;
  AverageOutput output_;
  StridedWalk<2> outer_;
  StridedWalk<1> inner_;
};

class QReduceProduct final : public QReduceKernel {
public:
  explicit QReduceProduct(const Node& node) : QReduceKernel(node) {}

  bool prepareFactor(std::string& error) {
    const Attrs& attrs = node_.attrs;
    if (!output_.prepare(node_, error) || !readClamp(attrs, node_.out(), clamp_, error)) return false;
    if (node_.in(0).dtype() != DType::I8 || attrs.text("requant") != "tflite")
      return reject(error, "a product has a rule of signed bytes alone, tflite");
    if (!checkFactor(attrs.ints("multiplier"), 0, INT32_MAX) || !checkFactor(attrs.ints("shift"), -7, 31))
      return reject(error, "a product needs one multiplier, and one shift in [-7, 31]");
    rule_.policy = RequantPolicy::Tflite;
    rule_.multiplier = static_cast<int32_t>(attrs.ints("multiplier")[0]);
    rule_.shift = static_cast<int32_t>(attrs.ints("shift")[0]);
    return true;
  }

  void run(Context& context) override {
    const Tensor& y = node_.out();
    context.pool.parallelFor(outer_.elements(), 64, [&](int64_t begin, int64_t end, int) {
      outer_.forEach(begin, end, [&](const int64_t* at) {
        const int64_t value = int64_t{productAt(at[0])} + y.zeroPoint();
        const int32_t q = static_cast<int32_t>(saturate(value, clamp_.low, clamp_.high));
        storeIntegers(&q, y.data, y.dtype(), at[1], 1, 1);
      });
    });
  }

private:
  static bool checkFactor(const std::vector<int64_t>& values, int64_t low, int64_t high) {
    return values.size() == 1 && values[0] >= low && values[0] <= high;
  }

  // Every factor but the first scales what it makes, and the last step scales the whole.
  int32_t productAt(int64_t place) const {
    const Tensor& x = node_.in(0);
    int32_t product = 0;
    bool first = true;
    inner_.forEach([&](const int64_t* offset) {
      int32_t q;
      loadIntegers(x.data, x.dtype(), place + offset[0], 1, 1, &q);
      product = first ? q - output_.zeroX() : productTflite(product, q - output_.zeroX(), rule_);
      first = false;
    });
    return productTflite(product, 1, rule_);
  }

  QuantizedClamp clamp_;
  Requant rule_;
};

// Kept channels innermost, 8 bits: the sums of a block of channels run over rows.
class QReduceRows final : public QReduceKernel {
public:
  QReduceRows(const Node& node, const DataKernels& kernels) : QReduceKernel(node), kernels_(kernels) {}

  bool fits() const {
    const int inner = outer_.rank() - 1;
    return dtypeBytes(node_.in(0).dtype()) == 1 && dtypeBytes(node_.out().dtype()) == 1 && inner >= 0 &&
           outer_.stride(0, inner) == 1 && outer_.stride(1, inner) == 1 && inner_.elements() <= kMaxRows;
  }

  void run(Context& context) override {
    const Tensor &x = node_.in(0), &y = node_.out();
    const Byte8 from = byteForm(x.dtype(), x.zeroPoint());
    const int32_t offset = static_cast<int32_t>(inner_.elements()) * from.zeroPoint;
    const int64_t grain = inner_.elements() * kBlock < 32768 ? kRowChunk : kBlock;
    context.pool.parallelFor(outer_.elements(), grain, [&](int64_t begin, int64_t end, int) {
      outer_.forRuns(begin, end, [&](const int64_t* at, int64_t count) {
        for (int64_t start = 0; start < count; start += kRowChunk) {
          const int64_t width = std::min(kRowChunk, count - start);
          int32_t sums[kRowChunk] = {};
          inner_.forRuns(0, inner_.elements(), [&](const int64_t* row, int64_t rows) {
            kernels_.sumRows8(x.as<uint8_t>() + at[0] + start + row[0], inner_.step(0), rows, from.flip, sums,
                              width);
          });
          output_.storeRow(kernels_, sums, offset, 0, y.as<uint8_t>() + at[1] + start, width);
        }
      });
    });
  }
  const char* name() const override { return "sum-rows"; }

private:
  static constexpr int64_t kBlock = 64;
  static constexpr int64_t kMaxRows = 1 << 23; // sums of bytes stay in 32 bits

  const DataKernels& kernels_;
};
} // namespace

std::unique_ptr<Kernel> makeQReduce(const Node& node, const KernelConfig& config, std::string& error) {
  if (node.attrs.text("fn") == "prod") {
    auto product = std::make_unique<QReduceProduct>(node);
    if (!product->prepareFactor(error)) return nullptr;
    return product;
  }
  if (const DataKernels* kernels = dataKernels(config.isa)) {
    auto rows = std::make_unique<QReduceRows>(node, *kernels);
    if (!rows->prepare(error)) return nullptr;
    if (rows->fits()) return rows;
  }
  auto kernel = std::make_unique<QReduceKernel>(node);
  if (!kernel->prepare(error)) return nullptr;
  return kernel;
}

} // namespace burin::rt
