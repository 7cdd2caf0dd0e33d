// Weights that are NaN or infinite: a training that diverged, or a damaged file.
#pragma once

#include "lib/import/common.h"

namespace burin {

// An error for a constant that holds NaN or infinity. Scalars may be infinite: masks and clip limits are
// written so.
Status checkFinite(mlir::Value constant);

} // namespace burin
