// What a model wants at one of its inputs, as far as feeding it is concerned.
#pragma once

#include "lib/data/array.h"
#include "runtime/image/preprocess.h"
#include "runtime/numerics/quantize.h"

#include <optional>
#include <string>

namespace burin {

struct InputSpec {
  std::string name;
  ElementType type = ElementType::F32;
  Dims shape;                               // static; the first dimension is the batch
  std::optional<rt::Preprocess> preprocess; // for pictures; arrays are fed as they are
  // Of an input that stores integers of 8 or 16 bits for real numbers: float data are real numbers and are
  // quantized, integers are stored as they are.
  std::optional<rt::Affine> affine = {};
};

// The input's shape read as pictures: rank 4, or rank 3 without a batch.
struct PictureShape {
  int64_t batch = 1;
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
};

// Nothing when the rank does not fit or a dimension is not positive. Says nothing about the number of
// channels.
std::optional<PictureShape> pictureShape(const Dims& shape, rt::TensorLayout layout);

// An error when the input cannot take pictures, or has another number of channels than `preprocess` makes.
Result<PictureShape> checkedPictureShape(const InputSpec& input, const rt::Preprocess& preprocess);

// The preprocessing of an input that looks like a picture (1, 3 or 4 channels, nchw before nhwc): stretch,
// mean 0, scale 1, rgb, gray or rgba by the number of channels. Nothing for other inputs.
std::optional<rt::Preprocess> defaultPreprocess(const Dims& shape);

} // namespace burin
