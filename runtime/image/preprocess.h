// The preprocessing contract: from a picture (B, G, R, 8 bits) to the float tensor that a model wants. The
// same code runs in calibration, evaluation and on the board, so the same picture gives the same bits
// everywhere.
//
//   picture --resize--> canvas --cut to H x W--> pixels --colour order--> x --(x - mean) * scale--> tensor
//
// Resizing and cutting work on B, G, R; the colour order (grey included) is made of the cut pixels.
#pragma once

#include "runtime/image/image.h"
#include "runtime/image/resize.h"

#include <cstdint>
#include <vector>

namespace burin::rt {

enum class PixelOrder : uint8_t { Rgb, Bgr, Gray, Rgba }; // alpha is 255 everywhere
enum class TensorLayout : uint8_t { Nchw, Nhwc };         // of the model's input
enum class PadAlign : uint8_t { Center, Corner }; // Corner: picture at the top left, padding right and below

enum class Fit : uint8_t {
  Stretch,   // resize to the canvas, whatever the aspect ratio
  Letterbox, // r = min(H/h, W/w) in double; resize to floor(h*r) x floor(w*r); the rest of the canvas is
             // padding
  Crop,      // short side to N, long side to floor(long*N/short)
};

constexpr int kMaxImageChannels = 4;
constexpr int kViewCount = 5; // centre, top left, top right, bottom left, bottom right

struct Preprocess {
  PixelOrder pixel = PixelOrder::Rgb;
  TensorLayout layout = TensorLayout::Nchw;
  Fit fit = Fit::Stretch;
  PadAlign padAlign = PadAlign::Center;
  uint8_t padValue = 0; // of every colour channel, before mean and scale

  // Size of the canvas before the cut to the model's input. Both zero: the model's input (Crop: the smallest
  // short side with which the picture covers the input, that is the input's side if it is square). Height
  // only: one number, the short side of Crop, or a square canvas. Both: height x width, not for Crop.
  int32_t resizeHeight = 0;
  int32_t resizeWidth = 0;

  // y = (x - mean) * scale in float32, x in 0..255, two roundings, per channel in the order of `pixel`.
  float mean[kMaxImageChannels] = {0, 0, 0, 0};
  float scale[kMaxImageChannels] = {1, 1, 1, 1};
};

int channelCount(PixelOrder pixel);
bool operator==(const Preprocess& a, const Preprocess& b); // mean and scale of unused channels do not count
inline bool operator!=(const Preprocess& a, const Preprocess& b) { return !(a == b); }

enum class PreprocessError : uint8_t {
  None,
  BadPicture,     // empty, not three channels, or above kMaxPixels
  BadInputSize,   // model input without area or above kMaxPixels
  BadParameters,  // negative sizes, Crop with height x width, a view outside 0..4
  ResizeTooSmall, // the resized picture does not cover the model's input
  BadOutput,      // the output picture has another size
};
const char* describe(PreprocessError error); // a phrase without a full stop

// Where a picture goes.
struct Placement {
  int64_t resizedWidth = 0; // of the whole picture
  int64_t resizedHeight = 0;
  Region visible;   // the part of the resized picture that is seen; nothing else needs computing
  int32_t left = 0; // where that part starts in the model's input; what it does not cover is padding
  int32_t top = 0;
};

// `view` selects where the canvas is cut: 0 centre (floor((n - c) / 2)), 1 to 4 the corners in reading order.
PreprocessError place(const Preprocess& parameters, int32_t pictureWidth, int32_t pictureHeight,
                      int32_t inputWidth, int32_t inputHeight, int view, Placement& placement);

// Keeps its scratch memory between calls: one per thread.
class Preprocessor {
public:
  // The resized and cut picture, B, G, R; `out` (3 channels) gives the size of the model's input.
  PreprocessError picture(const ImageView& bgr, const Preprocess& parameters, int view,
                          const MutableImageView& out);

  // The tensor: channelCount(pixel) * inputHeight * inputWidth values in the order of `layout`, batch of one.
  PreprocessError tensor(const ImageView& bgr, const Preprocess& parameters, int32_t inputHeight,
                         int32_t inputWidth, int view, float* out);

private:
  BilinearResizer resizer_;
  std::vector<uint8_t> cut_;
  std::vector<uint8_t> row_;
};

} // namespace burin::rt
