// Scales per channel. A tensor between convolutions may have a scale for each channel at no cost: what makes
// it (a convolution's requantisation, a table per channel) has one factor per channel anyway, and what reads
// it takes the factors into its weights. This is cross-layer equalization (Nagel et al., "Data-free
// quantization through weight equalization and bias correction", 2019) without the need for a homogeneous
// activation function in between.
#pragma once

#include "lib/quantize/scales.h"

namespace burin::quantize {

// True when maker and users of the tensor are convolutions with constant weights, or functions between such
// tensors.
bool mayHaveChannelScales(mlir::Value v);

// Gives the tensor a scale per channel where that helps: sets its range (so that zero point and largest scale
// follow from it) and the factors of the channels. `form` is what the tensor's integers may hold;
// `symmetric`: the zero point is 0. `t` holds the range chosen so far, to which each channel's observed range
// is clipped.
void chooseChannelScales(mlir::Value v, const TensorRange& observed, const rt::IntegerForm& form,
                         bool symmetric, TensorPlan& t);

// Input channel of a convolution weight's flat index (OIHW), for taking up the operand's factors.
int64_t inputChannel(mlir::Operation* convolution, int64_t flatIndex);

} // namespace burin::quantize
