// The activations of recurrent ops.
#pragma once

#include "runtime/math/unary_functions.h"

#include <string>
#include <vector>

namespace burin::rt {

// One of the unary functions, or ONNX's Affine (alpha x + beta) or ScaledTanh (alpha tanh(beta x)).
struct GateFunction {
  enum class Kind : uint8_t { Unary, Affine, ScaledTanh } kind = Kind::Unary;
  math::UnaryFn fn = math::UnaryFn::Sigmoid;
  math::UnaryParams params{0, 0};

  float operator()(float x) const;
};

// Reads "Sigmoid,Tanh,LeakyRelu(0.01),ScaledTanh(1.7,0.6)": ONNX's names in any case, alpha and beta in
// brackets where they differ from ONNX's defaults. False with a message when a name is unknown or the text is
// malformed.
bool parseGateFunctions(const std::string& text, std::vector<GateFunction>& functions, std::string& error);

} // namespace burin::rt
