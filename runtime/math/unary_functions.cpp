#include "runtime/math/unary_functions.h"

namespace burin::rt::math {

namespace {
struct Row {
  const char* name;
  float (*apply)(float x, UnaryParams p);
};

const Row kRows[kUnaryCount] = {
#define BURIN_ROW(Name, text, expression)                                                                    \
  {#text, [](float x, UnaryParams p) { return Name##Function::apply(x, p); }},
    BURIN_VECTOR_UNARY(BURIN_ROW) BURIN_SCALAR_UNARY(BURIN_ROW)
#undef BURIN_ROW
#define BURIN_ROW(Name, text, expression) {#text, nullptr},
        BURIN_OTHER_UNARY(BURIN_ROW)
#undef BURIN_ROW
};
} // namespace

bool parseUnaryFn(const char* name, UnaryFn& fn) {
  for (int i = 0; i < kUnaryCount; ++i)
    if (std::strcmp(kRows[i].name, name) == 0) {
      fn = static_cast<UnaryFn>(i);
      return true;
    }
  return false;
}

const char* unaryFnName(UnaryFn fn) { return kRows[static_cast<int>(fn)].name; }

UnaryParams defaultUnaryParams(UnaryFn fn) {
  switch (fn) {
  case UnaryFn::LeakyRelu:
    return {0.01f, 0.0f};
  case UnaryFn::Elu:
  case UnaryFn::Celu:
  case UnaryFn::ThresholdedRelu:
    return {1.0f, 0.0f};
  case UnaryFn::Selu:
    return {1.67326319217681884765625f, 1.05070102214813232421875f};
  case UnaryFn::HardSigmoid:
    return {0.2f, 0.5f};
  case UnaryFn::Shrink:
    return {0.5f, 0.0f};
  case UnaryFn::Clip:
    return {-kInfinity, kInfinity};
  case UnaryFn::IsInf:
    return {1.0f, 1.0f};
  default:
    return {0.0f, 0.0f};
  }
}

float evaluateUnary(UnaryFn fn, float x, UnaryParams params) {
  const Row& row = kRows[static_cast<int>(fn)];
  return row.apply ? row.apply(x, params) : kNaN;
}

} // namespace burin::rt::math
