// Bias correction: rounding shifts the mean of a layer's result, channel by channel, and the shifts add up
// through the network. The integer network is run layer by layer on several samples at once; each layer's
// bias takes up the difference of the means before the next layer sees its results (Nagel et al. 2019,
// section 4.2, the empirical form). With a function behind the layer, the means of what that gives count:
// SiLU forgives errors where it is flat, and moving the values there would move those that matter.
#pragma once

#include "lib/pipeline/pipeline.h"

namespace burin {

// `compiled` with its biases corrected, if that brings the outputs closer to those of the prepared float
// graph `module`; else `compiled` as it was, with a note. At most kCorrectionSamples of `samples` (indices
// into the data) correct, as many others judge; of fewer, the same do both. `options` are those that
// `compiled` was made with.
constexpr size_t kCorrectionSamples = 16;
Result<Compiled> correctBiases(mlir::ModuleOp module, const CompileOptions& options, Compiled compiled,
                               const Dataset& data, std::vector<size_t> samples, int threads);

} // namespace burin
