// Turns rows of 32-bit sums into results by any requantisation policy. One loop per policy and width,
// compiled for each instruction set; the arithmetic is that of runtime/numerics.
#pragma once

#include "runtime/core/op.h"
#include "runtime/numerics/requant.h"

#include <cstdint>

namespace burin::rt {

constexpr int kRequantPolicyCount = 7;

struct FinishRow {
  const int32_t* sums;
  int count;
  // One value per sum.
  const int32_t* multiplier;
  const int32_t* shift;
  const float* scale;
  int32_t zeroPoint, low, high;
  float realLow, realHigh;
  uint8_t* out;
};
using FinishFunction = void (*)(const FinishRow& row);

struct FinishTable {
  FinishFunction bytes[kRequantPolicyCount]; // 8-bit results
  FinishFunction words[kRequantPolicyCount]; // 16-bit results
  FinishFunction real;                       // float(sum) * scale, clamped
};

const FinishTable& portableFinishTable();
const FinishTable& finishTable(Isa isa);

} // namespace burin::rt
