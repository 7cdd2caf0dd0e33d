// Picture files: JPEG, PNG and BMP, told apart by their contents, decoded exactly as OpenCV's imread does
// with IMREAD_COLOR | IMREAD_IGNORE_ORIENTATION.
#pragma once

#include "lib/support/error.h"
#include "runtime/image/image.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace burin {

// Interleaved B, G, R, rows without gaps.
struct Image {
  int32_t width = 0;
  int32_t height = 0;
  std::unique_ptr<uint8_t[]> pixels;

  size_t byteCount() const { return static_cast<size_t>(width) * static_cast<size_t>(height) * 3; }
  rt::ImageView view() const { return rt::denseView<const uint8_t>(pixels.get(), width, height, 3); }
};

// JPEG: accurate integer DCT, smooth ("fancy") chroma upsampling, EXIF orientation ignored, grey as three
// equal channels, CMYK and YCCK by OpenCV's formula. PNG: 1 to 16 bits (the high byte is kept), palettes,
// alpha dropped, interlaced. BMP: 8-bit palette, 24 and 32 bits, uncompressed. Damaged or cut files are
// errors, also where a decoder could fill the missing part with grey; nothing above rt::kMaxPixels is
// decoded.
Result<Image> decodeImage(std::span<const uint8_t> file);

// Errors name the file.
Result<Image> loadImage(const std::string& path);

// By extension (jpg, jpeg, jfif, png, bmp; any case): what a directory of pictures is searched for.
bool isImagePath(const std::string& path);

} // namespace burin
