// The functions of qnn.binary that only TensorFlow Lite's reference kernels compute in fixed point: `rule` is
// tflite, operands have 8 bits, the numbers follow from the tensors' scales.
#include "runtime/ops/qelementwise_ops.h"

namespace burin::rt {

bool isPairFn(QBinaryFn fn) { return fn >= QBinaryFn::SquaredDifference; }
bool isComparison(QBinaryFn fn) { return fn >= QBinaryFn::Equal; }

bool checkPair(const Signature& signature, std::string& error) {
  if (signature.attrs.text("rule") != "tflite")
    return reject(error, "function '" + signature.attrs.text("fn") + "' has the rule tflite alone");
  for (const TensorType* operand : signature.inputs)
    if (operand->dtype != DType::I8 && operand->dtype != DType::U8)
      return reject(error, std::string("an operand is ") + dtypeName(operand->dtype) +
                               "; 8 bit integers are needed");
  return true;
}

bool readPair(const Node& node, QBinaryFn fn, PairTflite& pair, std::string& error) {
  const float a = node.in(0).scale(), b = node.in(1).scale();
  const Tensor& y = node.out();
  if (isComparison(fn) && y.dtype() != DType::Bool)
    return reject(error, std::string("the result is ") + dtypeName(y.dtype()) + "; a comparison gives bool");
  const EncodeStatus status = isComparison(fn)         ? encodeCompareTflite(a, b, pair)
                              : fn == QBinaryFn::Prelu ? encodePreluTflite(a, b, y.scale(), pair)
                              : fn == QBinaryFn::Div   ? encodeDivideTflite(a, b, y.scale(), pair)
                                                       : encodeSquaredDifferenceTflite(a, b, y.scale(), pair);
  return status == EncodeStatus::Ok ||
         reject(error, std::string("the ratio of its scales ") + describe(status));
}

namespace {
template <class Function>
void valueRow(int32_t* a, const int32_t* b, int64_t count, const QBinaryRule& rule, const Function& f) {
  const AddParameters& p = rule.add;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t value = f(a[i] - p.zeroPointA, b[i] - p.zeroPointB, rule.pair);
    a[i] = static_cast<int32_t>(saturate(value + p.zeroPointOut, p.low, p.high));
  }
}

template <class Function>
void comparisonRow(int32_t* a, const int32_t* b, int64_t count, const QBinaryRule& rule, const Function& f) {
  const AddParameters& p = rule.add;
  for (int64_t i = 0; i < count; ++i)
    a[i] =
        f(comparedTflite(a[i] - p.zeroPointA, rule.pair.a), comparedTflite(b[i] - p.zeroPointB, rule.pair.b));
}
} // namespace

void pairRow(int32_t* a, const int32_t* b, int64_t count, const QBinaryRule& rule) {
  switch (rule.fn) {
  case QBinaryFn::Prelu:
    return valueRow(a, b, count, rule, preluTflite);
  case QBinaryFn::Div:
    return valueRow(a, b, count, rule, divideTflite);
  case QBinaryFn::Equal:
    return comparisonRow(a, b, count, rule, [](int32_t x, int32_t y) { return x == y; });
  case QBinaryFn::Less:
    return comparisonRow(a, b, count, rule, [](int32_t x, int32_t y) { return x < y; });
  case QBinaryFn::LessEqual:
    return comparisonRow(a, b, count, rule, [](int32_t x, int32_t y) { return x <= y; });
  case QBinaryFn::Greater:
    return comparisonRow(a, b, count, rule, [](int32_t x, int32_t y) { return x > y; });
  case QBinaryFn::GreaterEqual:
    return comparisonRow(a, b, count, rule, [](int32_t x, int32_t y) { return x >= y; });
  default:
    return valueRow(a, b, count, rule, squaredDifferenceTflite);
  }
}

} // namespace burin::rt
