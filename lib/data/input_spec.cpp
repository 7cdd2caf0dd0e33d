#include "lib/data/input_spec.h"

#include <algorithm>

namespace burin {

std::optional<PictureShape> pictureShape(const Dims& shape, rt::TensorLayout layout) {
  if (shape.size() != 3 && shape.size() != 4) return std::nullopt;
  if (std::ranges::any_of(shape, [](int64_t dim) { return dim <= 0; })) return std::nullopt;
  PictureShape out;
  const int64_t* last = shape.data() + shape.size() - 3;
  if (shape.size() == 4) out.batch = shape[0];
  bool planar = layout == rt::TensorLayout::Nchw;
  out.channels = planar ? last[0] : last[2];
  out.height = planar ? last[1] : last[0];
  out.width = planar ? last[2] : last[1];
  return out;
}

Result<PictureShape> checkedPictureShape(const InputSpec& input, const rt::Preprocess& preprocess) {
  const char* layout = preprocess.layout == rt::TensorLayout::Nchw ? "nchw" : "nhwc";
  std::optional<PictureShape> shape = pictureShape(input.shape, preprocess.layout);
  if (!shape || shape->height > rt::kMaxPixels || shape->width > rt::kMaxPixels ||
      shape->height * shape->width > rt::kMaxPixels)
    return fail(Error{ErrorCode::Usage,
                      {},
                      input.name,
                      "shape " + dimsText(input.shape) + " cannot take a picture",
                      "feed this input from npy, npz or bin files"});
  int channels = rt::channelCount(preprocess.pixel);
  if (shape->channels != channels)
    return fail(Error{ErrorCode::Usage,
                      {},
                      input.name,
                      "shape " + dimsText(input.shape) + " has " + std::to_string(shape->channels) +
                          " channels as " + layout + ", but the pixel order makes " +
                          std::to_string(channels),
                      "check --layout (nchw, nhwc) and --pixel (gray 1; rgb, bgr 3; rgba 4 channels)"});
  return *shape;
}

std::optional<rt::Preprocess> defaultPreprocess(const Dims& shape) {
  for (rt::TensorLayout layout : {rt::TensorLayout::Nchw, rt::TensorLayout::Nhwc})
    for (rt::PixelOrder pixel : {rt::PixelOrder::Rgb, rt::PixelOrder::Gray, rt::PixelOrder::Rgba})
      if (auto picture = pictureShape(shape, layout);
          picture && picture->channels == rt::channelCount(pixel)) {
        rt::Preprocess preprocess;
        preprocess.layout = layout;
        preprocess.pixel = pixel;
        return preprocess;
      }
  return std::nullopt;
}

} // namespace burin
