#include "runtime/ops/recurrent_functions.h"

namespace burin::rt {

using math::UnaryFn;
using Kind = GateFunction::Kind;

namespace {
struct Row {
  const char* name; // lower case
  GateFunction function;
};
const Row kRows[] = {
    {"sigmoid", {Kind::Unary, UnaryFn::Sigmoid, {0, 0}}},
    {"tanh", {Kind::Unary, UnaryFn::Tanh, {0, 0}}},
    {"relu", {Kind::Unary, UnaryFn::Relu, {0, 0}}},
    {"affine", {Kind::Affine, UnaryFn::Identity, {1.0f, 0}}},
    {"leakyrelu", {Kind::Unary, UnaryFn::LeakyRelu, {0.01f, 0}}},
    {"thresholdedrelu", {Kind::Unary, UnaryFn::ThresholdedRelu, {1.0f, 0}}},
    {"scaledtanh", {Kind::ScaledTanh, UnaryFn::Tanh, {1.0f, 1.0f}}},
    {"hardsigmoid", {Kind::Unary, UnaryFn::HardSigmoid, {0.2f, 0.5f}}},
    {"elu", {Kind::Unary, UnaryFn::Elu, {1.0f, 0}}},
    {"softsign", {Kind::Unary, UnaryFn::Softsign, {0, 0}}},
    {"softplus", {Kind::Unary, UnaryFn::Softplus, {0, 0}}},
};

// A decimal number as in C, without the locale.
class NumberReader {
public:
  explicit NumberReader(const char*& at) : at_(at) {}

  bool read(float& value) {
    const bool negative = *at_ == '-';
    if (*at_ == '-' || *at_ == '+') ++at_;
    double mantissa = 0;
    int digits = 0, exponent = 0;
    readDigits(mantissa, digits);
    if (*at_ == '.') {
      ++at_;
      const int before = digits;
      readDigits(mantissa, digits);
      exponent = before - digits;
    }
    if (digits == 0 || digits > 60 || !readExponent(exponent)) return false;
    double power = 1;
    for (int i = exponent < 0 ? -exponent : exponent; i > 0; --i) power *= 10;
    const double magnitude = exponent < 0 ? mantissa / power : mantissa * power;
    value = static_cast<float>(negative ? -magnitude : magnitude);
    return magnitude < 3e38;
  }

private:
  void readDigits(double& mantissa, int& digits) {
    for (; *at_ >= '0' && *at_ <= '9' && digits <= 60; ++at_, ++digits)
      mantissa = mantissa * 10 + (*at_ - '0');
  }
  bool readExponent(int& exponent) {
    if (*at_ != 'e' && *at_ != 'E') return true;
    ++at_;
    const bool negative = *at_ == '-';
    if (*at_ == '-' || *at_ == '+') ++at_;
    int value = 0, digits = 0;
    for (; *at_ >= '0' && *at_ <= '9' && digits < 3; ++at_, ++digits) value = value * 10 + (*at_ - '0');
    exponent += negative ? -value : value;
    return digits > 0 && value <= 100;
  }

  const char*& at_;
};

std::string readName(const char*& at) {
  std::string name;
  for (; (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z'); ++at)
    name += static_cast<char>(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
  return name;
}

// "(alpha)" or "(alpha,beta)".
bool readParams(const char*& at, math::UnaryParams& params) {
  if (*at != '(') return true;
  ++at;
  NumberReader number(at);
  if (!number.read(params.alpha)) return false;
  if (*at == ',' && (++at, !number.read(params.beta))) return false;
  return *at == ')' && (++at, true);
}
} // namespace

float GateFunction::operator()(float x) const {
  switch (kind) {
  case Kind::Affine:
    return params.alpha * x + params.beta;
  case Kind::ScaledTanh:
    return params.alpha * math::tanh(params.beta * x);
  case Kind::Unary:
    break;
  }
  return math::evaluateUnary(fn, x, params);
}

bool parseGateFunctions(const std::string& text, std::vector<GateFunction>& functions, std::string& error) {
  functions.clear();
  const char* at = text.c_str();
  for (bool more = *at != 0; more;) {
    const std::string name = readName(at);
    const Row* found = nullptr;
    for (const Row& row : kRows)
      if (name == row.name) found = &row;
    if (!found) return error = "there is no activation '" + name + "' in '" + text + "'", false;
    functions.push_back(found->function);
    if (!readParams(at, functions.back().params))
      return error = "the parameters of activation '" + name + "' in '" + text + "' are malformed", false;
    more = *at == ',';
    if (more)
      ++at;
    else if (*at)
      return error = "the list of activations '" + text + "' is malformed", false;
    if (functions.size() > 16) return error = "the list of activations is too long", false;
  }
  return true;
}

} // namespace burin::rt
