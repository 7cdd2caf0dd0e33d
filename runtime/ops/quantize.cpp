// nn.quantize and nn.dequantize of source models: scale and zero point are tensors. The table of this family
// is here.
#include "runtime/ops/quantize_ops.h"

#include "runtime/kernels/data_kernels.h"
#include "runtime/numerics/quantize.h"
#include "runtime/ops/integer_block.h"
#include "runtime/ops/integer_rows.h"
#include "runtime/ops/quantize_walk.h"
#include "runtime/ops/row_map.h"

namespace burin::rt {

namespace {
bool isBlocked(const Attrs& attrs) { return attrs.integer("block") > 0; }

// Operand 1 is the scale, operand 2 the zero point; they have one shape.
bool checkParameters(const Signature& signature, std::string& error) {
  const TensorType &x = *signature.input(0), &scale = *signature.input(1), &zero = *signature.input(2);
  if (!isFloat(scale.dtype))
    return reject(error, std::string("the scale is ") + dtypeName(scale.dtype) + "; a float is needed");
  if (scale.shape.elements() != zero.shape.elements())
    return reject(error, "scale " + toString(scale.shape) + " and zero point " + toString(zero.shape) +
                             " differ in shape");
  if (scale.shape.elements() == 1 && scale.shape.rank <= 1 && zero.shape.rank <= 1) return true;
  if (scale.shape != zero.shape)
    return reject(error, "scale " + toString(scale.shape) + " and zero point " + toString(zero.shape) +
                             " differ in shape");
  if (!checkAxis(signature, "axis", x.shape.rank, error)) return false;
  const int axis = static_cast<int>(signature.attrs.integer("axis"));
  if (!isBlocked(signature.attrs)) {
    if (scale.shape == Shape{x.shape[axis]}) return true;
    return reject(error, "a scale of shape " + toString(scale.shape) + " does not fit axis " +
                             std::to_string(axis) + " of " + toString(x.shape));
  }
  if (!checkInts(signature, "block", 1, 1, kMaxElements, error)) return false;
  Shape expected = x.shape;
  const int64_t block = signature.attrs.integer("block");
  expected[axis] = (x.shape[axis] + block - 1) / block;
  if (scale.shape == expected) return true;
  return reject(error, "scale has shape " + toString(scale.shape) + "; blocks of " + std::to_string(block) +
                           " along axis " + std::to_string(axis) + " need " + toString(expected));
}

ScaleLayout parameterLayout(const Node& node) {
  const Tensor &scale = node.in(1), &zero = node.in(2);
  if (scale.type.shape.elements() == 1 && scale.type.shape.rank <= 1) return ScaleLayout();
  const int axis = static_cast<int>(node.attrs.integer("axis"));
  if (!isBlocked(node.attrs)) return axisLayout(axis, scale.stride[0], zero.stride[0]);
  ScaleLayout layout;
  layout.axis = axis;
  layout.block = node.attrs.integer("block");
  std::copy_n(scale.stride, scale.type.shape.rank, layout.scale);
  std::copy_n(zero.stride, zero.type.shape.rank, layout.zero);
  return layout;
}

int32_t zeroPointAt(const Tensor& zero, int64_t offset) {
  int32_t value = 0;
  loadIntegers(zero.data, zero.dtype(), offset, 1, 1, &value);
  return value;
}
int64_t storedAt(const Tensor& x, int64_t offset) {
  return x.dtype() == DType::I64 ? x.as<const int64_t>()[offset] : zeroPointAt(x, offset);
}

class QuantizeKernel final : public Kernel {
public:
  explicit QuantizeKernel(const Node& node)
      : node_(node), walk_(node.in(0), node.out(), parameterLayout(node)) {}
  void run(Context& context) override {
    const Tensor &x = node_.in(0), &scale = node_.in(1), &zero = node_.in(2), &y = node_.out();
    const StoredRange range = storedRange(y.dtype());
    walk_.forRuns(context.pool, [&](const int64_t* at, int64_t count, const int64_t* step) {
      for (int64_t i = 0; i < count; ++i) {
        const Affine to = {scale.as<float>()[at[QuantizeWalk::Scale] + i * step[QuantizeWalk::Scale]],
                           zeroPointAt(zero, at[QuantizeWalk::Zero] + i * step[QuantizeWalk::Zero])};
        const int64_t place = at[QuantizeWalk::X] + i * step[QuantizeWalk::X];
        const float value =
            x.dtype() == DType::F32 ? x.as<float>()[place] : static_cast<float>(x.as<int32_t>()[place]);
        const int32_t q = quantizeDivide(value, to, range.low, range.high, Rounding::HalfEven);
        storeIntegers(&q, y.data, y.dtype(), at[QuantizeWalk::Y] + i * step[QuantizeWalk::Y], 1, 1);
      }
    });
  }

private:
  const Node& node_;
  QuantizeWalk walk_;
};

class DequantizeKernel final : public Kernel {
public:
  explicit DequantizeKernel(const Node& node)
      : node_(node), walk_(node.in(0), node.out(), parameterLayout(node)) {}
  void run(Context& context) override {
    const Tensor &x = node_.in(0), &scale = node_.in(1), &zero = node_.in(2), &y = node_.out();
    walk_.forRuns(context.pool, [&](const int64_t* at, int64_t count, const int64_t* step) {
      for (int64_t i = 0; i < count; ++i) {
        const float s = scale.as<float>()[at[QuantizeWalk::Scale] + i * step[QuantizeWalk::Scale]];
        const int64_t q = storedAt(x, at[QuantizeWalk::X] + i * step[QuantizeWalk::X]);
        const int64_t z = storedAt(zero, at[QuantizeWalk::Zero] + i * step[QuantizeWalk::Zero]);
        y.as<float>()[at[QuantizeWalk::Y] + i * step[QuantizeWalk::Y]] =
            static_cast<float>(wrapSub(q, z)) * s;
      }
    });
  }

private:
  const Node& node_;
  QuantizeWalk walk_;
};

// One scale and bytes: rows of the table of loops, in any two memory orders.
class ScalarQuantizeRows final : public Kernel {
public:
  ScalarQuantizeRows(const Node& node, const DataKernels& kernels, const RowMap& map)
      : node_(node), kernels_(kernels), map_(map) {}
  void run(Context& context) override {
    const Tensor& y = node_.out();
    const StoredRange range = storedRange(y.dtype());
    const int32_t zero = zeroPointAt(node_.in(2), 0);
    const FloatStage8 stage = {node_.in(1).as<float>()[0], range.low - zero, range.high - zero,
                               byteForm(y.dtype(), zero)};
    map_.run(
        context.pool, node_.in(0).as<float>(), y.as<uint8_t>(),
        [&](const float* x, uint8_t* to, int64_t count) { kernels_.quantizeDivide8(x, stage, to, count); });
  }
  const char* name() const override { return "rows"; }

private:
  const Node& node_;
  const DataKernels& kernels_;
  RowMap map_;
};

class ScalarDequantizeRows final : public Kernel {
public:
  ScalarDequantizeRows(const Node& node, const DataKernels& kernels, const RowMap& map)
      : node_(node), kernels_(kernels), map_(map) {}
  void run(Context& context) override {
    const Tensor& x = node_.in(0);
    const Byte8 from = byteForm(x.dtype(), zeroPointAt(node_.in(2), 0));
    const float scale = node_.in(1).as<float>()[0];
    map_.run(context.pool, x.as<uint8_t>(), node_.out().as<float>(),
             [&](const uint8_t* row, float* y, int64_t count) {
               kernels_.dequantize8(row, from, scale, y, count);
             });
  }
  const char* name() const override { return "rows"; }

private:
  const Node& node_;
  const DataKernels& kernels_;
  RowMap map_;
};

bool hasOneScale(const Node& node) { return node.in(1).type.shape.elements() == 1 && !isBlocked(node.attrs); }
} // namespace

bool inferQuantize(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 3, 3, error) || !checkParameters(signature, error)) return false;
  const TensorType &x = *signature.input(0), &zero = *signature.input(2);
  if (!isFloat(x.dtype) && x.dtype != DType::I32)
    return reject(error, std::string("cannot quantize ") + dtypeName(x.dtype) + "; a float or i32 is needed");
  if (!isSmallInteger(zero.dtype))
    return reject(error, std::string("cannot quantize to ") + dtypeName(zero.dtype));
  results = {{zero.dtype, x.shape}};
  return true;
}

bool inferDequantize(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 3, 3, error) || !checkParameters(signature, error)) return false;
  const TensorType &x = *signature.input(0), &zero = *signature.input(2);
  if (!isSmallInteger(x.dtype) && x.dtype != DType::I32 && x.dtype != DType::I64)
    return reject(error, std::string("cannot dequantize ") + dtypeName(x.dtype));
  if (zero.dtype != x.dtype)
    return reject(error, std::string("the zero point is ") + dtypeName(zero.dtype) + ", the operand " +
                             dtypeName(x.dtype));
  results = {{DType::F32, x.shape}};
  return true;
}

std::unique_ptr<Kernel> makeQuantize(const Node& node, const KernelConfig& config, std::string& error) {
  if (node.in(1).dtype() != DType::F32 ||
      (node.in(0).dtype() != DType::F32 && node.in(0).dtype() != DType::I32)) {
    error = "16-bit floats need a cast to f32";
    return nullptr;
  }
  RowMap map;
  const DataKernels* kernels = dataKernels(config.isa);
  if (kernels && hasOneScale(node) && node.in(0).dtype() == DType::F32 &&
      dtypeBytes(node.out().dtype()) == 1 && map.plan(node.in(0), node.out(), config.isa))
    return std::make_unique<ScalarQuantizeRows>(node, *kernels, map);
  return std::make_unique<QuantizeKernel>(node);
}

std::unique_ptr<Kernel> makeDequantize(const Node& node, const KernelConfig& config, std::string& error) {
  if (node.in(1).dtype() != DType::F32 || node.out().dtype() != DType::F32) {
    error = "16-bit floats need a cast to f32";
    return nullptr;
  }
  RowMap map;
  const DataKernels* kernels = dataKernels(config.isa);
  if (kernels && hasOneScale(node) && dtypeBytes(node.in(0).dtype()) == 1 &&
      map.plan(node.in(0), node.out(), config.isa))
    return std::make_unique<ScalarDequantizeRows>(node, *kernels, map);
  return std::make_unique<DequantizeKernel>(node);
}

static const OpDef kOps[] = {
    {"nn.quantize", inferQuantize, makeQuantize},
    {"nn.dequantize", inferDequantize, makeDequantize},
    {"qnn.quantize", inferQuantizeTensor, makeQuantizeTensor},
    {"qnn.dequantize", inferDequantizeTensor, makeDequantizeTensor},
    {"qnn.requantize", inferRequantize, makeRequantize},
};
extern const OpTable kQuantizeOps;
const OpTable kQuantizeOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
