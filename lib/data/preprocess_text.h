// The values of the preprocessing parameters as text: what the flags take and what people read.
#pragma once

#include "lib/support/error.h"
#include "runtime/image/preprocess.h"

#include <string>
#include <string_view>
#include <vector>

namespace burin {

const char* pixelName(rt::PixelOrder pixel);              // rgb, bgr, gray, rgba
const char* layoutName(rt::TensorLayout layout);          // nchw, nhwc
const char* fitName(rt::Fit fit);                         // stretch, letterbox, crop
const char* padAlignName(rt::PadAlign align);             // center, corner
std::string resizeText(const rt::Preprocess& preprocess); // "256", "256x341", or empty for the default
std::string numberText(float value); // the shortest text that reads back as the same float

// Each sets one parameter from its flag's text. Errors are ErrorCode::Usage and say what is allowed. setMean
// and setScale take one number for all channels or one for each: set the pixel order first.
Status setPixel(rt::Preprocess& preprocess, std::string_view text);
Status setLayout(rt::Preprocess& preprocess, std::string_view text);
Status setFit(rt::Preprocess& preprocess, std::string_view text);
Status setPadAlign(rt::Preprocess& preprocess, std::string_view text);
Status setResize(rt::Preprocess& preprocess, std::string_view text);
Status setPadValue(rt::Preprocess& preprocess, std::string_view text);
Status setMean(rt::Preprocess& preprocess, std::string_view text);
Status setScale(rt::Preprocess& preprocess, std::string_view text);

// Combinations that mean nothing (crop with a height and a width).
Status checkPreprocess(const rt::Preprocess& preprocess);

// One line: "rgb nchw, crop (short side 256), (x - [123.675, 116.28, 103.53]) * [0.0171, 0.0175, 0.0174]".
std::string describe(const rt::Preprocess& preprocess);

} // namespace burin
