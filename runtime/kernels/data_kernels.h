// Rows of pooling, resampling, quantization and integer elementwise ops over contiguous elements, one table
// per instruction set. The loops are written once, in data_loops.h; all tables give the same bits, and the
// same as the reference kernels in runtime/ops.
#pragma once

#include "runtime/core/op.h"
#include "runtime/numerics/elementwise.h"

namespace burin::rt {

// 8-bit integers travel as raw bytes; `flip` (0 or 0x80) maps an unsigned byte to the signed one 128 lower.
// Zero points given beside it are those of the flipped, signed numbers.
struct Byte8 {
  uint8_t flip = 0;
  int32_t zeroPoint = 0;
};
inline Byte8 byteForm(DType dtype, int32_t zeroPoint) {
  return dtype == DType::U8 ? Byte8{0x80, zeroPoint - 128} : Byte8{0, zeroPoint};
}

// [RQ-FLOAT] to 8 bits: clamp(round(value * scale), low, high) + zero point; the bounds are relative to the
// zero point.
struct FloatStage8 {
  float scale = 1;
  int32_t low = -128, high = 127;
  Byte8 out;
};

// [ADD-FLOAT] and [MUL] by a float: operands a and b step by 0 or 1 element.
struct Binary8 {
  Byte8 a, b;
  int64_t stepA = 1, stepB = 1;
  float ratioA = 1, ratioB = 1, offset = 0; // add, see FloatSum
  FloatStage8
      out; // its scale serves mul alone; for add the bounds and the zero point count from the lowest byte
};

constexpr int kAddPolicyCount = 5, kRequantPolicyCount = 7;
// a[i] = a[i] + b[i] (or -) on stored integers, by the policy of the table's index.
using AddRow = void (*)(int32_t* a, const int32_t* b, int64_t width, const AddParameters& parameters);
// row[i] = requantize(row[i] - zeroIn).
struct RequantRow {
  Requant rule;
  int32_t zeroIn = 0, zeroOut = 0, low = 0, high = 0;
};
using RequantizeRow = void (*)(int32_t* row, int64_t width, const RequantRow& parameters);

struct DataKernels {
  const char* name;
  // y[i] = the greatest of taps[t][i], the first in case of a tie; NaN is passed over.
  void (*maxI8)(const void* const* taps, int64_t count, void* y, int64_t width);
  void (*maxU8)(const void* const* taps, int64_t count, void* y, int64_t width);
  void (*maxF32)(const void* const* taps, int64_t count, void* y, int64_t width);
  // y[i] = (0 + taps[0][i] + taps[1][i] + ...) / divisor.
  void (*meanF32)(const float* const* taps, int64_t count, float divisor, float* y, int64_t width);
  // sums[i] += the sum of the flipped bytes taps[t][i].
  void (*sum8)(const uint8_t* const* taps, int64_t count, uint8_t flip, int32_t* sums, int64_t width);
  // The same over `count` rows, rowStep bytes apart.
  void (*sumRows8)(const uint8_t* x, int64_t rowStep, int64_t count, uint8_t flip, int32_t* sums,
                   int64_t width);
  // y[i] = stage(float(sums[i] - offset)).
  void (*store8)(const int32_t* sums, int32_t offset, const FloatStage8& stage, uint8_t* y, int64_t width);
  void (*requantize8)(const uint8_t* x, Byte8 from, const FloatStage8& stage, uint8_t* y, int64_t width);
  void (*add8)(const uint8_t* a, const uint8_t* b, const Binary8& rule, uint8_t* y, int64_t width);
  void (*multiply8)(const uint8_t* a, const uint8_t* b, const Binary8& rule, uint8_t* y, int64_t width);
  // [Q-DIVIDE] y[i] = stage(x[i] / stage.scale); [Q-MULTIPLY] y[i] = stage(x[i] * stage.scale).
  void (*quantizeDivide8)(const float* x, const FloatStage8& stage, uint8_t* y, int64_t width);
  void (*quantizeMultiply8)(const float* x, const FloatStage8& stage, uint8_t* y, int64_t width);
  // [DQ] y[i] = float(x[i] - zero point) * scale.
  void (*dequantize8)(const uint8_t* x, Byte8 from, float scale, float* y, int64_t width);
  // y[i] = table[x[i]].
  void (*lookUp8)(const uint8_t* x, const uint8_t* table, uint8_t* y, int64_t width);
  // y[i] = fma(weights[t], taps[t][i], ...) for ascending t, starting with weights[0] * taps[0][i].
  void (*weighF32)(const float* const* taps, const float* weights, int64_t count, float* y, int64_t width);
  AddRow add[kAddPolicyCount];
  RequantizeRow requantize[kRequantPolicyCount];
};

// Null for Isa::Reference.
const DataKernels* dataKernels(Isa isa);
const DataKernels& portableDataKernels();

} // namespace burin::rt
