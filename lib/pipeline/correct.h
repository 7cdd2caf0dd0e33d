// Bias correction: rounding shifts the mean of a layer's result, channel by channel, and the shifts add up
// through the network. The integer network is run layer by layer on several samples at once; each layer's
// bias takes up the difference of the means before the next layer sees its results (Nagel et al. 2019,
// section 4.2, the empirical form).
#pragma once

#include "lib/pipeline/pipeline.h"

namespace burin {

// Adds `biasCorrection` to the plan's ops. `program` is the plan compiled; `module` the prepared float graph.
// Uses at most kCorrectionSamples of `samples` (indices into the data).
constexpr size_t kCorrectionSamples = 16;
Status correctBiases(mlir::ModuleOp module, const Executable& program, const Dataset& data,
                     const std::vector<size_t>& samples, int threads, quantize::QuantPlan& plan);

} // namespace burin
