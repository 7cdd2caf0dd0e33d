// Requantisation of rows by any policy, and the attributes that state a policy's numbers.
#pragma once

#include "runtime/core/op.h"
#include "runtime/numerics/requant_encode.h"

namespace burin::rt {

// row[i] = requantize(row[i] - zeroIn): the loop of the rule's policy.
void requantizeRow(int32_t* row, int64_t count, int32_t zeroIn, const Requant& rule, int32_t zeroOut,
                   int32_t low, int32_t high);

// The policy named by the attribute; float_half_even when there is none.
bool readRequantPolicy(const Attrs& attrs, const char* name, RequantPolicy& policy, std::string& error);

// The rule number `index` of an op. Attributes state it explicitly: `ratio` (floats) for float_half_even,
// `multiplier` and `shift` (ints) otherwise. Without them `rule` must have been encoded from the tensors'
// scales, and `status` says whether that was possible.
bool readRequantRule(const Attrs& attrs, int index, RequantPolicy policy, EncodeStatus status, Requant& rule,
                     std::string& error);

} // namespace burin::rt
