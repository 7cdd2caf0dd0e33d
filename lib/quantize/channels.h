// Scales per channel. A tensor between convolutions may have a scale for each channel at no cost: what makes
// it takes the factors into its requantisation (a factor per channel), its weights (one factor for all) or a
// table per channel, and what reads it into its weights. This is cross-layer equalization (Nagel et al.,
// "Data-free quantization through weight equalization and bias correction", 2019); with tables per channel it
// needs no homogeneous activation function in between.
#pragma once

#include "lib/quantize/scales.h"

namespace burin::quantize {

// True when maker and users of the tensor are convolutions with constant weights or, where the target has
// tables per channel, functions between such tensors.
bool mayHaveChannelScales(mlir::Value v, ChannelScales allowed);

// Gives the tensor a scale per channel where that helps: sets its range (so that zero point and largest scale
// follow from it) and the factors of the channels. `form` is what the tensor's integers may hold;
// `symmetric`: the zero point is 0. `t` holds the range chosen so far, to which each channel's observed range
// is clipped.
void chooseChannelScales(mlir::Value v, const TensorRange& observed, const rt::IntegerForm& form,
                         bool symmetric, const Target& target, TensorPlan& t);

// Input channel of a convolution weight's flat index (OIHW), for taking up the operand's factors.
int64_t inputChannel(mlir::Operation* convolution, int64_t flatIndex);

} // namespace burin::quantize
