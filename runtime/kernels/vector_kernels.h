// Loops over contiguous floats, one table per instruction set. The loops are written once, in vector_loops.h,
// and compiled for each; all tables give the same bits, and the same as the reference kernels in runtime/ops.
#pragma once

#include "runtime/core/op.h"
#include "runtime/math/binary_functions.h"
#include "runtime/math/unary_functions.h"

namespace burin::rt {

// y[i] = fn(x[i]).
using UnaryRow = void (*)(const float* x, float* y, int64_t count, math::UnaryParams params);
// y[i] = clamp(fn(a[i * stepA], b[i * stepB]), lo, hi); the steps are 0 or 1.
struct BinaryOperands {
  const float *a, *b;
  int64_t stepA, stepB;
  float lo, hi;
};
using BinaryRow = void (*)(const BinaryOperands& operands, float* y, int64_t count);

// Sixteen partial results of a reduction: lane l holds elements l, l + 16, ... of the reduced sequence.
constexpr int kLanes = 16;
enum class LaneFn : uint8_t { Sum, SumAbs, SumSquare, Max, Min, Prod };
constexpr int kLaneFnCount = 6;
// Continues `lanes` with x[0 .. count); the first element belongs to lane 0.
using LaneRow = void (*)(const float* x, int64_t count, float* lanes);
// The whole reduction of x[0 .. count).
using LaneReduce = float (*)(const float* x, int64_t count);
// The reduction of `count` rows, `rowStep` floats apart, for each of `columns` neighbouring columns.
using LaneColumns = void (*)(const float* x, int64_t rowStep, int64_t count, int64_t columns, float* y);

// Rows of contiguous numbers, `stepX` and `stepY` floats apart.
struct RowsView {
  const float* x;
  float* y;
  int64_t stepX, stepY, rows;
};
// One value for each column.
struct ColumnMoments {
  const float *mean, *factor, *scale, *bias;
};

// y = x / (bias + alpha * sum of squares over the window)^(3/4).
struct LrnWindow {
  const float* padded; // x with zeros before and after
  int64_t size;
  float alpha, bias;
};

struct VectorKernels {
  const char* name;
  UnaryRow unary[math::kVectorUnaryCount];
  BinaryRow binary[math::kVectorBinaryCount];
  LaneRow laneRow[kLaneFnCount];
  LaneReduce laneReduce[kLaneFnCount];
  LaneColumns laneColumns[kLaneFnCount];
  // lanes continue with exp(x[i] - shift), which is stored to y unless y is null.
  void (*expRow)(const float* x, float shift, float* y, int64_t count, float* lanes);
  // The softmax (or its logarithm) of one row, of rows of at most kLanes numbers, or down each of `columns`
  // columns.
  void (*softmaxRow)(const float* x, float* y, int64_t count, bool log);
  void (*softmaxShortRows)(const RowsView& view, int64_t length, bool log);
  void (*softmaxColumns)(const RowsView& view, int64_t columns, bool log);
  // lanes continue with (x[i] - mean)^2; or the reduction down columns, each with its mean.
  void (*deviationRow)(const float* x, float mean, int64_t count, float* lanes);
  void (*deviationColumns)(const float* x, const float* mean, int64_t rowStep, int64_t count, int64_t columns,
                           float* y);
  // y[i] = ((x[i] - mean) * factor) * scale[i * step] + bias[i * step]; step is 0 or 1.
  void (*normalizeRow)(const float* x, float mean, float factor, const float* scale, const float* bias,
                       int64_t step, float* y, int64_t count);
  // The same down columns, each with its own mean, factor, scale and bias.
  void (*normalizeColumns)(const RowsView& view, const ColumnMoments& moments, int64_t columns);
  // y[i] = x[i] * scale[i * step] + bias[i * step]; step is 0 or 1.
  void (*affineRow)(const float* x, const float* scale, const float* bias, int64_t step, float* y,
                    int64_t count);
  // Local response normalisation with the exponent 3/4 of x[c]: the window of y[c] is padded[c .. c + size).
  void (*lrnRow)(const LrnWindow& window, const float* x, float* y, int64_t count);
  // For each panel of sixteen outputs: acc[j] = fma(x[k], panel[k * 16 + j], acc[j]), k ascending. Panels
  // follow one another.
  void (*multiplyPanels)(const float* x, int64_t depth, const float* panels, int64_t panelCount, float* acc);
  // Conversions of F16 (index 0) and BF16 (index 1), to nearest even.
  void (*widen[2])(const uint16_t* x, float* y, int64_t count);
  void (*narrow[2])(const float* x, uint16_t* y, int64_t count);
};

// Outputs per panel of multiplyPanels.
constexpr int kPanel = 16;

// Null for Isa::Reference.
const VectorKernels* vectorKernels(Isa isa);

} // namespace burin::rt
