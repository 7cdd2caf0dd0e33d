#include "runtime/image/preprocess.h"

#include "runtime/image/color.h"

#include <algorithm>
#include <cstring>

namespace burin::rt {
namespace {

constexpr int32_t kMaxSide = 1 << 24; // of a canvas: keeps every product below in 64 bits

struct Size {
  int64_t width;
  int64_t height;
};

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The smallest short side with which the picture, once resized, covers the model's input.
int64_t coveringShortSide(Size picture, Size input) {
  if (picture.width <= picture.height)
    return std::max(input.width, ceilDivide(input.height * picture.width, picture.height));
  return std::max(input.height, ceilDivide(input.width * picture.height, picture.width));
}

Size cropSize(Size picture, int64_t shortSide) {
  if (picture.width <= picture.height) return {shortSide, picture.height * shortSide / picture.width};
  return {picture.width * shortSide / picture.height, shortSide};
}

Size letterboxSize(Size picture, Size canvas) {
  double ratio = std::min(static_cast<double>(canvas.height) / static_cast<double>(picture.height),
                          static_cast<double>(canvas.width) / static_cast<double>(picture.width));
  // A conversion cuts towards zero, which is floor here. A sliver keeps at least one row or column.
  return {std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(picture.width) * ratio)),
          std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(picture.height) * ratio))};
}

Size canvasSize(const Preprocess& parameters, Size input) {
  if (parameters.resizeHeight == 0) return input;
  int64_t width = parameters.resizeWidth == 0 ? parameters.resizeHeight : parameters.resizeWidth;
  return {width, parameters.resizeHeight};
}

// Overlap of [0, pictureLength), shifted by `offset` on the canvas, with the window [cut, cut + inputLength).
void overlap(int64_t offset, int64_t pictureLength, int64_t cut, int64_t inputLength, int64_t& start,
             int32_t& length, int32_t& target) {
  int64_t first = std::max(offset, cut);
  int64_t end = std::min(offset + pictureLength, cut + inputLength);
  length = static_cast<int32_t>(std::max<int64_t>(0, end - first));
  start = length == 0 ? 0 : first - offset;
  target = length == 0 ? 0 : static_cast<int32_t>(first - cut);
}

int64_t cutOffset(int64_t canvas, int64_t input, bool centre, bool far) {
  if (centre) return (canvas - input) / 2;
  return far ? canvas - input : 0;
}

PreprocessError checkParameters(const Preprocess& p, int view) {
  if (p.resizeHeight < 0 || p.resizeWidth < 0 || p.resizeHeight > kMaxSide || p.resizeWidth > kMaxSide)
    return PreprocessError::BadParameters;
  if (p.resizeHeight == 0 && p.resizeWidth != 0) return PreprocessError::BadParameters;
  if (p.fit == Fit::Crop && p.resizeWidth != 0) return PreprocessError::BadParameters;
  if (view < 0 || view >= kViewCount) return PreprocessError::BadParameters;
  return PreprocessError::None;
}

bool hasArea(int64_t width, int64_t height) {
  return width > 0 && height > 0 && width * height <= kMaxPixels;
}

void fillOutside(const Placement& placement, uint8_t value, const MutableImageView& out) {
  auto fill = [&](int32_t y, int32_t from, int32_t to) {
    if (to > from)
      std::memset(out.row(y) + static_cast<ptrdiff_t>(from) * 3, value, static_cast<size_t>(to - from) * 3);
  };
  int32_t bottom = placement.top + placement.visible.height;
  for (int32_t y = 0; y < out.height; ++y) {
    bool inside = y >= placement.top && y < bottom && placement.visible.width > 0;
    fill(y, 0, inside ? placement.left : out.width);
    if (inside) fill(y, placement.left + placement.visible.width, out.width);
  }
}

const uint8_t* inColourOrder(const uint8_t* bgr, PixelOrder pixel, int32_t count, uint8_t* scratch) {
  switch (pixel) {
  case PixelOrder::Bgr:
    return bgr;
  case PixelOrder::Rgb:
    rgbRowFromBgr(bgr, count, scratch);
    break;
  case PixelOrder::Gray:
    grayRowFromBgr(bgr, count, scratch);
    break;
  case PixelOrder::Rgba:
    rgbaRowFromBgr(bgr, count, scratch);
    break;
  }
  return scratch;
}

// (x - mean) * scale for each of the 256 values of each channel.
struct NormalizeTable {
  float value[kMaxImageChannels][256];

  NormalizeTable(const Preprocess& parameters, int channels) {
    for (int c = 0; c < channels; ++c)
      for (int x = 0; x < 256; ++x) {
        float centred = static_cast<float>(x) - parameters.mean[c];
        value[c][x] = centred * parameters.scale[c];
      }
  }
};

// `channelStep` and `pixelStep`: distance of neighbours in the output, in values.
template <int Channels>
void normalizeRow(const uint8_t* pixels, const NormalizeTable& table, int32_t count, ptrdiff_t channelStep,
                  ptrdiff_t pixelStep, float* out) {
  for (int32_t i = 0; i < count; ++i)
    for (int c = 0; c < Channels; ++c)
      out[i * pixelStep + c * channelStep] = table.value[c][pixels[i * Channels + c]];
}

} // namespace

int channelCount(PixelOrder pixel) {
  switch (pixel) {
  case PixelOrder::Gray:
    return 1;
  case PixelOrder::Rgba:
    return 4;
  default:
    return 3;
  }
}

bool operator==(const Preprocess& a, const Preprocess& b) {
  if (a.pixel != b.pixel || a.layout != b.layout || a.fit != b.fit || a.padAlign != b.padAlign) return false;
  if (a.padValue != b.padValue || a.resizeHeight != b.resizeHeight || a.resizeWidth != b.resizeWidth)
    return false;
  for (int c = 0; c < channelCount(a.pixel); ++c)
    if (a.mean[c] != b.mean[c] || a.scale[c] != b.scale[c]) return false;
  return true;
}

const char* describe(PreprocessError error) {
  switch (error) {
  case PreprocessError::None:
    return "no error";
  case PreprocessError::BadPicture:
    return "the picture is empty, too large or not of three channels";
  case PreprocessError::BadInputSize:
    return "the model's input has no usable height and width";
  case PreprocessError::BadParameters:
    return "the preprocessing parameters contradict each other";
  case PreprocessError::ResizeTooSmall:
    return "the resized picture is smaller than the model's input";
  case PreprocessError::BadOutput:
    return "the output picture does not fit";
  }
  return "unknown preprocessing error";
}

PreprocessError place(const Preprocess& parameters, int32_t pictureWidth, int32_t pictureHeight,
                      int32_t inputWidth, int32_t inputHeight, int view, Placement& placement) {
  if (!hasArea(pictureWidth, pictureHeight)) return PreprocessError::BadPicture;
  if (!hasArea(inputWidth, inputHeight)) return PreprocessError::BadInputSize;
  if (PreprocessError error = checkParameters(parameters, view); error != PreprocessError::None) return error;

  Size picture{pictureWidth, pictureHeight}, input{inputWidth, inputHeight};
  Size canvas = canvasSize(parameters, input);
  Size resized = canvas;
  if (parameters.fit == Fit::Crop) {
    int64_t shortSide = parameters.resizeHeight ? parameters.resizeHeight : coveringShortSide(picture, input);
    resized = canvas = cropSize(picture, shortSide);
  } else if (parameters.fit == Fit::Letterbox) {
    resized = letterboxSize(picture, canvas);
  }
  if (canvas.width < input.width || canvas.height < input.height) return PreprocessError::ResizeTooSmall;

  bool centred = parameters.padAlign == PadAlign::Center;
  int64_t offsetX = centred ? (canvas.width - resized.width) / 2 : 0;
  int64_t offsetY = centred ? (canvas.height - resized.height) / 2 : 0;
  int64_t cutX = cutOffset(canvas.width, input.width, view == 0, view == 2 || view == 4);
  int64_t cutY = cutOffset(canvas.height, input.height, view == 0, view >= 3);

  placement.resizedWidth = resized.width;
  placement.resizedHeight = resized.height;
  overlap(offsetX, resized.width, cutX, input.width, placement.visible.x, placement.visible.width,
          placement.left);
  overlap(offsetY, resized.height, cutY, input.height, placement.visible.y, placement.visible.height,
          placement.top);
  return PreprocessError::None;
}

PreprocessError Preprocessor::picture(const ImageView& bgr, const Preprocess& parameters, int view,
                                      const MutableImageView& out) {
  if (bgr.empty() || bgr.channels != 3) return PreprocessError::BadPicture;
  if (out.empty() || out.channels != 3) return PreprocessError::BadOutput;
  Placement placement;
  PreprocessError error = place(parameters, bgr.width, bgr.height, out.width, out.height, view, placement);
  if (error != PreprocessError::None) return error;
  fillOutside(placement, parameters.padValue, out);
  if (placement.visible.width == 0 || placement.visible.height == 0) return PreprocessError::None;
  MutableImageView inner{out.row(placement.top) + static_cast<ptrdiff_t>(placement.left) * 3,
                         placement.visible.width, placement.visible.height, 3, out.stride};
  bool done = resizer_.run(bgr, placement.resizedWidth, placement.resizedHeight, placement.visible, inner);
  return done ? PreprocessError::None : PreprocessError::BadPicture;
}

PreprocessError Preprocessor::tensor(const ImageView& bgr, const Preprocess& parameters, int32_t inputHeight,
                                     int32_t inputWidth, int view, float* out) {
  if (!hasArea(inputWidth, inputHeight)) return PreprocessError::BadInputSize;
  size_t pixels = static_cast<size_t>(inputWidth) * static_cast<size_t>(inputHeight);
  cut_.resize(pixels * 3);
  row_.resize(static_cast<size_t>(inputWidth) * kMaxImageChannels);
  MutableImageView cut = denseView(cut_.data(), inputWidth, inputHeight, 3);
  PreprocessError error = picture(bgr, parameters, view, cut);
  if (error != PreprocessError::None) return error;

  const int channels = channelCount(parameters.pixel);
  const NormalizeTable table(parameters, channels);
  bool planar = parameters.layout == TensorLayout::Nchw;
  ptrdiff_t channelStep = planar ? static_cast<ptrdiff_t>(pixels) : 1;
  ptrdiff_t pixelStep = planar ? 1 : channels;
  for (int32_t y = 0; y < inputHeight; ++y) {
    const uint8_t* row = inColourOrder(cut.row(y), parameters.pixel, inputWidth, row_.data());
    float* target = out + static_cast<ptrdiff_t>(y) * inputWidth * pixelStep;
    switch (channels) {
    case 1:
      normalizeRow<1>(row, table, inputWidth, channelStep, pixelStep, target);
      break;
    case 3:
      normalizeRow<3>(row, table, inputWidth, channelStep, pixelStep, target);
      break;
    default:
      normalizeRow<4>(row, table, inputWidth, channelStep, pixelStep, target);
      break;
    }
  }
  return PreprocessError::None;
}

} // namespace burin::rt
