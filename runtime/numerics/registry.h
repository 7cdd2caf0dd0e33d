// The closed registry of arithmetic: the names by which targets, plans and programs refer to a policy. The
// order of each table is the order of the enum.
#pragma once

#include "runtime/numerics/elementwise.h"
#include "runtime/numerics/pool.h"

#include <cstddef>
#include <string_view>

namespace burin::rt {

constexpr const char* kRoundingNames[] = {"half_even",   "half_away", "half_up", "half_down",
                                          "toward_zero", "down",      "up"};
constexpr const char* kRequantPolicyNames[] = {
    "float_half_even", "multiplier_shift_half_up", "multiplier8_half_up", "shift_half_up", "qdm_half_away",
    "tflite",          "multiplier15_half_even"};
constexpr const char* kAddPolicyNames[] = {"float_ratio", "multiplier8_half_up", "shared_shift8_half_away",
                                           "tflite", "multiplier15_half_even"};

template <size_t N>
constexpr int indexOfName(const char* const (&names)[N], std::string_view name) {
  for (size_t i = 0; i < N; ++i)
    if (name == names[i]) return static_cast<int>(i);
  return -1;
}

constexpr const char* nameOf(Rounding value) { return kRoundingNames[static_cast<int>(value)]; }
constexpr const char* nameOf(RequantPolicy value) { return kRequantPolicyNames[static_cast<int>(value)]; }
constexpr const char* nameOf(AddPolicy value) { return kAddPolicyNames[static_cast<int>(value)]; }

// False for a name that is not in the registry.
template <class Enum, size_t N>
constexpr bool parseName(const char* const (&names)[N], std::string_view name, Enum& value) {
  const int index = indexOfName(names, name);
  if (index < 0) return false;
  value = static_cast<Enum>(index);
  return true;
}
constexpr bool parse(std::string_view name, Rounding& value) {
  return parseName(kRoundingNames, name, value);
}
constexpr bool parse(std::string_view name, RequantPolicy& value) {
  return parseName(kRequantPolicyNames, name, value);
}
constexpr bool parse(std::string_view name, AddPolicy& value) {
  return parseName(kAddPolicyNames, name, value);
}

// An average is a requantisation policy or TFLite's integer division. The policy that comes with the latter
// serves what it does not cover: means, and averages between different scales.
constexpr const char* kIntegerAverageName = "integer_half_away";
constexpr const char* nameOf(const AverageRule& rule) {
  return rule.integerDivision ? kIntegerAverageName : nameOf(rule.policy);
}
constexpr bool parse(std::string_view name, AverageRule& rule) {
  rule.integerDivision = name == kIntegerAverageName;
  if (!rule.integerDivision) return parse(name, rule.policy);
  rule.policy = RequantPolicy::Tflite;
  return true;
}

} // namespace burin::rt
