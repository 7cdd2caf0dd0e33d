// Requantisation of rows by any policy, and the attributes that state a policy's numbers.
#pragma once

#include "runtime/core/op.h"
#include "runtime/kernels/data_kernels.h"
#include "runtime/numerics/requant_encode.h"

namespace burin::rt {

// row[i] = requantize(row[i] - zeroIn) by the loop of the rule's policy.
inline void requantizeRow(const DataKernels& kernels, int32_t* row, int64_t count,
                          const RequantRow& parameters) {
  kernels.requantize[static_cast<int>(parameters.rule.policy)](row, count, parameters);
}

// The loops of an instruction set; the reference takes the plain ones.
inline const DataKernels& rowKernels(Isa isa) {
  const DataKernels* kernels = dataKernels(isa);
  return kernels ? *kernels : portableDataKernels();
}

// The policy named by the attribute; float_half_even when there is none.
bool readRequantPolicy(const Attrs& attrs, const char* name, RequantPolicy& policy, std::string& error);

// The rule number `index` of an op. Attributes state it explicitly: `ratio` (floats) for float_half_even,
// `multiplier` and `shift` (ints) otherwise. Without them `rule` must have been encoded from the tensors'
// scales, and `status` says whether that was possible.
bool readRequantRule(const Attrs& attrs, int index, RequantPolicy policy, EncodeStatus status, Requant& rule,
                     std::string& error);

} // namespace burin::rt
