// Quantized tensors: their real values stand in the graph, each behind nn.quantize and nn.dequantize.
#include "lib/import/torch/pickle_builders.h"
#include "lib/import/torch/rules.h"

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

const OperatorRow kRows[] = {
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

const OperatorTable kQuantizedOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
