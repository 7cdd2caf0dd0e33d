// What a person should know and do when a program is not as good as its float network.
#pragma once

#include "lib/pipeline/verify.h"

namespace burin {

// An output below this is worth a look: its error has 3 % of the signal's energy.
constexpr double kGoodSqnrDb = 15;

// Empty when all outputs are good. Else a line that says which output is not, and a line for each layer that
// adds much noise: where, why, what to do. `plan` and `table` may be null.
std::vector<std::string> advise(const Verification& verification, const quantize::QuantPlan* plan,
                                const CalibrationTable* table);

} // namespace burin
