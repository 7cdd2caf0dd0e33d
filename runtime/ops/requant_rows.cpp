#include "runtime/ops/requant_rows.h"

#include "runtime/numerics/registry.h"
#include "runtime/ops/infer_check.h"

namespace burin::rt {

bool readRequantPolicy(const Attrs& attrs, const char* name, RequantPolicy& policy, std::string& error) {
  policy = RequantPolicy::FloatHalfEven;
  const std::string& text = attrs.text(name);
  if (text.empty() || parse(text, policy)) return true;
  return reject(error, std::string("attribute '") + name + "' names the unknown policy '" + text + "'");
}

bool readRequantRule(const Attrs& attrs, int index, RequantPolicy policy, EncodeStatus status, Requant& rule,
                     std::string& error) {
  const size_t i = static_cast<size_t>(index);
  const std::vector<float>& ratios = attrs.floats("ratio");
  if (policy == RequantPolicy::FloatHalfEven && i < ratios.size()) {
    rule.policy = policy;
    rule.scale = ratios[i];
    return true;
  }
  const std::vector<int64_t>&multipliers = attrs.ints("multiplier"), &shifts = attrs.ints("shift");
  if (policy == RequantPolicy::FloatHalfEven || i >= multipliers.size() || i >= shifts.size()) {
    if (status == EncodeStatus::Ok) return true;
    return reject(error, std::string("the ratio of its scales ") + describe(status));
  }
  const bool leftShifts =
      policy != RequantPolicy::ShiftHalfUp && policy != RequantPolicy::Multiplier15HalfEven;
  if (multipliers[i] < 0 || multipliers[i] > INT32_MAX || shifts[i] < (leftShifts ? -32 : 0) ||
      shifts[i] > 31)
    return reject(error, "multiplier " + std::to_string(multipliers[i]) + " with shift " +
                             std::to_string(shifts[i]) + " is outside the policy's range");
  rule.policy = policy;
  rule.multiplier = static_cast<int32_t>(multipliers[i]);
  rule.shift = static_cast<int32_t>(shifts[i]);
  return true;
}

} // namespace burin::rt
