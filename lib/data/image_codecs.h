// The decoders behind decodeImage(). Each is given a file that starts with its format's signature.
#pragma once

#include "lib/data/image_file.h"

namespace burin {

Result<Image> decodeJpeg(std::span<const uint8_t> file);
Result<Image> decodePng(std::span<const uint8_t> file);
Result<Image> decodeBmp(std::span<const uint8_t> file);

// Checks the size and allocates; the pixels are not initialised, so a hostile header costs no memory yet.
Result<Image> allocateImage(const char* format, int64_t width, int64_t height);

tl::unexpected<Error> imageError(const char* format, const std::string& what, const std::string& remedy = {});

} // namespace burin
