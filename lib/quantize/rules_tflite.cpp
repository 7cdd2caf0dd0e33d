// Operators that a target computes in TensorFlow Lite's fixed point, where a model brings their scales along.
#include "lib/quantize/rules.h"

#include "runtime/core/op.h"
#include "runtime/numerics/softmax.h"

using namespace mlir;

namespace burin::quantize {

namespace {
// softmax(beta * x) on the integers of x.
struct ScaledOperand {
  Value x;
  double beta = 1;
};
ScaledOperand scaledOperand(Operation* softmax, RuleContext& c) {
  Value x = softmax->getOperand(0);
  Operation* product = x.getDefiningOp();
  if (std::optional<float> factor = constantFactor(product);
      factor && c.emit.hasScale(product->getOperand(0)))
    return {product->getOperand(0), *factor};
  return {x, 1};
}

rt::EncodeStatus softmaxStatus(double beta, float scale, bool words) {
  if (rt::Softmax16Parameters parameters; words) return rt::encodeSoftmax(beta, scale, parameters);
  rt::SoftmaxParameters parameters;
  return rt::encodeSoftmax(beta, scale, parameters);
}
} // namespace

std::optional<float> constantFactor(Operation* op) {
  if (!op || op->getName().getStringRef() != "nn.binary" || nn::isConstant(op->getOperand(0)) ||
      op->getAttrOfType<StringAttr>("fn").getValue() != "mul")
    return std::nullopt;
  const std::vector<float> values =
      nn::isConstant(op->getOperand(1)) ? nn::constantFloats(op->getOperand(1)) : std::vector<float>();
  if (values.size() != 1 || !(values[0] > 0)) return std::nullopt;
  return values[0];
}

Status quantizeSoftmax(Operation* op, RuleContext& c) {
  Value result = op->getResult(0);
  const Integers& to = c.emit.scaleOf(result);
  auto log = op->getAttrOfType<BoolAttr>("log");
  if (c.target.arithmetic.softmax != FunctionRule::Tflite || (log && log.getValue()))
    return fail(ErrorCode::Unsupported, "no integer rule");
  const bool words = to.dtype == rt::DType::I16;
  if (to.affine.scale != (words ? 1.0f / 32768 : 1.0f / 256) ||
      to.affine.zeroPoint != (words ? 0 : to.form.low))
    return fail(ErrorCode::Unsupported,
                words ? "its result does not have the scale 1/32768 around 0"
                      : "its result does not have the scale 1/256 from the lowest integer");
  const auto [x, beta] = scaledOperand(op, c);
  const Integers& from = c.emit.scaleOf(x);
  if (auto status = softmaxStatus(beta, from.affine.scale, words); status != rt::EncodeStatus::Ok)
    return fail(ErrorCode::Unsupported, std::string("its scale ") + rt::describe(status));
  if (from.dtype != to.dtype)
    return fail(ErrorCode::Unsupported, "its operand and its result are integers of different types");
  NamedAttrList attributes = geometry(op);
  if (beta != 1) attributes.set("beta", Builder(op->getContext()).getF32FloatAttr(static_cast<float>(beta)));
  c.emit.setInteger(result, c.emit
                                .create("qnn.softmax", {c.emit.integer(x)}, c.emit.integerType(result),
                                        attributes, c.emit.integerName(result), nn::nodeName(op))
                                ->getResult(0));
  return {};
}

Status quantizeResize(Operation* op, RuleContext& c) {
  Value x = op->getOperand(0), result = op->getResult(0);
  if (c.target.arithmetic.resize != FunctionRule::Tflite)
    return fail(ErrorCode::Unsupported, "no integer rule");
  if (!(c.emit.scaleOf(x) == c.emit.scaleOf(result)))
    return fail(ErrorCode::Unsupported, "its operand and its result have different scales");
  // The op's own rule knows what it resamples: where it refuses, the float op stays.
  const rt::Attrs attrs = nn::programAttrs(op->getAttrDictionary());
  rt::TensorType type = nn::typeOf(x);
  type.dtype = c.emit.scaleOf(x).dtype;
  std::vector<rt::TensorType> results;
  std::string why;
  if (!rt::inferTypes("qnn.resize", rt::Signature{attrs, {&type}}, results, why))
    return fail(ErrorCode::Unsupported, why);
  c.emit.setInteger(result, c.emit
                                .create("qnn.resize", {c.emit.integer(x)}, c.emit.integerType(result),
                                        geometry(op), c.emit.integerName(result), nn::nodeName(op))
                                ->getResult(0));
  return {};
}

} // namespace burin::quantize
