// Sums of products by an equation of axis labels, the same in every framework that has them.
#pragma once

#include "lib/import/rule_context.h"

namespace burin {

// The node's inputs by `equation` ("ij,jk->ik"), as its first output.
void importEinsum(RuleContext& context, const std::string& equation);

} // namespace burin
