// Functions of one element, of two, selection and conversion.
#include "lib/export/op_writer.h"
#include "lib/nn/builder.h"

#include <cmath>

namespace burin::onnx_export {

namespace {
struct Function {
  const char* type;
  const char* alpha = nullptr; // names of the attributes that hold alpha and beta
  const char* beta = nullptr;
};

const std::map<std::string, Function, std::less<>>& functions() {
  static const std::map<std::string, Function, std::less<>> table = {
      {"relu", {"Relu"}},
      {"leaky_relu", {"LeakyRelu", "alpha"}},
      {"elu", {"Elu", "alpha"}},
      {"selu", {"Selu", "alpha", "gamma"}},
      {"celu", {"Celu", "alpha"}},
      {"sigmoid", {"Sigmoid"}},
      {"hard_sigmoid", {"HardSigmoid", "alpha", "beta"}},
      {"hard_swish", {"HardSwish"}},
      {"mish", {"Mish"}},
      {"tanh", {"Tanh"}},
      {"softplus", {"Softplus"}},
      {"softsign", {"Softsign"}},
      {"thresholded_relu", {"ThresholdedRelu", "alpha"}},
      {"shrink", {"Shrink", "lambd", "bias"}},
      {"exp", {"Exp"}},
      {"log", {"Log"}},
      {"sqrt", {"Sqrt"}},
      {"reciprocal", {"Reciprocal"}},
      {"neg", {"Neg"}},
      {"abs", {"Abs"}},
      {"ceil", {"Ceil"}},
      {"floor", {"Floor"}},
      {"round", {"Round"}},
      {"sign", {"Sign"}},
      {"erf", {"Erf"}},
      {"sin", {"Sin"}},
      {"cos", {"Cos"}},
      {"tan", {"Tan"}},
      {"asin", {"Asin"}},
      {"acos", {"Acos"}},
      {"atan", {"Atan"}},
      {"sinh", {"Sinh"}},
      {"cosh", {"Cosh"}},
      {"asinh", {"Asinh"}},
      {"acosh", {"Acosh"}},
      {"atanh", {"Atanh"}},
      {"not", {"Not"}},
      {"bit_not", {"BitwiseNot"}},
      {"is_nan", {"IsNaN"}},
      {"identity", {"Identity"}}};
  return table;
}

// x/2 * (1 + erf(x / sqrt 2)), Hendrycks and Gimpel 2016.
void gelu(OpWriter& w, const std::string& x) {
  std::string erf = w.make("Erf", {w.make("Div", {x, w.constFloat("root2", std::sqrt(2.0f))})});
  std::string twice = w.make("Mul", {x, w.make("Add", {erf, w.constFloat("one", 1)})});
  w.write("Mul", {twice, w.constFloat("half", 0.5f)});
}

// The same with erf(x / sqrt 2) ~ tanh(sqrt(2/pi) * (x + 0.044715 x^3)).
void geluTanh(OpWriter& w, const std::string& x) {
  std::string cube = w.make("Mul", {w.make("Mul", {x, x}, {}, "square"), x}, {}, "cube");
  std::string inner =
      w.make("Add", {x, w.make("Mul", {cube, w.constFloat("cubic", 0.044715f)})}, {}, "inner");
  std::string tanh = w.make("Tanh", {w.make("Mul", {inner, w.constFloat("slope", 0.7978845608f)})});
  std::string twice = w.make("Mul", {x, w.make("Add", {tanh, w.constFloat("one", 1)})});
  w.write("Mul", {twice, w.constFloat("half", 0.5f)});
}

// Does the quantization behind a clip, or behind what moves its elements, saturate at the clip's bounds or
// inside them? Then the clip changes nothing. onnxruntime 1.30 drops such clips, too, but where the bounds
// differ in float's last bit its optimizer leaves two nodes of one name and refuses the model.
bool saturatesAnyway(mlir::Operation* clip, float low, float high) {
  mlir::Operation* reader = clip;
  do {
    if (!reader->getResult(0).hasOneUse()) return false;
    reader = *reader->getResult(0).user_begin();
  } while (mlir::isa<nn::TransposeOp, nn::ReshapeOp>(reader));
  auto quantize = mlir::dyn_cast<nn::QuantizeOp>(reader);
  if (!quantize) return false;
  const std::vector<float> scale = nn::constantFloats(quantize.getScale());
  const std::vector<int64_t> zero = nn::constantInts(quantize.getZeroPoint());
  const rt::DType dtype = nn::typeOf(quantize.getResult()).dtype;
  if (scale.size() != 1 || zero.size() != 1 || rt::dtypeBytes(dtype) != 1) return false;
  auto integer = [&](float real) { return std::nearbyint(real / scale[0]) + static_cast<double>(zero[0]); };
  const bool isSigned = dtype == rt::DType::I8;
  return integer(low) <= (isSigned ? -128 : 0) && integer(high) >= (isSigned ? 127 : 255);
}

void clip(OpWriter& w, const std::string& x) {
  auto bound = [&](const char* attribute, float none) {
    const float v = w.real(attribute, none);
    return std::isinf(v) ? std::string() : w.constLike(attribute, w.resultDType(), v);
  };
  const float infinity = std::numeric_limits<float>::infinity();
  if (saturatesAnyway(w.op, w.real("alpha", -infinity), w.real("beta", infinity)))
    return w.write("Identity", {x});
  w.write("Clip", {x, bound("alpha", -infinity), bound("beta", infinity)});
}

// Sign of the divisor; ONNX's Mod of floats takes the dividend's.
void flooredModulo(OpWriter& w, const std::string& a, const std::string& b) {
  std::string whole = w.make("Floor", {w.make("Div", {a, b})});
  w.write("Sub", {a, w.make("Mul", {whole, b})});
}

bool unary(OpWriter& w) { return writeFunction(w, w.text("fn")); }

bool binary(OpWriter& w) {
  w.beginClamp();
  if (!writeBinary(w, w.text("fn"), w.in[0], w.in[1])) return false;
  w.finishClamp();
  return true;
}

bool select(OpWriter& w) {
  w.write("Where", {w.in[0], w.in[1], w.in[2]});
  return true;
}

bool convert(OpWriter& w) {
  w.write("Cast", {w.in[0]}, {{"to", int64_t(onnxType(w.resultDType()))}});
  return true;
}

constexpr HandlerEntry kHandlers[] = {
    {"unary", unary}, {"binary", binary}, {"select", select}, {"cast", convert}};
} // namespace

bool writeFunction(OpWriter& w, const std::string& fn) {
  const std::string x = w.in[0];
  if (auto it = functions().find(fn); it != functions().end()) {
    Attributes attributes;
    if (it->second.alpha && w.has("alpha")) attributes.push_back({it->second.alpha, w.real("alpha")});
    if (it->second.beta && w.has("beta")) attributes.push_back({it->second.beta, w.real("beta")});
    w.write(it->second.type, {x}, attributes);
  } else if (fn == "silu")
    w.write("Mul", {x, w.make("Sigmoid", {x})});
  else if (fn == "rsqrt")
    w.write("Reciprocal", {w.make("Sqrt", {x})});
  else if (fn == "square")
    w.write("Mul", {x, x});
  else if (fn == "gelu")
    gelu(w, x);
  else if (fn == "gelu_tanh")
    geluTanh(w, x);
  else if (fn == "clip")
    clip(w, x);
  else if (fn == "is_inf")
    w.write("IsInf", {x},
            {{"detect_negative", int64_t(w.real("alpha", 1) != 0)},
             {"detect_positive", int64_t(w.real("beta", 1) != 0)}});
  else
    return false;
  return true;
}

bool writeBinary(OpWriter& w, const std::string& fn, const std::string& a, const std::string& b) {
  static const std::map<std::string, const char*, std::less<>> types = {{"add", "Add"},
                                                                        {"sub", "Sub"},
                                                                        {"mul", "Mul"},
                                                                        {"div", "Div"},
                                                                        {"pow", "Pow"},
                                                                        {"min", "Min"},
                                                                        {"max", "Max"},
                                                                        {"prelu", "PRelu"},
                                                                        {"and", "And"},
                                                                        {"or", "Or"},
                                                                        {"xor", "Xor"},
                                                                        {"equal", "Equal"},
                                                                        {"less", "Less"},
                                                                        {"greater", "Greater"},
                                                                        {"less_equal", "LessOrEqual"},
                                                                        {"greater_equal", "GreaterOrEqual"},
                                                                        {"bit_and", "BitwiseAnd"},
                                                                        {"bit_or", "BitwiseOr"},
                                                                        {"bit_xor", "BitwiseXor"}};
  // The slope may only be the smaller operand.
  if (fn == "prelu" && w.op->getNumOperands() == 2 && w.shape(0) != w.resultShape())
    w.write("PRelu", {w.make("Expand", {a, w.constInts("shape", w.resultShape())}), b});
  else if (auto it = types.find(fn); it != types.end())
    w.write(it->second, {a, b});
  else if (fn == "fmod")
    w.write("Mod", {a, b}, {{"fmod", int64_t(1)}});
  else if (fn == "squared_difference") {
    std::string difference = w.make("Sub", {a, b}, {}, "difference");
    w.write("Mul", {difference, difference});
  } else if (fn == "mod" && rt::isFloat(w.resultDType()))
    flooredModulo(w, a, b);
  else if (fn == "mod")
    w.write("Mod", {a, b});
  else if (fn == "shift_left" || fn == "shift_right")
    w.write("BitShift", {a, b}, {{"direction", std::string(fn == "shift_left" ? "LEFT" : "RIGHT")}});
  else
    return false;
  return true;
}

std::span<const HandlerEntry> elementwiseHandlers() { return kHandlers; }

} // namespace burin::onnx_export
