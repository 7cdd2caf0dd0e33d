// The loops behind vector_kernels.h. Included once per instruction set with
//   BURIN_TARGET     the function attribute that selects it, e.g. __attribute__((target("avx2,fma")))
//   BURIN_ISA_NAME   a namespace of its own
//   BURIN_ISA_TEXT   its name for people
//   BURIN_PANELS     panels of sixteen accumulators that fit in the registers
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

// Copies fewer than sixteen floats by pieces of constant size, cheaper than a loop or a call.
BURIN_TARGET BURIN_INLINE void copyRest(const float* from, int count, float* to) {
  int at = 0;
  if (count & 8) std::memcpy(to, from, 8 * sizeof(float)), at = 8;
  if (count & 4) std::memcpy(to + at, from + at, 4 * sizeof(float)), at += 4;
  if (count & 2) std::memcpy(to + at, from + at, 2 * sizeof(float)), at += 2;
  if (count & 1) to[at] = from[at];
}

// Sixteen lanes stay in registers: only constant indices touch `acc`. The last, incomplete sixteen are filled
// up with the identity, which changes no lane.
template <class F>
BURIN_TARGET BURIN_INLINE void continueLanes(const float* x, int64_t count, float* acc) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int l = 0; l < kLanes; ++l) acc[l] = F::step(acc[l], x[i + l]);
  if (i == count) return;
  float tail[kLanes];
  for (int l = 0; l < kLanes; ++l) tail[l] = F::kIdentity;
  copyRest(x + i, static_cast<int>(count - i), tail);
  for (int l = 0; l < kLanes; ++l) acc[l] = F::step(acc[l], tail[l]);
}

template <class F>
BURIN_TARGET void laneRow(const float* x, int64_t count, float* lanes) {
  float acc[kLanes];
  for (int l = 0; l < kLanes; ++l) acc[l] = lanes[l];
  continueLanes<F>(x, count, acc);
  for (int l = 0; l < kLanes; ++l) lanes[l] = acc[l];
}

template <class F>
BURIN_TARGET float laneReduce(const float* x, int64_t count) {
  float acc[kLanes];
  for (int l = 0; l < kLanes; ++l) acc[l] = F::kIdentity;
  continueLanes<F>(x, count, acc);
  return joinLanes<F>(acc);
}

// kWidth columns at a time, each with its sixteen lanes: acc[l * kWidth + c].
template <class F, int kWidth>
BURIN_TARGET BURIN_INLINE void joinColumns(float* acc) {
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half * kWidth; ++i) acc[i] = F::join(acc[i], acc[i + half * kWidth]);
}

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
  joinColumns<F, kWidth>(acc);
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
  const int rest = static_cast<int>(count - i);
  if (rest > 0) {
    float tail[kLanes] = {};
    copyRest(x + i, rest, tail);
    for (int l = 0; l < kLanes; ++l) value[l] = math::exp(tail[l] - shift);
    for (int l = 0; l < kLanes; ++l) acc[l] += l < rest ? value[l] : 0.0f;
    if (y) copyRest(value, rest, y + i);
  }
  for (int l = 0; l < kLanes; ++l) lanes[l] = acc[l];
}

BURIN_TARGET inline void softmaxRow(const float* x, float* y, int64_t count, bool log) {
  const float maximum = laneReduce<MaxLane>(x, count);
  float lanes[kLanes] = {};
  expRow(x, maximum, log ? nullptr : y, count, lanes);
  const float sum = joinLanes<SumLane>(lanes);
  if (log) {
    const float logSum = math::log(sum);
    BURIN_VECTORIZE
    for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - maximum) - logSum;
    return;
  }
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int l = 0; l < kLanes; ++l) y[i + l] = y[i + l] / sum;
  const int rest = static_cast<int>(count - i);
  copyRest(y + i, rest, lanes);
  for (int l = 0; l < kLanes; ++l) lanes[l] = lanes[l] / sum;
  copyRest(lanes, rest, y + i);
}

template <int kWidth>
BURIN_TARGET void softmaxColumnBlock(const RowsView& view, bool log) {
  float maximum[kWidth], logSum[kWidth], acc[kLanes * kWidth] = {};
  laneColumnBlock<MaxLane, kWidth>(view.x, view.stepX, view.rows, maximum);
  for (int64_t row = 0; row < view.rows; ++row) {
    float* lane = acc + row % kLanes * kWidth;
    float value[kWidth];
    for (int c = 0; c < kWidth; ++c) value[c] = math::exp(view.x[row * view.stepX + c] - maximum[c]);
    for (int c = 0; c < kWidth; ++c) lane[c] += value[c];
    if (!log)
      for (int c = 0; c < kWidth; ++c) view.y[row * view.stepY + c] = value[c];
  }
  joinColumns<SumLane, kWidth>(acc);
  for (int c = 0; c < kWidth; ++c) logSum[c] = math::log(acc[c]);
  for (int64_t row = 0; row < view.rows; ++row) {
    const float* x = view.x + row * view.stepX;
    float* y = view.y + row * view.stepY;
    if (log)
      for (int c = 0; c < kWidth; ++c) y[c] = (x[c] - maximum[c]) - logSum[c];
    else
      for (int c = 0; c < kWidth; ++c) y[c] = y[c] / acc[c];
  }
}

BURIN_TARGET inline void softmaxColumns(const RowsView& view, int64_t columns, bool log) {
  int64_t c = 0;
  auto from = [&](int64_t column) {
    return RowsView{view.x + column, view.y + column, view.stepX, view.stepY, view.rows};
  };
  for (; c + 16 <= columns; c += 16) softmaxColumnBlock<16>(from(c), log);
  for (; c + 4 <= columns; c += 4) softmaxColumnBlock<4>(from(c), log);
  for (; c < columns; ++c) softmaxColumnBlock<1>(from(c), log);
}

// A row of two or three numbers would leave most of a vector empty: sixteen rows are turned into columns.
BURIN_TARGET inline void softmaxShortRows(const RowsView& view, int64_t length, bool log) {
  constexpr int kRows = 16;
  float tile[kLanes * kRows] = {};
  const RowsView columns{tile, tile, kRows, kRows, length};
  for (int64_t begin = 0; begin < view.rows; begin += kRows) {
    const int64_t rows = view.rows - begin < kRows ? view.rows - begin : kRows;
    const float* x = view.x + begin * view.stepX;
    float* y = view.y + begin * view.stepY;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < length; ++i) tile[i * kRows + r] = x[r * view.stepX + i];
    softmaxColumnBlock<kRows>(columns, log);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < length; ++i) y[r * view.stepY + i] = tile[i * kRows + r];
  }
}

BURIN_TARGET inline void deviationRow(const float* x, float mean, int64_t count, float* lanes) {
  float acc[kLanes];
  for (int l = 0; l < kLanes; ++l) acc[l] = lanes[l];
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int l = 0; l < kLanes; ++l) acc[l] = SumSquareLane::step(acc[l], x[i + l] - mean);
  const int rest = static_cast<int>(count - i);
  float tail[kLanes] = {};
  copyRest(x + i, rest, tail);
  for (int l = 0; l < kLanes; ++l) tail[l] = l < rest ? tail[l] - mean : 0.0f;
  for (int l = 0; l < kLanes; ++l) lanes[l] = SumSquareLane::step(acc[l], tail[l]);
}

template <int kWidth>
BURIN_TARGET void deviationColumnBlock(const float* x, const float* mean, int64_t rowStep, int64_t count,
                                       float* y) {
  float acc[kLanes * kWidth] = {};
  for (int64_t row = 0; row < count; ++row) {
    float* lane = acc + row % kLanes * kWidth;
    for (int c = 0; c < kWidth; ++c) lane[c] = SumSquareLane::step(lane[c], x[row * rowStep + c] - mean[c]);
  }
  joinColumns<SumLane, kWidth>(acc);
  for (int c = 0; c < kWidth; ++c) y[c] = acc[c];
}

BURIN_TARGET inline void deviationColumns(const float* x, const float* mean, int64_t rowStep, int64_t count,
                                          int64_t columns, float* y) {
  int64_t c = 0;
  for (; c + 16 <= columns; c += 16) deviationColumnBlock<16>(x + c, mean + c, rowStep, count, y + c);
  for (; c + 4 <= columns; c += 4) deviationColumnBlock<4>(x + c, mean + c, rowStep, count, y + c);
  for (; c < columns; ++c) deviationColumnBlock<1>(x + c, mean + c, rowStep, count, y + c);
}

BURIN_TARGET inline void normalizeColumns(const RowsView& view, const ColumnMoments& m, int64_t columns) {
  for (int64_t row = 0; row < view.rows; ++row) {
    const float* x = view.x + row * view.stepX;
    float* y = view.y + row * view.stepY;
    BURIN_VECTORIZE
    for (int64_t c = 0; c < columns; ++c) y[c] = ((x[c] - m.mean[c]) * m.factor[c]) * m.scale[c] + m.bias[c];
  }
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

// Zeros in the window change no sum: they stand for channels that do not exist.
BURIN_TARGET inline void lrnRow(const LrnWindow& window, const float* x, float* y, int64_t count) {
  const float* padded = window.padded;
  const float alpha = window.alpha, bias = window.bias;
  BURIN_VECTORIZE
  for (int64_t c = 0; c < count; ++c) y[c] = padded[c] * padded[c];
  for (int64_t i = 1; i < window.size; ++i) {
    BURIN_VECTORIZE
    for (int64_t c = 0; c < count; ++c) y[c] = std::fma(padded[c + i], padded[c + i], y[c]);
  }
  BURIN_VECTORIZE
  for (int64_t c = 0; c < count; ++c) {
    const float root = math::squareRoot(bias + alpha * y[c]);
    y[c] = x[c] / (root * math::squareRoot(root));
  }
}

// The accumulators of kPanels panels stay in registers over the whole depth.
template <int kPanels>
BURIN_TARGET inline void multiplyPanelBlock(const float* x, int64_t depth, const float* panels, float* acc) {
  float sum[kPanels][kPanel];
  for (int p = 0; p < kPanels; ++p)
    for (int j = 0; j < kPanel; ++j) sum[p][j] = acc[p * kPanel + j];
  for (int64_t k = 0; k < depth; ++k) {
    const float factor = x[k];
    const float* w = panels + k * kPanel;
    for (int p = 0; p < kPanels; ++p)
      for (int j = 0; j < kPanel; ++j) sum[p][j] = std::fma(factor, w[p * depth * kPanel + j], sum[p][j]);
  }
  for (int p = 0; p < kPanels; ++p)
    for (int j = 0; j < kPanel; ++j) acc[p * kPanel + j] = sum[p][j];
}

BURIN_TARGET inline void multiplyPanels(const float* x, int64_t depth, const float* panels,
                                        int64_t panelCount, float* acc) {
  int64_t p = 0;
  for (; p + BURIN_PANELS <= panelCount; p += BURIN_PANELS)
    multiplyPanelBlock<BURIN_PANELS>(x, depth, panels + p * depth * kPanel, acc + p * kPanel);
  for (; p < panelCount; ++p) multiplyPanelBlock<1>(x, depth, panels + p * depth * kPanel, acc + p * kPanel);
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
    {laneReduce<SumLane>, laneReduce<SumAbsLane>, laneReduce<SumSquareLane>, laneReduce<MaxLane>,
     laneReduce<MinLane>, laneReduce<ProdLane>},
    {laneColumns<SumLane>, laneColumns<SumAbsLane>, laneColumns<SumSquareLane>, laneColumns<MaxLane>,
     laneColumns<MinLane>, laneColumns<ProdLane>},
    expRow,
    softmaxRow,
    softmaxShortRows,
    softmaxColumns,
    deviationRow,
    deviationColumns,
    normalizeRow,
    normalizeColumns,
    affineRow,
    lrnRow,
    multiplyPanels,
    {widenRow<math::halfToFloat>, widenRow<math::bfloat16ToFloat>},
    {narrowRow<math::floatToHalf>, narrowRow<math::floatToBfloat16>},
};
#undef BURIN_ROW
#undef BURIN_PAIR

} // namespace burin::rt::BURIN_ISA_NAME
