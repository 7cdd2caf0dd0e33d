// How pictures were fed, where the file says so.
#pragma once

#include "lib/import/tflite/model.h"

namespace burin::tflite {

// From the block TFLITE_METADATA; empty where there is none or it is damaged.
std::vector<PreprocessHint> preprocessHints(const Model& model);

} // namespace burin::tflite
