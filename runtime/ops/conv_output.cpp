#include "runtime/ops/conv_output.h"

#include "runtime/numerics/registry.h"
#include "runtime/ops/conv_arithmetic.h"
#include "runtime/ops/infer_check.h"

#include <algorithm>
#include <cstring>

namespace burin::rt {

namespace {

constexpr int kBias = 2, kMultiplier = 3, kShift = 4;

bool isNone(const std::string& policy) { return policy == "none"; }

struct Range {
  int32_t low, high;
};
Range rangeOf(DType dtype) {
  switch (dtype) {
  case DType::I8:
    return {INT8_MIN, INT8_MAX};
  case DType::U8:
    return {0, UINT8_MAX};
  case DType::U16:
    return {0, UINT16_MAX};
  default:
    return {INT16_MIN, INT16_MAX};
  }
}

bool checkVector(const TensorType* type, const char* what, DType dtype, int64_t channels, bool one,
                 std::string& error) {
  if (!type) return true;
  if (type->dtype != dtype)
    return reject(error, std::string(what) + " has element type " + dtypeName(type->dtype) + ", expected " +
                             dtypeName(dtype));
  const int64_t count = type->shape.elements();
  if (type->shape.rank > 1 || (count != channels && !(one && count == 1)))
    return reject(error, std::string(what) + " has shape " + toString(type->shape) + ", expected " +
                             std::to_string(channels) + " values");
  return true;
}

int32_t integerAt(const Tensor& vector, int64_t channel) {
  return vector.as<const int32_t>()[vector.shape().elements() > 1 ? channel * vector.stride[0] : 0];
}
float realAt(const Tensor& vector, int64_t channel) {
  return vector.as<const float>()[vector.shape().elements() > 1 ? channel * vector.stride[0] : 0];
}

int32_t clampAttribute(const Attrs& attrs, const char* name, int32_t fallback, Range range) {
  return static_cast<int32_t>(saturate(attrs.integer(name, fallback), range.low, range.high));
}

// Only some policies know left shifts; the largest right shift keeps 64-bit products exact.
int32_t leastShift(RequantPolicy policy) {
  return policy == RequantPolicy::ShiftHalfUp || policy == RequantPolicy::Multiplier15HalfEven ? 0 : -32;
}

} // namespace

bool inferIntegerOutput(const Signature& signature, int64_t channels, DType& result, std::string& error) {
  const std::string& name = signature.attrs.text("requant");
  const TensorType* multiplier = signature.input(kMultiplier);
  const bool wide = signature.attrs.integer("wide") != 0;
  const TensorType* bias = signature.input(kBias);
  const DType biasType = wide && bias && bias->dtype == DType::I64 ? DType::I64 : DType::I32;
  if (!checkVector(bias, "the bias", biasType, channels, false, error)) return false;
  if (isNone(name)) {
    result = multiplier ? DType::F32 : wide ? DType::I64 : DType::I32;
    return checkVector(multiplier, "the multiplier", DType::F32, channels, true, error);
  }
  RequantPolicy policy;
  if (!parse(name, policy))
    return reject(error, "attribute 'requant' names the unknown policy '" + name + "'");
  if (!multiplier) return reject(error, "requantisation by '" + name + "' needs a multiplier");
  const bool isFloat = policy == RequantPolicy::FloatHalfEven;
  if (!isFloat && !signature.input(kShift))
    return reject(error, "requantisation by '" + name + "' needs a shift");
  if (!checkVector(multiplier, "the multiplier", isFloat ? DType::F32 : DType::I32, channels, true, error) ||
      !checkVector(signature.input(kShift), "the shift", DType::I32, channels, true, error) ||
      !readType(signature, "to", signature.input(0)->dtype, result, error))
    return false;
  if (result != DType::I8 && result != DType::U8 && result != DType::I16 && result != DType::U16)
    return reject(error, std::string("cannot requantise to ") + dtypeName(result));
  return true;
}

bool IntegerOutput::prepare(const Node& node, int64_t channels, std::string& error) {
  const std::string& name = node.attrs.text("requant");
  wide_ = node.attrs.integer("wide") != 0;
  dtype_ = node.out().dtype();
  for (int i : {kMultiplier, kShift})
    if (node.input(i) && !node.in(i).constant) return reject(error, "multiplier and shift must be constants");
  if (isNone(name)) {
    const FloatClamp clamp(node.attrs);
    realLow_ = clamp.low;
    realHigh_ = clamp.high;
    kind_ = node.input(kMultiplier) ? Kind::Real : Kind::Accumulator;
    return kind_ == Kind::Accumulator || readRules(node, channels, RequantPolicy::FloatHalfEven, error);
  }
  kind_ = Kind::Requantized;
  RequantPolicy policy = RequantPolicy::FloatHalfEven;
  if (!parse(name, policy)) return reject(error, "unknown requantisation policy '" + name + "'");
  const Range range = rangeOf(dtype_);
  zeroPoint_ = node.out().zeroPoint();
  if (zeroPoint_ < range.low || zeroPoint_ > range.high)
    return reject(error, "the result's zero point " + std::to_string(zeroPoint_) + " is outside its type");
  low_ = clampAttribute(node.attrs, "q_lo", range.low, range);
  high_ = clampAttribute(node.attrs, "q_hi", range.high, range);
  if (low_ > high_)
    return reject(error, "q_lo " + std::to_string(low_) + " is above q_hi " + std::to_string(high_));
  return readRules(node, channels, policy, error);
}

bool IntegerOutput::readRules(const Node& node, int64_t channels, RequantPolicy policy, std::string& error) {
  rules_.resize(static_cast<size_t>(channels));
  for (int64_t channel = 0; channel < channels; ++channel) {
    Requant& rule = rules_[static_cast<size_t>(channel)];
    rule.policy = policy;
    if (policy == RequantPolicy::FloatHalfEven) {
      rule.scale = realAt(node.in(kMultiplier), channel);
      continue;
    }
    rule.multiplier = integerAt(node.in(kMultiplier), channel);
    rule.shift = integerAt(node.in(kShift), channel);
    if (rule.multiplier < 0 || rule.shift < leastShift(policy) || rule.shift > 31)
      return reject(error, "channel " + std::to_string(channel) + ": multiplier " +
                               std::to_string(rule.multiplier) + " with shift " + std::to_string(rule.shift) +
                               " is outside the policy's range");
  }
  return true;
}

bool IntegerOutput::isFloatToBytes() const {
  if (kind_ != Kind::Requantized || dtypeBytes(dtype_) != 1) return false;
  return std::all_of(rules_.begin(), rules_.end(), [](const Requant& rule) {
    return rule.policy == RequantPolicy::FloatHalfEven && rule.scale < 1.0f && rule.scale > -1.0f;
  });
}

ByteOutput IntegerOutput::bytes() const {
  const int shift = dtype_ == DType::U8 ? 128 : 0;
  return {static_cast<int16_t>(zeroPoint_ - shift), static_cast<int8_t>(low_ - shift),
          static_cast<int8_t>(high_ - shift), static_cast<uint8_t>(shift)};
}

void IntegerOutput::store(int64_t sum, int64_t channel, void* data, int64_t offset) const {
  const int32_t narrow = static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint64_t>(sum)));
  if (kind_ == Kind::Accumulator) {
    if (dtype_ == DType::I64)
      static_cast<int64_t*>(data)[offset] = sum;
    else
      static_cast<int32_t*>(data)[offset] = wide_ ? saturate32(sum) : narrow;
    return;
  }
  const Requant& rule = rules_[static_cast<size_t>(channel)];
  if (kind_ == Kind::Real) {
    const float value = (wide_ ? static_cast<float>(sum) : static_cast<float>(narrow)) * rule.scale;
    const float raised = value < realLow_ ? realLow_ : value;
    static_cast<float*>(data)[offset] = raised > realHigh_ ? realHigh_ : raised;
    return;
  }
  const int32_t q = wide_ ? requantize(sum, rule, zeroPoint_, low_, high_)
                          : requantize(narrow, rule, zeroPoint_, low_, high_);
  if (dtype_ == DType::I8 || dtype_ == DType::U8)
    static_cast<uint8_t*>(data)[offset] = static_cast<uint8_t>(q);
  else
    static_cast<uint16_t*>(data)[offset] = static_cast<uint16_t>(q);
}

void IntegerOutput::chooseLoops(Isa isa) {
  const FinishTable& table = finishTable(isa);
  for (const Requant& rule : rules_) {
    multiplier_.push_back(rule.multiplier);
    shift_.push_back(rule.shift);
    scale_.push_back(rule.scale);
  }
  if (kind_ == Kind::Real)
    loop_ = table.real;
  else if (kind_ == Kind::Requantized && !rules_.empty())
    loop_ = (dtypeBytes(dtype_) == 1 ? table.bytes : table.words)[static_cast<int>(rules_[0].policy)];
}

void IntegerOutput::storeRow(const int32_t* sums, int64_t firstChannel, int count, uint8_t* out) const {
  if (kind_ == Kind::Accumulator) {
    std::memcpy(out, sums, static_cast<size_t>(count) * sizeof *sums);
    return;
  }
  const size_t first = static_cast<size_t>(firstChannel);
  loop_({sums, count, &multiplier_[first], &shift_[first], &scale_[first], zeroPoint_, low_, high_, realLow_,
         realHigh_, out});
}

} // namespace burin::rt
