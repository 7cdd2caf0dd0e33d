// TensorFlow writes a dilated convolution as three operators: the picture's phases become a batch, a plain
// convolution runs on them, the phases are put together again.
#pragma once

#include "lib/import/tflite/model.h"

#include <set>

namespace burin::tflite {

// Gives such a convolution its dilations and pads, and leaves the operators around it without outputs.
// Tensors in `kept` stay.
void fuseDilations(const Model& model, const std::set<int64_t>& kept, std::vector<OperatorFacts>& operators);

} // namespace burin::tflite
