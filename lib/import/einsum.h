// Einstein summation: sums, transposes and one batched matrix product per pair of operands.
#pragma once

#include "lib/import/rule_context.h"

namespace burin {

// The result of an equation as numpy's einsum takes it ("bij,bjk->bik", "...i,i"); null after an error.
Value emitEinsum(RuleContext& context, const std::string& equation, const std::vector<Value>& operands);

} // namespace burin
