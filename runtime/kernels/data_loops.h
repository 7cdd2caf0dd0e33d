// The loops behind data_kernels.h. Included once per instruction set with
//   BURIN_TARGET    the function attribute that selects it
//   BURIN_ISA_NAME  a namespace of its own
//   BURIN_LOOK_UP   optionally a better lookUp8
#include "runtime/kernels/data_kernels.h"
#include "runtime/numerics/rounding.h"

#include <cmath>
#include <limits>

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" // sanitized and unoptimised builds do not vectorise
#define BURIN_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#else
#define BURIN_VECTORIZE _Pragma("GCC ivdep")
#endif

namespace burin::rt::BURIN_ISA_NAME {

// Rows are cut into blocks of a constant width, the widest first, so that running values stay in registers
// and short rows (a few channels) are vectors too.
#define BURIN_BLOCKS(width, wide, middle, narrow, call)                                                      \
  int64_t at = 0;                                                                                            \
  for (; at + (wide) <= (width); at += (wide)) call(wide);                                                   \
  for (; at + (middle) <= (width); at += (middle)) call(middle);                                             \
  for (; at + (narrow) <= (width); at += (narrow)) call(narrow);                                             \
  for (; at < (width); ++at) call(1)

template <class T, int kBlock>
BURIN_TARGET void maxBlock(const void* const* taps, int64_t count, int64_t at, void* y) {
  T best[kBlock];
  for (int i = 0; i < kBlock; ++i)
    best[i] = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                   : std::numeric_limits<T>::lowest();
  for (int64_t t = 0; t < count; ++t) {
    const T* x = static_cast<const T*>(taps[t]) + at;
    for (int i = 0; i < kBlock; ++i) best[i] = x[i] > best[i] ? x[i] : best[i];
  }
  T* to = static_cast<T*>(y) + at;
  for (int i = 0; i < kBlock; ++i) to[i] = best[i];
}

template <class T>
BURIN_TARGET void maxTaps(const void* const* taps, int64_t count, void* y, int64_t width) {
  constexpr int kVector = 64 / static_cast<int>(sizeof(T));
#define BURIN_CALL(n) maxBlock<T, n>(taps, count, at, y)
  BURIN_BLOCKS(width, 2 * kVector, kVector / 2, kVector / 8, BURIN_CALL);
#undef BURIN_CALL
}

template <int kBlock>
BURIN_TARGET void meanBlock(const float* const* taps, int64_t count, float divisor, float* y, int64_t at) {
  float sum[kBlock] = {};
  for (int64_t t = 0; t < count; ++t)
    for (int i = 0; i < kBlock; ++i) sum[i] += taps[t][at + i];
  for (int i = 0; i < kBlock; ++i) y[at + i] = sum[i] / divisor;
}

BURIN_TARGET static void meanTaps(const float* const* taps, int64_t count, float divisor, float* y,
                                  int64_t width) {
#define BURIN_CALL(n) meanBlock<n>(taps, count, divisor, y, at)
  BURIN_BLOCKS(width, 64, 16, 4, BURIN_CALL);
#undef BURIN_CALL
}

template <int kBlock>
BURIN_TARGET void sumBlock(const uint8_t* const* taps, int64_t count, uint8_t flip, int32_t* sums,
                           int64_t at) {
  int32_t sum[kBlock] = {};
  for (int64_t t = 0; t < count; ++t)
    for (int i = 0; i < kBlock; ++i) sum[i] += static_cast<int8_t>(taps[t][at + i] ^ flip);
  for (int i = 0; i < kBlock; ++i) sums[at + i] += sum[i];
}

BURIN_TARGET static void sumTaps8(const uint8_t* const* taps, int64_t count, uint8_t flip, int32_t* sums,
                                  int64_t width) {
#define BURIN_CALL(n) sumBlock<n>(taps, count, flip, sums, at)
  BURIN_BLOCKS(width, 64, 16, 4, BURIN_CALL);
#undef BURIN_CALL
}

template <int kBlock>
BURIN_TARGET void sumRowBlock(const uint8_t* x, int64_t rowStep, int64_t count, uint8_t flip, int32_t* sums,
                              int64_t at) {
  int32_t sum[kBlock] = {};
  for (int64_t row = 0; row < count; ++row)
    for (int i = 0; i < kBlock; ++i) sum[i] += static_cast<int8_t>(x[row * rowStep + at + i] ^ flip);
  for (int i = 0; i < kBlock; ++i) sums[at + i] += sum[i];
}

BURIN_TARGET static void sumRows8(const uint8_t* x, int64_t rowStep, int64_t count, uint8_t flip,
                                  int32_t* sums, int64_t width) {
#define BURIN_CALL(n) sumRowBlock<n>(x, rowStep, count, flip, sums, at)
  BURIN_BLOCKS(width, 64, 16, 4, BURIN_CALL);
#undef BURIN_CALL
}

// A copy of a stage that stores to y cannot alias.
struct Stage {
  float scale;
  int32_t low, high, zero;
  uint8_t flip;
  BURIN_TARGET explicit Stage(const FloatStage8& s)
      : scale(s.scale), low(s.low), high(s.high), zero(s.out.zeroPoint), flip(s.out.flip) {}
};
#define BURIN_STORE8(stage, value)                                                                           \
  static_cast<uint8_t>(static_cast<uint8_t>(roundClamped(value, (stage).low, (stage).high) + (stage).zero) ^ \
                       (stage).flip)

BURIN_TARGET static void storeSums8(const int32_t* sums, int32_t offset, const FloatStage8& to, uint8_t* y,
                                    int64_t width) {
  const Stage s(to);
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i) y[i] = BURIN_STORE8(s, static_cast<float>(sums[i] - offset) * s.scale);
}

BURIN_TARGET static void requantizeBytes(const uint8_t* x, Byte8 from, const FloatStage8& to, uint8_t* y,
                                         int64_t width) {
  const Stage s(to);
  const int32_t zero = from.zeroPoint;
  const uint8_t flip = from.flip;
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i) {
    const int32_t centred = static_cast<int8_t>(x[i] ^ flip) - zero;
    y[i] = BURIN_STORE8(s, static_cast<float>(centred) * s.scale);
  }
}

// The steps are compile-time constants, so that both operands are plain vectors or scalars.
template <int kStepA, int kStepB>
BURIN_TARGET void addBytes(const uint8_t* a, const uint8_t* b, const Binary8& rule, uint8_t* y,
                           int64_t width) {
  const Stage s(rule.out);
  const Binary8 r = rule;
  const uint8_t flipA = r.a.flip ^ 0x80, flipB = r.b.flip ^ 0x80; // to numbers from 0
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i) {
    const int32_t left = static_cast<uint8_t>(a[i * kStepA] ^ flipA),
                  right = static_cast<uint8_t>(b[i * kStepB] ^ flipB);
    y[i] = BURIN_STORE8(s, std::fma(static_cast<float>(left), r.ratioA,
                                    std::fma(static_cast<float>(right), r.ratioB, r.offset)));
  }
}

template <int kStepA, int kStepB>
BURIN_TARGET void multiplyBytes(const uint8_t* a, const uint8_t* b, const Binary8& rule, uint8_t* y,
                                int64_t width) {
  const Stage s(rule.out);
  const Binary8 r = rule;
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i) {
    const int32_t left = static_cast<int8_t>(a[i * kStepA] ^ r.a.flip) - r.a.zeroPoint;
    const int32_t right = static_cast<int8_t>(b[i * kStepB] ^ r.b.flip) - r.b.zeroPoint;
    y[i] = BURIN_STORE8(s, static_cast<float>(left * right) * s.scale);
  }
}

#define BURIN_DISPATCH_STEPS(loop)                                                                           \
  if (rule.stepA && rule.stepB) return loop<1, 1>(a, b, rule, y, width);                                     \
  if (rule.stepA) return loop<1, 0>(a, b, rule, y, width);                                                   \
  if (rule.stepB) return loop<0, 1>(a, b, rule, y, width);                                                   \
  return loop<0, 0>(a, b, rule, y, width)

BURIN_TARGET static void addAny(const uint8_t* a, const uint8_t* b, const Binary8& rule, uint8_t* y,
                                int64_t width) {
  BURIN_DISPATCH_STEPS(addBytes);
}
BURIN_TARGET static void multiplyAny(const uint8_t* a, const uint8_t* b, const Binary8& rule, uint8_t* y,
                                     int64_t width) {
  BURIN_DISPATCH_STEPS(multiplyBytes);
}

BURIN_TARGET static void quantizeDivided(const float* x, const FloatStage8& to, uint8_t* y, int64_t width) {
  const Stage s(to);
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i) y[i] = BURIN_STORE8(s, x[i] / s.scale);
}
BURIN_TARGET static void quantizeMultiplied(const float* x, const FloatStage8& to, uint8_t* y,
                                            int64_t width) {
  const Stage s(to);
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i) y[i] = BURIN_STORE8(s, x[i] * s.scale);
}

BURIN_TARGET static void dequantizeBytes(const uint8_t* x, Byte8 from, float scale, float* y, int64_t width) {
  const int32_t zero = from.zeroPoint;
  const uint8_t flip = from.flip;
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i)
    y[i] = static_cast<float>(static_cast<int8_t>(x[i] ^ flip) - zero) * scale;
}

#ifndef BURIN_LOOK_UP
BURIN_TARGET static void lookUpBytes(const uint8_t* x, const uint8_t* table, uint8_t* y, int64_t width) {
  for (int64_t i = 0; i < width; ++i) y[i] = table[x[i]];
}
#define BURIN_LOOK_UP lookUpBytes
#endif

template <int kBlock>
BURIN_TARGET void weighBlock(const float* const* taps, const float* weights, int64_t count, float* y,
                             int64_t at) {
  float sum[kBlock];
  for (int i = 0; i < kBlock; ++i) sum[i] = weights[0] * taps[0][at + i];
  for (int64_t t = 1; t < count; ++t)
    for (int i = 0; i < kBlock; ++i) sum[i] = std::fma(weights[t], taps[t][at + i], sum[i]);
  for (int i = 0; i < kBlock; ++i) y[at + i] = sum[i];
}

BURIN_TARGET static void weighTaps(const float* const* taps, const float* weights, int64_t count, float* y,
                                   int64_t width) {
#define BURIN_CALL(n) weighBlock<n>(taps, weights, count, y, at)
  BURIN_BLOCKS(width, 64, 16, 4, BURIN_CALL);
#undef BURIN_CALL
}

// kRight: all shifts are known to be 0..31. The mask changes nothing then, but tells the compiler that the
// branches for left shifts are dead, and only a loop without branches becomes vectors.
BURIN_TARGET inline bool shiftsRight(const Requant& rule) { return rule.shift >= 0 && rule.shift <= 31; }

template <RequantPolicy P, bool kRight>
BURIN_TARGET void requantPolicyLoop(int32_t* row, int64_t width, const RequantRow& parameters) {
  RequantRow p = parameters;
  if (kRight) p.rule.shift &= 31;
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i) row[i] = apply<P>(row[i] - p.zeroIn, p.rule, p.zeroOut, p.low, p.high);
}

template <RequantPolicy P>
BURIN_TARGET void requantPolicyRow(int32_t* row, int64_t width, const RequantRow& p) {
  if (shiftsRight(p.rule)) return requantPolicyLoop<P, true>(row, width, p);
  requantPolicyLoop<P, false>(row, width, p);
}

template <AddPolicy P, bool kRight>
BURIN_TARGET void addPolicyLoop(int32_t* a, const int32_t* b, int64_t width,
                                const AddParameters& parameters) {
  AddParameters p = parameters; // a copy the stores cannot alias
  if (kRight) {
    p.rescaleA.shift &= 31;
    p.rescaleB.shift &= 31;
    p.rescaleOut.shift &= 31;
  }
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i) a[i] = applyAdd<P>(a[i], b[i], p);
}

// [ADD-TFLITE] in three passes, each small enough to become vectors.
BURIN_TARGET static void rescaleLeft(int32_t* row, int64_t width, int32_t zero, int leftShift,
                                     const Requant& rule) {
  const int32_t factor = 1 << leftShift, multiplier = rule.multiplier, shift = rule.shift & 31;
  BURIN_VECTORIZE
  for (int64_t i = 0; i < width; ++i) row[i] = scaleHighMultiply((row[i] - zero) * factor, multiplier, shift);
}

template <>
BURIN_TARGET void addPolicyLoop<AddPolicy::Tflite, true>(int32_t* a, const int32_t* b, int64_t width,
                                                         const AddParameters& p) {
  constexpr int64_t kChunk = 256;
  int32_t other[kChunk];
  const int32_t sign = p.subtract ? -1 : 1;
  for (int64_t at = 0; at < width; at += kChunk) {
    const int64_t n = width - at < kChunk ? width - at : kChunk;
    for (int64_t i = 0; i < n; ++i) other[i] = b[at + i];
    rescaleLeft(a + at, n, p.zeroPointA, p.leftShift, p.rescaleA);
    rescaleLeft(other, n, p.zeroPointB, p.leftShift, p.rescaleB);
    for (int64_t i = 0; i < n; ++i) a[at + i] += sign * other[i];
    requantPolicyRow<RequantPolicy::Tflite>(a + at, n, {p.rescaleOut, 0, p.zeroPointOut, p.low, p.high});
  }
}

template <AddPolicy P>
BURIN_TARGET void addPolicyRow(int32_t* a, const int32_t* b, int64_t width, const AddParameters& p) {
  if (shiftsRight(p.rescaleA) && shiftsRight(p.rescaleB) && shiftsRight(p.rescaleOut))
    return addPolicyLoop<P, true>(a, b, width, p);
  addPolicyLoop<P, false>(a, b, width, p);
}

#define BURIN_STRINGIZE_(x) #x
#define BURIN_STRINGIZE(x) BURIN_STRINGIZE_(x)
static constexpr DataKernels kKernels = {
    BURIN_STRINGIZE(BURIN_ISA_NAME),
    maxTaps<int8_t>,
    maxTaps<uint8_t>,
    maxTaps<float>,
    meanTaps,
    sumTaps8,
    sumRows8,
    storeSums8,
    requantizeBytes,
    addAny,
    multiplyAny,
    quantizeDivided,
    quantizeMultiplied,
    dequantizeBytes,
    BURIN_LOOK_UP,
    weighTaps,
    {addPolicyRow<AddPolicy::FloatRatio>, addPolicyRow<AddPolicy::Multiplier8HalfUp>,
     addPolicyRow<AddPolicy::SharedShift8HalfAway>, addPolicyRow<AddPolicy::Tflite>,
     addPolicyRow<AddPolicy::Multiplier15HalfEven>},
    {requantPolicyRow<RequantPolicy::FloatHalfEven>, requantPolicyRow<RequantPolicy::MultiplierShiftHalfUp>,
     requantPolicyRow<RequantPolicy::Multiplier8HalfUp>, requantPolicyRow<RequantPolicy::ShiftHalfUp>,
     requantPolicyRow<RequantPolicy::QdmHalfAway>, requantPolicyRow<RequantPolicy::Tflite>,
     requantPolicyRow<RequantPolicy::Multiplier15HalfEven>}};

} // namespace burin::rt::BURIN_ISA_NAME
