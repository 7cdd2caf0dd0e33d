// The loops behind vector_kernels.h. Included once per instruction set with
//   BURIN_TARGET     the function attribute that selects it, e.g. __attribute__((target("avx2,fma")))
//   BURIN_ISA_NAME   a namespace of its own
// Everything called from here is always_inline, so it is compiled for the same instruction set.
#include "runtime/kernels/lanes.h"
#include "runtime/kernels/vector_kernels.h"
#include "runtime/math/half.h"

#if defined(__clang__)
// Builds without optimisation or with sanitizers do not vectorise, which is no error.
#pragma clang diagnostic ignored "-Wpass-failed"
#define BURIN_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#else
#define BURIN_VECTORIZE _Pragma("GCC ivdep")
#endif

namespace burin::rt::BURIN_ISA_NAME {

// Output and input are the same elements or do not overlap, hence no dependence from one iteration to
// another.
template <class F>
BURIN_TARGET void unaryRow(const float* x, float* y, int64_t count, math::UnaryParams params) {
  BURIN_VECTORIZE
  for (int64_t i = 0; i < count; ++i) y[i] = F::apply(x[i], params);
}

template <class F>
BURIN_TARGET void binaryRow(const BinaryOperands& operands, float* y, int64_t count) {
  const float *a = operands.a, *b = operands.b;
  const float lo = operands.lo, hi = operands.hi;
  if (operands.stepA && operands.stepB) {
    BURIN_VECTORIZE
    for (int64_t i = 0; i < count; ++i) y[i] = math::clampTo(F::apply(a[i], b[i]), lo, hi);
  } else if (operands.stepA) {
    const float scalar = *b;
    BURIN_VECTORIZE
    for (int64_t i = 0; i < count; ++i) y[i] = math::clampTo(F::apply(a[i], scalar), lo, hi);
  } else if (operands.stepB) {
    const float scalar = *a;
    BURIN_VECTORIZE
    for (int64_t i = 0; i < count; ++i) y[i] = math::clampTo(F::apply(scalar, b[i]), lo, hi);
  } else {
    const float value = math::clampTo(F::apply(*a, *b), lo, hi);
    for (int64_t i = 0; i < count; ++i) y[i] = value;
  }
}

template <class F>
BURIN_TARGET void laneRow(const float* x, int64_t count, float* lanes) {
  float acc[kLanes];
  for (int l = 0; l < kLanes; ++l) acc[l] = lanes[l];
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int l = 0; l < kLanes; ++l) acc[l] = F::step(acc[l], x[i + l]);
  for (int l = 0; i + l < count; ++l) acc[l] = F::step(acc[l], x[i + l]);
  for (int l = 0; l < kLanes; ++l) lanes[l] = acc[l];
}

// kWidth columns at a time, each with its sixteen lanes: acc[l * kWidth + c].
template <class F, int kWidth>
BURIN_TARGET void laneColumnBlock(const float* x, int64_t rowStep, int64_t count, float* y) {
  float acc[kLanes * kWidth];
  for (int i = 0; i < kLanes * kWidth; ++i) acc[i] = F::kIdentity;
  int64_t row = 0;
  for (; row + kLanes <= count; row += kLanes)
    for (int l = 0; l < kLanes; ++l)
      for (int c = 0; c < kWidth; ++c)
        acc[l * kWidth + c] = F::step(acc[l * kWidth + c], x[(row + l) * rowStep + c]);
  for (int l = 0; row + l < count; ++l)
    for (int c = 0; c < kWidth; ++c)
      acc[l * kWidth + c] = F::step(acc[l * kWidth + c], x[(row + l) * rowStep + c]);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half * kWidth; ++i) acc[i] = F::join(acc[i], acc[i + half * kWidth]);
  for (int c = 0; c < kWidth; ++c) y[c] = acc[c];
}

template <class F>
BURIN_TARGET void laneColumns(const float* x, int64_t rowStep, int64_t count, int64_t columns, float* y) {
  int64_t c = 0;
  for (; c + 16 <= columns; c += 16) laneColumnBlock<F, 16>(x + c, rowStep, count, y + c);
  for (; c + 4 <= columns; c += 4) laneColumnBlock<F, 4>(x + c, rowStep, count, y + c);
  for (; c < columns; ++c) laneColumnBlock<F, 1>(x + c, rowStep, count, y + c);
}

BURIN_TARGET inline void expRow(const float* x, float shift, float* y, int64_t count, float* lanes) {
  float acc[kLanes], value[kLanes];
  for (int l = 0; l < kLanes; ++l) acc[l] = lanes[l];
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) value[l] = math::exp(x[i + l] - shift);
    for (int l = 0; l < kLanes; ++l) acc[l] += value[l];
    if (y)
      for (int l = 0; l < kLanes; ++l) y[i + l] = value[l];
  }
  for (int l = 0; i + l < count; ++l) {
    const float last = math::exp(x[i + l] - shift);
    acc[l] += last;
    if (y) y[i + l] = last;
  }
  for (int l = 0; l < kLanes; ++l) lanes[l] = acc[l];
}

BURIN_TARGET inline void divideRow(const float* x, float divisor, float* y, int64_t count) {
  BURIN_VECTORIZE
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] / divisor;
}

BURIN_TARGET inline void subtractRow(const float* x, float a, float b, float* y, int64_t count) {
  BURIN_VECTORIZE
  for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - a) - b;
}

BURIN_TARGET inline void deviationRow(const float* x, float mean, int64_t count, float* lanes) {
  float acc[kLanes];
  for (int l = 0; l < kLanes; ++l) acc[l] = lanes[l];
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int l = 0; l < kLanes; ++l) acc[l] = SumSquareLane::step(acc[l], x[i + l] - mean);
  for (int l = 0; i + l < count; ++l) acc[l] = SumSquareLane::step(acc[l], x[i + l] - mean);
  for (int l = 0; l < kLanes; ++l) lanes[l] = acc[l];
}

BURIN_TARGET inline void normalizeRow(const float* x, float mean, float factor, const float* scale,
                                      const float* bias, int64_t step, float* y, int64_t count) {
  if (step) {
    BURIN_VECTORIZE
    for (int64_t i = 0; i < count; ++i) y[i] = ((x[i] - mean) * factor) * scale[i] + bias[i];
  } else {
    const float oneScale = *scale, oneBias = *bias;
    BURIN_VECTORIZE
    for (int64_t i = 0; i < count; ++i) y[i] = ((x[i] - mean) * factor) * oneScale + oneBias;
  }
}

BURIN_TARGET inline void affineRow(const float* x, const float* scale, const float* bias, int64_t step,
                                   float* y, int64_t count) {
  if (step) {
    BURIN_VECTORIZE
    for (int64_t i = 0; i < count; ++i) y[i] = x[i] * scale[i] + bias[i];
  } else {
    const float oneScale = *scale, oneBias = *bias;
    BURIN_VECTORIZE
    for (int64_t i = 0; i < count; ++i) y[i] = x[i] * oneScale + oneBias;
  }
}

// The accumulators of kWidth outputs stay in registers over the whole depth.
template <int kWidth>
BURIN_TARGET inline void multiplyAddBlock(const float* x, int64_t depth, const float* w, int64_t rowStep,
                                          float* acc) {
  float sum[kWidth];
  for (int j = 0; j < kWidth; ++j) sum[j] = acc[j];
  for (int64_t k = 0; k < depth; ++k)
    for (int j = 0; j < kWidth; ++j) sum[j] = std::fma(x[k], w[k * rowStep + j], sum[j]);
  for (int j = 0; j < kWidth; ++j) acc[j] = sum[j];
}

BURIN_TARGET inline void multiplyAdd(const float* x, int64_t depth, const float* w, int64_t rowStep,
                                     float* acc, int64_t count) {
  int64_t j = 0;
  for (; j + 64 <= count; j += 64) multiplyAddBlock<64>(x, depth, w + j, rowStep, acc + j);
  for (; j + 16 <= count; j += 16) multiplyAddBlock<16>(x, depth, w + j, rowStep, acc + j);
  for (; j < count; ++j) multiplyAddBlock<1>(x, depth, w + j, rowStep, acc + j);
}

template <float (*kWiden)(uint16_t)>
BURIN_TARGET void widenRow(const uint16_t* x, float* y, int64_t count) {
  BURIN_VECTORIZE
  for (int64_t i = 0; i < count; ++i) y[i] = kWiden(x[i]);
}

template <uint16_t (*kNarrow)(float)>
BURIN_TARGET void narrowRow(const float* x, uint16_t* y, int64_t count) {
  BURIN_VECTORIZE
  for (int64_t i = 0; i < count; ++i) y[i] = kNarrow(x[i]);
}

#define BURIN_ROW(Name, text, expression) unaryRow<math::Name##Function>,
#define BURIN_PAIR(Name, text, expression) binaryRow<math::Name##Function>,
constexpr VectorKernels kKernels = {
    BURIN_ISA_TEXT,
    {BURIN_VECTOR_UNARY(BURIN_ROW)},
    {BURIN_VECTOR_BINARY(BURIN_PAIR)},
    {laneRow<SumLane>, laneRow<SumAbsLane>, laneRow<SumSquareLane>, laneRow<MaxLane>, laneRow<MinLane>,
     laneRow<ProdLane>},
    {laneColumns<SumLane>, laneColumns<SumAbsLane>, laneColumns<SumSquareLane>, laneColumns<MaxLane>,
     laneColumns<MinLane>, laneColumns<ProdLane>},
    expRow,
    divideRow,
    subtractRow,
    deviationRow,
    normalizeRow,
    affineRow,
    multiplyAdd,
    {widenRow<math::halfToFloat>, widenRow<math::bfloat16ToFloat>},
    {narrowRow<math::floatToHalf>, narrowRow<math::floatToBfloat16>},
};
#undef BURIN_ROW
#undef BURIN_PAIR

} // namespace burin::rt::BURIN_ISA_NAME
