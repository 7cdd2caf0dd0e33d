// Pieces that rules of several files share.
#pragma once

#include "lib/import/torch/operators.h"

namespace burin::torch {

// ops_elementwise.cpp: two operands (tensors or numbers) in the type that PyTorch computes in.
std::pair<Value, Value> promoted(Call& call, const Data& a, const Data& b);
rt::DType commonType(Call& call, const std::vector<Data>& operands);
Value asFloat(Call& call, Value x); // integers and bools become f32

// ops_activation.cpp: clip to [low, high].
Value clip(Call& call, Value x, double low, double high);

// ops_convolution.cpp
struct ConvolutionArguments {
  Ints strides, pads, dilations, outputPads;
  int64_t groups = 1;
  bool transposed = false;
};
Value emitConvolution(Call& call, Value x, Value weight, Value bias, const ConvolutionArguments& arguments);

// ops_linear.cpp: x times the transposed weight, plus a bias that may be absent (null).
Value emitLinear(Call& call, Value x, Value weight, Value bias);

// ops_shape.cpp
Value emitSlice(RuleContext& context, Value x, int64_t axis, int64_t start, int64_t size, int64_t step);

// ops_quantized.cpp
Value emitQuantized(Call& call, Value x, const Quantization& quantization); // quantize, then dequantize

// The number in a constant float of one element, halves too; NaN where it is not known.
double constantReal(RuleContext& context, Value value);
bool isVariant(const Call& call, const char* variant);

} // namespace burin::torch
