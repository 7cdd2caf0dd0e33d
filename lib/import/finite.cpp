#include "lib/import/finite.h"

#include <cstring>

namespace burin {

namespace {
// Bits of the first non-finite element, or 0.
template <class Bits>
Bits firstNonFinite(llvm::ArrayRef<char> bytes, Bits exponent) {
  for (size_t i = 0; i + sizeof(Bits) <= bytes.size(); i += sizeof(Bits)) {
    Bits bits;
    std::memcpy(&bits, bytes.data() + i, sizeof bits);
    if ((bits & exponent) == exponent) return bits;
  }
  return 0;
}
} // namespace

Status checkFinite(mlir::Value constant) {
  rt::TensorType type = nn::typeOf(constant);
  if (!rt::isFloat(type.dtype)) return {};
  const bool wide = type.dtype == rt::DType::F32;
  uint32_t exponent = wide ? 0x7f800000u : type.dtype == rt::DType::F16 ? 0x7c00u : 0x7f80u;
  uint32_t mantissa = wide ? 0x007fffffu : type.dtype == rt::DType::F16 ? 0x03ffu : 0x007fu;
  auto bytes = nn::constantBytes(constant);
  uint32_t bits = wide ? firstNonFinite<uint32_t>(bytes, exponent)
                       : firstNonFinite<uint16_t>(bytes, static_cast<uint16_t>(exponent));
  if (!bits) return {};
  bool isNaN = bits & mantissa;
  if (!isNaN && type.shape.elements() == 1) return {};
  return fail(ErrorCode::Input, isNaN ? "holds NaN" : "holds an infinite value",
              "its training diverged or the file is damaged; repair or retrain the model");
}

} // namespace burin
