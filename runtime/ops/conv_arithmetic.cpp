#include "runtime/ops/conv_arithmetic.h"

#include "runtime/ops/infer_check.h"

#include <limits>

namespace burin::rt {

namespace {
bool isInRange(int32_t zero, DType dtype) {
  switch (dtype) {
  case DType::I8:
    return zero >= INT8_MIN && zero <= INT8_MAX;
  case DType::U8:
    return zero >= 0 && zero <= UINT8_MAX;
  default:
    return zero >= INT16_MIN && zero <= INT16_MAX;
  }
}

bool checkZeroPoint(const Tensor& tensor, int32_t zero, std::string& error) {
  if (isInRange(zero, tensor.dtype())) return true;
  return reject(error, "the zero point " + std::to_string(zero) + " of '" + tensor.name +
                           "' is outside its type " + dtypeName(tensor.dtype()));
}
} // namespace

bool weightZeroPoints(const Tensor& w, int64_t channels, std::vector<int32_t>& zero, std::string& error) {
  const std::vector<int32_t>& given = w.quant.zeroPoint;
  const int64_t count = static_cast<int64_t>(given.size());
  if (count > 1 && count != channels)
    return reject(error, "the weights have " + std::to_string(count) + " zero points for " +
                             std::to_string(channels) + " output channels");
  for (int32_t value : given)
    if (!checkZeroPoint(w, value, error)) return false;
  zero.assign(static_cast<size_t>(channels), count == 1 ? given[0] : 0);
  if (count > 1) zero = given;
  return true;
}

bool activationZeroPoint(const Tensor& x, int32_t& zero, std::string& error) {
  zero = x.zeroPoint();
  // Channels may differ in scale (the weights take it up), not in zero point.
  for (int32_t other : x.quant.zeroPoint)
    if (other != zero) return reject(error, "the activation '" + x.name + "' has a zero point per channel");
  return checkZeroPoint(x, zero, error);
}

FloatClamp::FloatClamp(const Attrs& attrs)
    : low(attrs.real("lo", -std::numeric_limits<float>::infinity())),
      high(attrs.real("hi", std::numeric_limits<float>::infinity())) {}

} // namespace burin::rt
