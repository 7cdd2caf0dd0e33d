// Functions of one activation: a table of what the function gives for every stored value.
#include "lib/quantize/rules.h"

#include "runtime/core/op.h"
#include "runtime/numerics/pieces.h"
#include "runtime/numerics/table_tflite.h"

#include <cmath>

using namespace mlir;

namespace burin::quantize {

namespace {
// What the table was made from, for readers and exporters: fn with its parameters, or with a constant
// operand.
NamedAttrList functionOf(Operation* op, int activation, Builder b) {
  NamedAttrList attributes;
  for (StringRef name : {"fn", "alpha", "beta"})
    if (Attribute a = op->getAttr(name)) attributes.set(name, a);
  if (op->getNumOperands() < 2) return attributes;
  attributes.set("constant", b.getDenseF32ArrayAttr(nn::constantFloats(op->getOperand(1 - activation))));
  attributes.set("constant_first", b.getBoolAttr(activation == 1));
  return attributes;
}

struct TableProblem {
  Operation* op;
  int activation; // which operand; the other one, if any, is a constant
  const Integers &from, &to;
  int64_t channel;
  const RuleContext& context;

  rt::TableScales scales() const {
    return {{from.channelScale(channel), from.affine.zeroPoint},
            {to.channelScale(channel), to.affine.zeroPoint},
            to.form.low,
            to.form.high};
  }
  int32_t count() const { return from.form.bits() > 8 ? 65536 : 256; }
  int32_t first() const { return from.form.isSigned() ? -count() / 2 : 0; }
  float parameter(StringRef name, float fallback) const {
    auto value = op->getAttrOfType<FloatAttr>(name);
    return value ? static_cast<float>(value.getValueAsDouble()) : fallback;
  }
};

// The op itself, run in float on these values.
Result<std::vector<float>> evaluated(const TableProblem& p, std::vector<float> x) {
  std::vector<float> other;
  const int64_t count = static_cast<int64_t>(x.size());
  nn::ConstantTensor input{{rt::DType::F32, {count}}, x.data()}, constant{{rt::DType::F32, {1}}, nullptr};
  std::vector<nn::ConstantTensor*> operands{&input};
  if (p.op->getNumOperands() == 2) {
    other = nn::constantFloats(p.op->getOperand(1 - p.activation));
    constant.data = &other[other.size() == 1 ? 0 : static_cast<size_t>(p.channel)];
    operands.insert(p.activation == 0 ? operands.end() : operands.begin(), &constant);
  }
  BURIN_ASSIGN(auto results, nn::evaluate(p.op->getName().getStringRef().str(),
                                          nn::programAttrs(p.op->getAttrDictionary()), operands));
  const float* y = reinterpret_cast<const float*>(results[0].second.data());
  return std::vector<float>(y, y + count);
}

// On every stored value.
Result<std::vector<float>> realTable(const TableProblem& p) {
  std::vector<float> x;
  for (int32_t i = 0; i < p.count(); ++i) x.push_back(rt::dequantize(p.first() + i, p.scales().from));
  return evaluated(p, std::move(x));
}

using Entry = std::function<int32_t(int32_t)>;

Entry clipEntry(const rt::TableScales& s, float low, float high) {
  auto bound = [&](float x) { return rt::quantizeDivide(x, s.to, s.low, s.high, rt::Rounding::HalfAway); };
  const int32_t lowest = std::isfinite(low) ? bound(low) : s.low,
                highest = std::isfinite(high) ? bound(high) : s.high;
  return [=](int32_t q) { return rt::clipTflite(q, lowest, highest, s); };
}

// The slope of a channel as the model stores it; null when it does not.
Entry preluEntry(const TableProblem& p, const rt::TableScales& s) {
  const StoredConstant* stored = p.context.storedOf(p.op->getOperand(1));
  if (!stored || stored->scale.size() != 1 || rt::dtypeBytes(stored->type.dtype) != 1) return {};
  const char byte = stored->bytes[stored->bytes.size() == 1 ? 0 : static_cast<size_t>(p.channel)];
  const int32_t value =
      stored->type.dtype == rt::DType::I8 ? static_cast<signed char>(byte) : static_cast<unsigned char>(byte);
  const int32_t alpha = value - static_cast<int32_t>(stored->zeroPoint[0]);
  return [=, scale = stored->scale[0]](int32_t q) { return rt::preluTflite(q, alpha, scale, s); };
}

Entry sigmoidEntry(const TableProblem& p, const rt::TableScales& s, bool tanh) {
  rt::Sigmoid16 sigmoid;
  const bool symmetric = s.from.zeroPoint == 0 && s.to.zeroPoint == 0 && s.to.scale == 1.0f / 32768;
  if (p.count() != 65536 || !symmetric || !sigmoid.encode(s.from.scale, tanh)) return {};
  return sigmoid;
}

// [PIECES-TFLITE16] What TensorFlow Lite reads off straight pieces of a float function.
Result<Entry> piecesEntry(const TableProblem& p, const rt::TableScales& s) {
  constexpr int kCount = rt::Pieces16::kCount;
  const float low = s.from.scale * INT16_MIN, high = s.from.scale * INT16_MAX, step = (high - low) / kCount;
  std::vector<float> x;
  for (int i = 0; i <= kCount; ++i) x.push_back(i < kCount ? low + static_cast<float>(i) * step : high);
  for (int i = 0; i < kCount; ++i) x.push_back(low + static_cast<float>(i) * step + step / 2);
  BURIN_ASSIGN(std::vector<float> y, evaluated(p, std::move(x)));
  float ends[kCount + 1], middles[kCount];
  std::copy_n(y.begin(), kCount + 1, ends);
  std::copy_n(y.begin() + kCount + 1, kCount, middles);
  rt::Pieces16 pieces;
  pieces.fill(ends, middles, 65536 / (s.to.scale * INT16_MAX - s.to.scale * INT16_MIN));
  return Entry([=](int32_t q) { return pieces.at(q); });
}

bool readsPieces(const TableProblem& p, const rt::TableScales& s) {
  const StringRef fn = p.op->getAttrOfType<StringAttr>("fn").getValue();
  return p.count() == 65536 && s.low == INT16_MIN && s.from.zeroPoint == 0 && s.to.zeroPoint == 0 &&
         (fn == "exp" || fn == "gelu" || fn == "gelu_tanh");
}

// A product of a tensor with itself.
Entry squareEntry(const rt::TableScales& s) {
  rt::Requant r;
  const double scale = rt::multiplyScale(rt::RequantPolicy::Tflite, s.from.scale, s.from.scale, s.to.scale);
  if (rt::encodeRequant(rt::RequantPolicy::Tflite, scale, r) != rt::EncodeStatus::Ok) return {};
  const int32_t zero = s.from.zeroPoint;
  if (zero != 0 && s.low < -128) return {}; // a square of 34 bits, which TFLite's 16-bit tensors have not
  return [=](int32_t q) { return rt::multiplyQuantized(q, q, zero, zero, r, s.to.zeroPoint, s.low, s.high); };
}

// [LUT-TFLITE] What TensorFlow Lite computes in fixed point; null for any other function.
Entry tfliteEntry(const TableProblem& p) {
  const rt::TableScales s = p.scales();
  const StringRef fn = p.op->getAttrOfType<StringAttr>("fn").getValue();
  if (fn == "sigmoid" || fn == "tanh") return sigmoidEntry(p, s, fn == "tanh");
  if (fn == "prelu") return preluEntry(p, s);
  if (fn == "relu") return clipEntry(s, 0, INFINITY);
  if (fn == "clip") return clipEntry(s, p.parameter("alpha", -INFINITY), p.parameter("beta", INFINITY));
  if (fn == "abs") return [=](int32_t q) { return rt::absoluteTflite(q, s); };
  if (fn == "hard_swish" && p.count() == 256) return [=](int32_t q) { return rt::hardSwishTflite(q, s); };
  if (fn == "square") return squareEntry(s);
  if (fn == "rsqrt" && s.low == -128) return [=](int32_t q) { return rt::inverseRootTflite(q, s); };
  if (fn == "sqrt" && s.low < 0) return [=](int32_t q) { return rt::rootTflite(q, s); };
  if (fn == "leaky_relu")
    return [=, alpha = p.parameter("alpha", 0)](int32_t q) { return rt::leakyReluTflite(q, alpha, s); };
  return {};
}

// The table of one channel; entry i belongs to the stored bits i.
Result<std::vector<int32_t>> tableOf(const TableProblem& p) {
  const rt::TableScales s = p.scales();
  const Target& target = p.context.target;
  const bool tflite = target.arithmetic.functions == FunctionRule::Tflite;
  Entry entry = tflite ? tfliteEntry(p) : Entry();
  if (tflite && readsPieces(p, s)) {
    BURIN_ASSIGN(entry, piecesEntry(p, s));
  }
  if (!entry) {
    BURIN_ASSIGN(std::vector<float> y, realTable(p));
    entry = [=, y = std::move(y), first = p.first(), rounding = target.lut.rounding](int32_t q) {
      const float real = y[static_cast<size_t>(q - first)];
      return tflite ? rt::quantizeMultiply(real, s.to, s.low, s.high, rounding)
                    : rt::quantizeDivide(real, s.to, s.low, s.high, rounding);
    };
  }
  std::vector<int32_t> table(static_cast<size_t>(p.count()));
  for (int32_t q = p.first(); q < p.first() + p.count(); ++q)
    table[static_cast<size_t>(q & (p.count() - 1))] = entry(q);
  return table;
}

// How many tables the constant operand asks for: one, or one per index of an axis of x.
struct TableRows {
  int64_t count = 1, axis = 1;
};
Result<TableRows> tableRows(Operation* op, int activation) {
  if (op->getNumOperands() < 2) return TableRows();
  auto type = cast<RankedTensorType>(op->getOperand(activation).getType());
  auto constant = cast<RankedTensorType>(op->getOperand(1 - activation).getType());
  if (!nn::isConstant(op->getOperand(1 - activation)))
    return fail(ErrorCode::Unsupported, "its parameters are computed at run time");
  if (constant.getNumElements() == 1) return TableRows();
  for (int64_t i = 0; i < constant.getRank(); ++i) {
    const int64_t axis = type.getRank() - constant.getRank() + i, rows = constant.getDimSize(i);
    if (rows == constant.getNumElements() && axis >= 0 && type.getDimSize(axis) == rows)
      return TableRows{rows, axis};
  }
  return fail(ErrorCode::Unsupported, "its constant is neither a scalar nor one value per channel");
}
} // namespace

Value emitTable(const TableUse& use, ArrayRef<int32_t> entries, NamedAttrList attributes, RuleContext& c) {
  Builder b(use.type.getContext());
  const int64_t perRow = rt::dtypeBytes(nn::typeOf(use.x).dtype) == 1 ? 256 : 65536;
  const int64_t rows = static_cast<int64_t>(entries.size()) / perRow;
  std::vector<int64_t> shape = {perRow};
  if (rows > 1) {
    shape = {rows, perRow};
    attributes.set("axis", b.getI64IntegerAttr(use.axis));
  }
  rt::TensorType type;
  nn::tensorType(use.type, type);
  const int64_t width = rt::dtypeBytes(type.dtype);
  std::vector<char> bytes;
  for (int32_t entry : entries)
    for (int64_t i = 0; i < width; ++i) bytes.push_back(static_cast<char>(entry >> 8 * i));
  Value table = c.emit.constantRaw(bytes, shape, nn::elementType(use.type.getContext(), type.dtype), {});
  return c.emit.create("qnn.lut", {use.x, table}, use.type, attributes, use.name, use.node)->getResult(0);
}

Status quantizeLut(Operation* op, RuleContext& c) {
  const int activation = op->getNumOperands() == 2 && nn::isConstant(op->getOperand(0)) ? 1 : 0;
  Value x = op->getOperand(activation), result = op->getResult(0);
  StringRef fn = op->getAttrOfType<StringAttr>("fn").getValue();
  if (!c.target.lut.has(fn))
    return fail(ErrorCode::Unsupported, c.target.name + " has no table for '" + fn.str() + "'");
  Result<TableRows> some = tableRows(op, activation);
  if (!some && fn == "prelu" && c.target.arithmetic.functions == FunctionRule::Tflite)
    return quantizePair(op, fn, llvm::to_vector(op->getOperands()), c);
  BURIN_ASSIGN(TableRows rows, std::move(some));
  const Integers &from = c.emit.scaleOf(x), &to = c.emit.scaleOf(result);
  const int64_t channels = static_cast<int64_t>(std::max(from.channels.size(), to.channels.size()));
  if (channels > 1 && rows.count > 1 && rows.axis != 1)
    return fail(ErrorCode::Unsupported, "its constant and its scales go along different axes");
  if (channels > 1) rows = {channels, 1};
  std::vector<int32_t> tables;
  for (int64_t row = 0; row < rows.count; ++row) {
    BURIN_ASSIGN(std::vector<int32_t> table, tableOf({op, activation, from, to, row, c}));
    tables.insert(tables.end(), table.begin(), table.end());
  }
  const TableUse use{c.emit.integer(x), c.emit.integerType(result), c.emit.integerName(result),
                     nn::nodeName(op), rows.axis};
  c.emit.setInteger(result, emitTable(use, tables, functionOf(op, activation, Builder(op->getContext())), c));
  return {};
}

} // namespace burin::quantize
