// qnn.quantize, qnn.dequantize and qnn.requantize: scale and zero point are properties of the tensors.
//   quantize: attributes `quantize` (divide, multiply; default divide) and `rounding` (default half_even)
//   requantize: attribute `requant` (policy; default float_half_even), q_lo, q_hi
#include "runtime/ops/quantize_ops.h"

#include "runtime/kernels/data_kernels.h"

#include "runtime/numerics/quantize.h"
#include "runtime/numerics/registry.h"
#include "runtime/ops/integer_rows.h"
#include "runtime/ops/quantize_walk.h"
#include "runtime/ops/requant_rows.h"
#include "runtime/ops/row_map.h"

namespace burin::rt {

bool checkQuantized(const Tensor& t, const char* operand, bool perTensor, std::string& error) {
  if (!isSmallInteger(t.dtype()))
    return reject(error,
                  std::string(operand) + " is " + dtypeName(t.dtype()) + "; 8 or 16 bit integers are needed");
  if (t.quant.empty()) return reject(error, std::string(operand) + " has no scale");
  const size_t count = t.quant.axis < 0 ? 1 : static_cast<size_t>(t.type.shape[t.quant.axis]);
  if (perTensor && t.quant.axis >= 0)
    return reject(error, std::string(operand) + " has a scale per axis; one is needed");
  if (t.quant.scale.size() != count || t.quant.zeroPoint.size() != count)
    return reject(error, std::string(operand) + " has " + std::to_string(t.quant.scale.size()) +
                             " scales and " + std::to_string(t.quant.zeroPoint.size()) + " zero points, " +
                             std::to_string(count) + " are needed");
  const StoredRange range = storedRange(t.dtype());
  for (int32_t zero : t.quant.zeroPoint)
    if (zero < range.low || zero > range.high)
      return reject(error,
                    "the zero point " + std::to_string(zero) + " of " + operand + " is outside its type");
  return true;
}

bool readClamp(const Attrs& attrs, const Tensor& y, QuantizedClamp& clamp, std::string& error) {
  const StoredRange range = storedRange(y.dtype());
  clamp.low = static_cast<int32_t>(saturate(attrs.integer("q_lo", range.low), range.low, range.high));
  clamp.high = static_cast<int32_t>(saturate(attrs.integer("q_hi", range.high), range.low, range.high));
  if (clamp.low <= clamp.high) return true;
  return reject(error, "q_lo " + std::to_string(clamp.low) + " is above q_hi " + std::to_string(clamp.high));
}

namespace {
bool inferElementwise(const Signature& signature, DType fallback, std::vector<TensorType>& results,
                      std::string& error) {
  DType dtype;
  if (!checkInputs(signature, 1, 1, error) || !readType(signature, "to", fallback, dtype, error))
    return false;
  results = {{dtype, signature.input(0)->shape}};
  return true;
}

ScaleLayout layoutOf(const Quant& quant) { return axisLayout(quant.axis, 1, 1); }

class QuantizeTensorKernel final : public Kernel {
public:
  QuantizeTensorKernel(const Node& node, Rounding rounding, bool multiply)
      : node_(node), walk_(node.in(0), node.out(), layoutOf(node.out().quant)), rounding_(rounding),
        multiply_(multiply) {}
  void run(Context& context) override {
    const Tensor &x = node_.in(0), &y = node_.out();
    const StoredRange range = storedRange(y.dtype());
    walk_.forRuns(context.pool, [&](const int64_t* at, int64_t count, const int64_t* step) {
      for (int64_t i = 0; i < count; ++i) {
        const size_t s = static_cast<size_t>(at[QuantizeWalk::Scale] + i * step[QuantizeWalk::Scale]);
        const Affine to = {y.quant.scale[s], y.quant.zeroPoint[s]};
        const float value = x.as<float>()[at[QuantizeWalk::X] + i * step[QuantizeWalk::X]];
        const int32_t q = multiply_ ? quantizeMultiply(value, to, range.low, range.high, rounding_)
                                    : quantizeDivide(value, to, range.low, range.high, rounding_);
        storeIntegers(&q, y.data, y.dtype(), at[QuantizeWalk::Y] + i * step[QuantizeWalk::Y], 1, 1);
      }
    });
  }

private:
  const Node& node_;
  QuantizeWalk walk_;
  Rounding rounding_;
  bool multiply_;
};

class DequantizeTensorKernel final : public Kernel {
public:
  explicit DequantizeTensorKernel(const Node& node)
      : node_(node), walk_(node.in(0), node.out(), layoutOf(node.in(0).quant)) {}
  void run(Context& context) override {
    const Tensor &x = node_.in(0), &y = node_.out();
    walk_.forRuns(context.pool, [&](const int64_t* at, int64_t count, const int64_t* step) {
      for (int64_t i = 0; i < count; ++i) {
        const size_t s = static_cast<size_t>(at[QuantizeWalk::Scale] + i * step[QuantizeWalk::Scale]);
        int32_t q;
        loadIntegers(x.data, x.dtype(), at[QuantizeWalk::X] + i * step[QuantizeWalk::X], 1, 1, &q);
        y.as<float>()[at[QuantizeWalk::Y] + i * step[QuantizeWalk::Y]] =
            dequantize(q, {x.quant.scale[s], x.quant.zeroPoint[s]});
      }
    });
  }

private:
  const Node& node_;
  QuantizeWalk walk_;
};

class RequantizeKernel final : public Kernel {
public:
  RequantizeKernel(const Node& node, const Requant& rule, QuantizedClamp clamp, const DataKernels& kernels)
      : node_(node), kernels_(kernels), rule_(rule), clamp_(clamp),
        walk_(node.in(0).type.shape, {node.in(0).stride, node.out().stride}) {
    walk_.orderBy(1);
  }
  void run(Context& context) override {
    const Tensor &x = node_.in(0), &y = node_.out();
    const int32_t zeroX = x.zeroPoint(), zeroY = y.zeroPoint();
    context.pool.parallelFor(walk_.elements(), 4096, [&](int64_t begin, int64_t end, int) {
      int32_t row[kRowChunk];
      walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
        for (int64_t i = 0; i < count; i += kRowChunk) {
          const int64_t n = std::min(kRowChunk, count - i);
          loadIntegers(x.data, x.dtype(), offset[0] + i * walk_.step(0), walk_.step(0), n, row);
          requantizeRow(kernels_, row, n, {rule_, zeroX, zeroY, clamp_.low, clamp_.high});
          storeIntegers(row, y.data, y.dtype(), offset[1] + i * walk_.step(1), walk_.step(1), n);
        }
      });
    });
  }

private:
  const Node& node_;
  const DataKernels& kernels_;
  Requant rule_;
  QuantizedClamp clamp_;
  StridedWalk<2> walk_;
};

// One scale, 8 bits, half even: rows of the table of loops, in any two memory orders.
class QuantizeRows final : public Kernel {
public:
  QuantizeRows(const Node& node, const DataKernels& kernels, bool multiply, const RowMap& map)
      : node_(node), loop_(multiply ? kernels.quantizeMultiply8 : kernels.quantizeDivide8), map_(map) {
    const Tensor& y = node.out();
    const StoredRange range = storedRange(y.dtype());
    stage_ = {multiply ? 1.0f / y.scale() : y.scale(), range.low - y.zeroPoint(), range.high - y.zeroPoint(),
              byteForm(y.dtype(), y.zeroPoint())};
  }
  void run(Context& context) override {
    map_.run(context.pool, node_.in(0).as<float>(), node_.out().as<uint8_t>(),
             [&](const float* x, uint8_t* y, int64_t count) { loop_(x, stage_, y, count); });
  }
  const char* name() const override { return "rows"; }

private:
  const Node& node_;
  void (*loop_)(const float*, const FloatStage8&, uint8_t*, int64_t);
  RowMap map_;
  FloatStage8 stage_;
};

class DequantizeRows final : public Kernel {
public:
  DequantizeRows(const Node& node, const DataKernels& kernels, const RowMap& map)
      : node_(node), kernels_(kernels), map_(map) {}
  void run(Context& context) override {
    const Tensor& x = node_.in(0);
    const Byte8 from = byteForm(x.dtype(), x.zeroPoint());
    map_.run(context.pool, x.as<uint8_t>(), node_.out().as<float>(),
             [&](const uint8_t* row, float* y, int64_t count) {
               kernels_.dequantize8(row, from, x.scale(), y, count);
             });
  }
  const char* name() const override { return "rows"; }

private:
  const Node& node_;
  const DataKernels& kernels_;
  RowMap map_;
};

class RequantizeRows final : public Kernel {
public:
  RequantizeRows(const Node& node, const DataKernels& kernels, const Requant& rule, QuantizedClamp clamp,
                 const RowMap& map)
      : node_(node), kernels_(kernels), map_(map) {
    const Tensor& y = node.out();
    stage_ = {rule.scale, clamp.low - y.zeroPoint(), clamp.high - y.zeroPoint(),
              byteForm(y.dtype(), y.zeroPoint())};
  }
  void run(Context& context) override {
    const Tensor& x = node_.in(0);
    const Byte8 from = byteForm(x.dtype(), x.zeroPoint());
    map_.run(context.pool, x.as<uint8_t>(), node_.out().as<uint8_t>(),
             [&](const uint8_t* row, uint8_t* y, int64_t count) {
               kernels_.requantize8(row, from, stage_, y, count);
             });
  }
  const char* name() const override { return "rows"; }

private:
  const Node& node_;
  const DataKernels& kernels_;
  RowMap map_;
  FloatStage8 stage_;
};

bool isByteTensor(const Tensor& t) { return dtypeBytes(t.dtype()) == 1 && t.quant.axis < 0; }
} // namespace

bool inferQuantizeTensor(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!inferElementwise(signature, DType::I8, results, error)) return false;
  if (!isFloat(signature.input(0)->dtype))
    return reject(error, std::string("cannot quantize ") + dtypeName(signature.input(0)->dtype) +
                             "; a float is needed");
  if (signature.attrs.has("quantize") && !checkChoice(signature, "quantize", "divide multiply", error))
    return false;
  Rounding rounding;
  if (signature.attrs.has("rounding") && !parse(signature.attrs.text("rounding"), rounding))
    return reject(error, "unknown rounding '" + signature.attrs.text("rounding") + "'");
  return true;
}

bool inferDequantizeTensor(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  results = {{DType::F32, signature.input(0)->shape}};
  return true;
}

bool inferRequantize(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error) ||
      !inferElementwise(signature, signature.input(0)->dtype, results, error))
    return false;
  RequantPolicy policy;
  return readRequantPolicy(signature.attrs, "requant", policy, error);
}

std::unique_ptr<Kernel> makeQuantizeTensor(const Node& node, const KernelConfig& config, std::string& error) {
  if (node.in(0).dtype() != DType::F32) return reject(error, "16-bit floats need a cast to f32"), nullptr;
  if (!checkQuantized(node.out(), "the result", false, error)) return nullptr;
  Rounding rounding = Rounding::HalfEven;
  parse(node.attrs.text("rounding"), rounding);
  const bool multiply = node.attrs.text("quantize") == "multiply";
  const DataKernels* kernels = dataKernels(config.isa);
  RowMap map;
  if (kernels && rounding == Rounding::HalfEven && isByteTensor(node.out()) &&
      map.plan(node.in(0), node.out(), config.isa))
    return std::make_unique<QuantizeRows>(node, *kernels, multiply, map);
  return std::make_unique<QuantizeTensorKernel>(node, rounding, multiply);
}

std::unique_ptr<Kernel> makeDequantizeTensor(const Node& node, const KernelConfig& config,
                                             std::string& error) {
  if (node.out().dtype() != DType::F32) return reject(error, "the result must be f32"), nullptr;
  if (!checkQuantized(node.in(0), "the operand", false, error)) return nullptr;
  const DataKernels* kernels = dataKernels(config.isa);
  RowMap map;
  if (kernels && isByteTensor(node.in(0)) && map.plan(node.in(0), node.out(), config.isa))
    return std::make_unique<DequantizeRows>(node, *kernels, map);
  return std::make_unique<DequantizeTensorKernel>(node);
}

std::unique_ptr<Kernel> makeRequantize(const Node& node, const KernelConfig& config, std::string& error) {
  QuantizedClamp clamp;
  RequantPolicy policy;
  Requant rule;
  if (!checkQuantized(node.in(0), "the operand", true, error) ||
      !checkQuantized(node.out(), "the result", true, error) ||
      !readClamp(node.attrs, node.out(), clamp, error) ||
      !readRequantPolicy(node.attrs, "requant", policy, error))
    return nullptr;
  const EncodeStatus status = encodeRescale(policy, node.in(0).scale(), node.out().scale(), rule);
  if (!readRequantRule(node.attrs, 0, policy, status, rule, error)) return nullptr;
  const DataKernels* kernels = dataKernels(config.isa);
  RowMap map;
  if (kernels && policy == RequantPolicy::FloatHalfEven && isByteTensor(node.in(0)) &&
      isByteTensor(node.out()) && map.plan(node.in(0), node.out(), config.isa))
    return std::make_unique<RequantizeRows>(node, *kernels, rule, clamp, map);
  return std::make_unique<RequantizeKernel>(node, rule, clamp, rowKernels(config.isa));
}

} // namespace burin::rt
