#include "lib/data/array.h"

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

namespace burin {
namespace {

struct Half {
  uint16_t bits;
};
struct Boolean {
  uint8_t byte;
};

struct TypeInfo {
  const char* name;
  size_t bytes;
};
constexpr std::array<TypeInfo, 12> kTypes = {{{"f16", 2},
                                              {"f32", 4},
                                              {"f64", 8},
                                              {"i8", 1},
                                              {"i16", 2},
                                              {"i32", 4},
                                              {"i64", 8},
                                              {"u8", 1},
                                              {"u16", 2},
                                              {"u32", 4},
                                              {"u64", 8},
                                              {"bool", 1}}};

// Calls `use` with a value of the C++ type of `type`.
template <class Use>
auto withType(ElementType type, Use use) {
  switch (type) {
  case ElementType::F16:
    return use(Half{});
  case ElementType::F32:
    return use(float{});
  case ElementType::F64:
    return use(double{});
  case ElementType::I8:
    return use(int8_t{});
  case ElementType::I16:
    return use(int16_t{});
  case ElementType::I32:
    return use(int32_t{});
  case ElementType::I64:
    return use(int64_t{});
  case ElementType::U8:
    return use(uint8_t{});
  case ElementType::U16:
    return use(uint16_t{});
  case ElementType::U32:
    return use(uint32_t{});
  case ElementType::U64:
    return use(uint64_t{});
  case ElementType::Bool:
    break;
  }
  return use(Boolean{});
}

// float and double hold every value of Half and Boolean.
float plain(Half value) { return floatFromHalf(value.bits); }
uint8_t plain(Boolean value) { return value.byte != 0; }
template <class T>
T plain(T value) {
  return value;
}

// A float as an integer type, if it is one.
template <class To, class From>
bool floatToInteger(From value, To& out) {
  // Both bounds are powers of two, hence exact in any float type; NaN fails the comparison.
  const auto low = static_cast<From>(std::numeric_limits<To>::min());
  constexpr To kHalfEnd = std::numeric_limits<To>::max() / 2 + 1;
  const From end = From{2} * static_cast<From>(kHalfEnd);
  if (!(value >= low && value < end)) return false;
  out = static_cast<To>(value);
  return static_cast<From>(out) == value;
}

template <class To, class From>
bool integerToFloat(From value, To& out) {
  out = static_cast<To>(value);
  From back = 0;
  return floatToInteger(out, back) && back == value;
}

template <class From>
bool convertValue(From value, float& out) {
  if constexpr (std::is_integral_v<From>) return integerToFloat(value, out);
  // double to float beyond the range is infinite under IEC 559; that is the error wanted here.
  if constexpr (std::is_same_v<From, double>)
    if (std::isfinite(value) && std::abs(value) >= 0x1.ffffffp127) return false;
  out = static_cast<float>(value);
  return true;
}

template <class From>
bool convertValue(From value, double& out) {
  if constexpr (std::is_integral_v<From>) return integerToFloat(value, out);
  out = static_cast<double>(value);
  return true;
}

// double to half must round once: the middle step to float is made to odd, which keeps the final rounding
// right.
float toFloatRoundedToOdd(double value) {
  auto near = static_cast<float>(value);
  if (static_cast<double>(near) == value || !std::isfinite(near)) return near;
  uint32_t bits;
  std::memcpy(&bits, &near, sizeof bits);
  if (bits & 1) return near;
  bool tooLarge = std::abs(static_cast<double>(near)) > std::abs(value);
  bits += tooLarge ? -1u : 1u;
  std::memcpy(&near, &bits, sizeof near);
  return near;
}

template <class From>
bool convertValue(From value, Half& out) {
  float narrow;
  if constexpr (std::is_same_v<From, double>) {
    if (std::isfinite(value) && std::abs(value) >= 65520.0) return false;
    narrow = toFloatRoundedToOdd(value);
  } else if (!convertValue(value, narrow)) {
    return false;
  }
  out.bits = halfFromFloat(narrow);
  float back = floatFromHalf(out.bits);
  if constexpr (std::is_integral_v<From>) return back == narrow;
  return std::isfinite(back) || !std::isfinite(narrow);
}

template <class From>
bool convertValue(From value, Boolean& out) {
  out.byte = value == From{1};
  return value == From{0} || value == From{1};
}

template <class From, class To>
  requires std::is_integral_v<To>
bool convertValue(From value, To& out) {
  if constexpr (std::is_floating_point_v<From>) {
    return floatToInteger(value, out);
  } else {
    out = static_cast<To>(value); // NOLINT(bugprone-signed-char-misuse): int8_t is a number here
    return std::in_range<To>(value);
  }
}

template <class From, class To>
Status convertElements(const Array& in, ElementType type, Array& out) {
  auto source = in.as<From>();
  auto target = out.as<To>();
  for (size_t i = 0; i < source.size(); ++i)
    if (!convertValue(plain(source[i]), target[i]))
      return fail(ErrorCode::Input,
                  "the value " + std::to_string(plain(source[i])) + " at index " + std::to_string(i) + " (" +
                      elementName(in.type) + ") cannot be kept as " + elementName(type),
                  "store the data as " + std::string(elementName(type)));
  return {};
}

} // namespace

size_t elementBytes(ElementType type) { return kTypes[static_cast<size_t>(type)].bytes; }
const char* elementName(ElementType type) { return kTypes[static_cast<size_t>(type)].name; }

std::optional<ElementType> parseElementType(std::string_view name) {
  for (size_t i = 0; i < kTypes.size(); ++i)
    if (name == kTypes[i].name) return static_cast<ElementType>(i);
  return std::nullopt;
}

std::string dimsText(const Dims& dims) {
  std::string out = "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i > 0) out += ',';
    out += std::to_string(dims[i]);
  }
  out += ']';
  return out;
}

std::optional<int64_t> countElements(std::span<const int64_t> dims) {
  int64_t count = 1;
  bool empty = false, overflow = false;
  for (int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    if (dim == 0)
      empty = true;
    else if (count > std::numeric_limits<int64_t>::max() / dim)
      overflow = true;
    else
      count *= dim;
  }
  if (empty) return 0;
  return overflow ? std::nullopt : std::optional(count);
}

Array::Array(ElementType elementType, Dims dims) : type(elementType), shape(std::move(dims)) {
  bytes.resize(static_cast<size_t>(countElements(shape).value_or(0)) * elementBytes(type));
}

Result<Array> convertTo(Array array, ElementType type) {
  if (array.type == type) return array;
  Array out(type, array.shape);
  Status status = withType(array.type, [&](auto from) {
    return withType(type, [&](auto to) {
      if constexpr (std::is_same_v<decltype(from), decltype(to)>)
        return Status{};
      else
        return convertElements<decltype(from), decltype(to)>(array, type, out);
    });
  });
  if (!status) return fail(std::move(status).error());
  return out;
}

} // namespace burin
