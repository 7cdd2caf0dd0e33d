// Quantized tensors: their real values stand in the graph, each behind nn.quantize and nn.dequantize.
#include "lib/import/torch/pickle_builders.h"
#include "lib/import/torch/rules.h"

#include <cmath>
#include <fmt/format.h>

namespace burin::torch {

namespace {
using rt::DType;

constexpr const char* kPacked = "packed parameters"; // type of the object that stands for them

Value dequantize(Call& c, Value integers, const Quantization& q, nn::Fold fold) {
  return c.emit("dequantize", {integers, q.scale, q.zeroPoint}, c.attrs().i("axis", q.axis), fold);
}

Quantization perTensor(Call& c, double scale, int64_t zeroPoint, DType type) {
  return {c.scalar(scale, DType::F32), c.scalar(static_cast<double>(zeroPoint), type), 0};
}

// The type of activations: what its input has, u8 for want of one.
DType typeLike(Call& c, const char* name) {
  const Tensor* t = c.variable(name);
  return t && t->quantization ? Call::dtype(t->quantization->zeroPoint) : DType::U8;
}

void giveWith(Call& c, Value x, const Quantization& q) { c.giveQuantized(emitQuantized(c, x, q), q); }

// In the scale and zero point that the call names.
void giveRequantized(Call& c, Value x, const char* like) {
  giveWith(c, x, perTensor(c, c.real("scale"), c.integer("zero_point"), typeLike(c, like)));
}

Value parameter(Call& c, const Data& data, DType type) {
  Value v = c.cast(c.number(data), type);
  return v && Call::shape(v).elements() == 1 ? c.reshape(v, {}) : v;
}

//===-- quantize and dequantize
//-----------------------------------------------------------------------------------===//

void quantize(Call& c) {
  Value x = asFloat(c, c.tensor("self"));
  auto type = c.type("dtype");
  if (c.failed() || !type) return;
  Quantization q{parameter(c, c.data("scale"), DType::F32), parameter(c, c.data("zero_point"), *type), 0};
  if (isVariant(c, "channel")) q.axis = c.axis(c.integer("axis"), Call::rank(x));
  giveWith(c, x, q);
}

void plainValue(Call& c) {
  Tensor* copy = c.heap().tensor(c.tensor("self"));
  c.give(Data(copy));
}

//===-- packed parameters
//----------------------------------------------------------------------------------------===//

Object& packedOf(Call& c) {
  if (Object* object = pointer<Object>(c.data("packed"))) return *object;
  c.invalid("its parameters are not packed");
  return *c.heap().object("");
}

void pack(Call& c) {
  Object* packed = c.heap().object(kPacked);
  for (const char* name : {"weight", "bias"}) packed->attributes[name] = c.data(name);
  if (!isVariant(c, "linear"))
    for (const char* name : {"stride", "padding", "dilation", "groups"})
      packed->attributes[name] = c.data(name);
  c.give(Data(packed));
}

// Linear layers store their packed parameters themselves: weight and bias.
Data packedItem(Call& c, const char* name) {
  Object& packed = packedOf(c);
  if (packed.type == kPacked) return packed.attributes[name];
  const List* state = packed.state ? pointer<List>(*packed.state) : nullptr;
  if (state && state->items.size() == 1) state = pointer<List>(state->items[0]);
  const size_t index = std::string_view(name) == "bias";
  if (state && state->items.size() == 2) return state->items[index];
  c.unsupported("its packed parameters have an unknown form");
  return {};
}

Value readWeight(Call& c) {
  const Data data = packedItem(c, "weight");
  Object* stored = pointer<Object>(data);
  if (c.failed()) return {};
  if (!stored || stored->type != kQuantizedTensor) {
    c.unsupported("its weight is not quantized", "only static quantization is supported");
    return {};
  }
  Value integers = c.number(stored->attributes["integers"]);
  if (!integers) return {};
  Quantization q{parameter(c, stored->attributes["scale"], DType::F32),
                 parameter(c, stored->attributes["zero_point"], Call::dtype(integers)), 0};
  if (q.scale && Call::rank(q.scale)) q.axis = integerOf(stored->attributes["axis"]).value_or(0);
  return dequantize(c, integers, q,
                    c.session().options().keepQuantization ? nn::Fold::Never : nn::Fold::Allow);
}

Value readBias(Call& c) {
  const Data bias = packedItem(c, "bias");
  return isNone(bias) ? Value() : c.number(bias);
}

Ints packedInts(Call& c, const char* name) {
  Ints values;
  const Data data = packedItem(c, name);
  if (const List* list = pointer<List>(data))
    for (const Data& item : list->items) values.push_back(integerOf(item).value_or(0));
  return values;
}

void convolve(Call& c) {
  if (packedOf(c).type != kPacked) return c.unsupported("its packed parameters have an unknown form");
  ConvolutionArguments a;
  a.strides = packedInts(c, "stride"), a.pads = packedInts(c, "padding"),
  a.dilations = packedInts(c, "dilation");
  a.groups = integerOf(packedItem(c, "groups")).value_or(1);
  Value weight = readWeight(c), x = c.tensor("x");
  Value y = emitConvolution(c, x, weight, readBias(c), a);
  if (isVariant(c, "relu")) y = c.unary("relu", y);
  giveRequantized(c, y, "x");
}

void linear(Call& c) {
  Value y = emitLinear(c, c.tensor("x"), readWeight(c), readBias(c));
  if (isVariant(c, "relu")) y = c.unary("relu", y);
  giveRequantized(c, y, "x");
}

//===-- operators with a scale of their own
//-----------------------------------------------------------------------===//

void binary(Call& c) {
  const std::string_view kind = c.variant();
  Value a = c.tensor("a"), b = c.tensor("b");
  Value y = kind.starts_with("add") ? c.add(a, b) : c.mul(a, b);
  giveRequantized(c, kind.ends_with("relu") ? c.unary("relu", y) : y, "a");
}

void concatenate(Call& c) {
  std::vector<Value> parts = c.tensors("tensors");
  const List* list = pointer<List>(c.data("tensors"));
  const Tensor* first = list && !list->items.empty() ? pointer<Tensor>(list->items[0]) : nullptr;
  if (!first || !first->quantization) return c.invalid("it puts no quantized tensors together");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(parts[0]));
  if (c.failed()) return;
  Value y = c.concat(parts, axis);
  if (isVariant(c, "relu")) y = c.unary("relu", y);
  Quantization q = *first->quantization;
  if (c.given("scale") && c.given("zero_point"))
    q = perTensor(c, c.real("scale"), c.integer("zero_point"), Call::dtype(q.zeroPoint));
  giveWith(c, y, q);
}

void activation(Call& c) { giveRequantized(c, c.unary(c.variant(), c.tensor("x")), "x"); }
void leakyRelu(Call& c) {
  giveRequantized(c, c.unary("leaky_relu", c.tensor("x"), static_cast<float>(c.real("slope"))), "x");
}
void elu(Call& c) {
  giveRequantized(c, c.unary("elu", c.tensor("x"), static_cast<float>(c.real("alpha"))), "x");
}
void relu6(Call& c) {
  const Tensor* x = c.variable("x");
  if (!x->quantization) return c.invalid("its input is not quantized");
  giveWith(c, clip(c, c.tensor("x"), 0, 6), *x->quantization);
}
void batchNorm(Call& c) {
  Value y = c.emit("batch_norm",
                   {c.tensor("x"), c.tensor("weight"), c.tensor("bias"), c.tensor("mean"), c.tensor("var")},
                   c.attrs().f("epsilon", static_cast<float>(c.real("eps"))));
  if (isVariant(c, "relu")) y = c.unary("relu", y);
  giveRequantized(c, y, "x");
}
} // namespace

Value emitQuantized(Call& c, Value x, const Quantization& q) {
  Value integers = c.emit("quantize", {x, q.scale, q.zeroPoint}, c.attrs().i("axis", q.axis));
  return dequantize(c, integers, q, nn::Fold::Allow);
}

namespace {
#define PREPACK "(any weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, int groups)"
#define PACKED "(Tensor x, any packed, float scale, int zero_point)"
#define BINARY "(Tensor a, Tensor b, float scale, int zero_point)"
#define UNARY "(Tensor x, float scale, int zero_point)"
#define NORM                                                                                                 \
  "(Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor var, float eps, float scale, int zero_point)"

// With a plain number: scale and zero point are those that the result of its range has.
void binaryScalar(Call& c) {
  const Tensor* x = c.variable("a");
  if (!x->quantization) return c.invalid("its input is not quantized");
  const Quantization& q = *x->quantization;
  const double b = c.real("b");
  const auto scales = nn::constantFloats(q.scale);
  const auto zeros = nn::constantInts(q.zeroPoint);
  if (scales.size() != 1 || zeros.size() != 1) return c.unsupported("its input has a scale per channel");
  const DType type = Call::dtype(q.zeroPoint);
  const int64_t least = type == DType::U8 ? 0 : -128, most = least + 255;
  Value y = isVariant(c, "mul") ? c.mul(c.tensor("a"), c.scalarLike(b, c.tensor("a")))
                                : c.add(c.tensor("a"), c.scalarLike(b, c.tensor("a")));
  if (isVariant(c, "mul")) { // a negative factor turns the range round
    const double scale = b == 0 ? 1 : scales[0] * std::abs(b);
    return giveWith(c, y, perTensor(c, scale, b > 0 ? zeros[0] : b < 0 ? most + least - zeros[0] : 0, type));
  }
  // The range moves with the sum; beyond the integers it is widened so that both its ends can be told.
  const double shift = std::nearbyint(b / scales[0]), low = scales[0] * static_cast<double>(least - zeros[0]),
               high = scales[0] * static_cast<double>(most - zeros[0]);
  const double zero = static_cast<double>(zeros[0]) - shift;
  if (zero >= static_cast<double>(least) && zero <= static_cast<double>(most))
    return giveWith(c, y, perTensor(c, scales[0], static_cast<int64_t>(zero), type));
  const double moved = scales[0] * shift;
  if (zero < static_cast<double>(least))
    return giveWith(c, y, perTensor(c, (high + moved) / 255.0, least, type));
  giveWith(c, y, perTensor(c, -(low + moved) / 255.0, most, type));
}

// Quantized and back, as networks are trained for it.
void fakeQuantize(Call& c) {
  const int64_t least = c.integer("quant_min"), most = c.integer("quant_max");
  const DType type = least < 0 ? DType::I8 : DType::U8;
  if (least < -128 || most > (least < 0 ? 127 : 255) || least > most)
    return c.unsupported(fmt::format("integers from {} to {} are not supported", least, most), "8 bits are");
  Quantization q{parameter(c, c.data("scale"), DType::F32), parameter(c, c.data("zero_point"), type), 0};
  Value x = c.tensor("self");
  if (isVariant(c, "channel")) q.axis = c.axis(c.integer("axis"), Call::rank(x));
  if (c.failed()) return;
  if (most - least < 255) { // fewer integers than the type has: limits in the scale of x
    Ints along(static_cast<size_t>(Call::rank(x)), 1);
    const bool perChannel = Call::rank(q.scale) == 1;
    if (perChannel) along[static_cast<size_t>(q.axis)] = Call::shape(q.scale).elements();
    auto limit = [&](int64_t integer) {
      Value steps =
          c.sub(c.scalar(static_cast<double>(integer), DType::F32), c.cast(q.zeroPoint, DType::F32));
      Value real = c.mul(steps, q.scale);
      return perChannel ? c.reshape(real, along) : real;
    };
    x = c.binary("min", c.binary("max", x, limit(least)), limit(most));
  }
  c.give(emitQuantized(c, x, q));
}

const OperatorRow kRows[] = {
    {"fake_quantize_per_tensor_affine(Tensor self, float scale, int zero_point, int quant_min, int "
     "quant_max)",
     fakeQuantize},
    {"fake_quantize_per_tensor_affine(Tensor self, Tensor scale, Tensor zero_point, int quant_min, int "
     "quant_max)",
     fakeQuantize},
    {"fake_quantize_per_channel_affine(Tensor self, Tensor scale, Tensor zero_point, int axis, int "
     "quant_min, int "
     "quant_max)",
     fakeQuantize, "channel"},
    {"quantized::mul_scalar(Tensor a, Scalar b)", binaryScalar, "mul"},
    {"quantized::add_scalar(Tensor a, Scalar b)", binaryScalar, "add"},
    {"quantized::mul(Tensor a, Scalar b)", binaryScalar, "mul"},
    {"quantized::add(Tensor a, Scalar b)", binaryScalar, "add"},
    {"quantize_per_tensor(Tensor self, float scale, int zero_point, int dtype)", quantize},
    {"quantize_per_tensor(Tensor self, Tensor scale, Tensor zero_point, int dtype)", quantize},
    {"quantize_per_channel(Tensor self, Tensor scale, Tensor zero_point, int axis, int dtype)", quantize,
     "channel"},
    {"dequantize(Tensor self)", plainValue},
    {"quantized::conv1d_prepack" PREPACK, pack},
    {"quantized::conv2d_prepack" PREPACK, pack},
    {"quantized::conv3d_prepack" PREPACK, pack},
    {"quantized::linear_prepack(any weight, Tensor? bias=None)", pack, "linear"},
    {"quantized::conv1d" PACKED, convolve},
    {"quantized::conv2d" PACKED, convolve},
    {"quantized::conv3d" PACKED, convolve},
    {"quantized::conv1d_relu" PACKED, convolve, "relu"},
    {"quantized::conv2d_relu" PACKED, convolve, "relu"},
    {"quantized::conv3d_relu" PACKED, convolve, "relu"},
    {"quantized::linear" PACKED, linear},
    {"quantized::linear_relu" PACKED, linear, "relu"},
    {"quantized::add" BINARY, binary, "add"},
    {"quantized::add_relu" BINARY, binary, "add_relu"},
    {"quantized::mul" BINARY, binary, "mul"},
    {"quantized::mul_relu" BINARY, binary, "mul_relu"},
    {"quantized::cat(Tensor[] tensors, int dim, float? scale, int? zero_point)", concatenate},
    {"quantized::cat_relu(Tensor[] tensors, int dim, float? scale, int? zero_point)", concatenate, "relu"},
    {"quantized::hardswish" UNARY, activation, "hard_swish"},
    {"quantized::sigmoid" UNARY, activation, "sigmoid"},
    {"quantized::leaky_relu(Tensor x, Scalar slope, bool inplace, float scale, int zero_point)", leakyRelu},
    {"quantized::elu(Tensor x, float scale, int zero_point, Scalar alpha=1, Scalar size=1, Scalar "
     "input_scale=1)",
     elu},
    {"quantized::relu6(Tensor x, bool inplace=False)", relu6},
    {"quantized::batch_norm1d" NORM, batchNorm},
    {"quantized::batch_norm2d" NORM, batchNorm},
    {"quantized::batch_norm3d" NORM, batchNorm},
    {"quantized::batch_norm2d_relu" NORM, batchNorm, "relu"},
};
} // namespace

const OperatorTable<OperatorRow> kQuantizedOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
