#include "lib/data/image_file.h"

#include "lib/data/file_io.h"
#include "lib/data/image_codecs.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace burin {
namespace {

using Decoder = Result<Image> (*)(std::span<const uint8_t>);

struct Format {
  const char* name;
  size_t offset; // of the signature
  std::string_view signature;
  Decoder decode; // null: recognised, so that the message can say what it is, but not read
};

constexpr Format kFormats[] = {
    {"JPEG", 0, "\xff\xd8\xff", decodeJpeg},
    {"PNG", 0, "\x89PNG\r\n\x1a\n", decodePng},
    {"BMP", 0, "BM", decodeBmp},
    {"GIF", 0, "GIF8", nullptr},
    {"WebP", 8, "WEBP", nullptr},
    {"TIFF", 0, std::string_view("II*\0", 4), nullptr},
    {"TIFF", 0, std::string_view("MM\0*", 4), nullptr},
    {"HEIF or AVIF", 4, "ftyp", nullptr},
    {"JPEG 2000", 4, "jP  ", nullptr},
};

bool hasSignature(std::span<const uint8_t> file, const Format& format) {
  if (file.size() < format.offset + format.signature.size()) return false;
  return std::ranges::equal(file.subspan(format.offset, format.signature.size()), format.signature, {}, {},
                            [](char c) { return static_cast<uint8_t>(c); });
}

constexpr uint64_t kMaxImageFileBytes = uint64_t{1} << 30;

} // namespace

tl::unexpected<Error> imageError(const char* format, const std::string& what, const std::string& remedy) {
  return fail(ErrorCode::Input, std::string("this ") + format + " cannot be decoded: " + what, remedy);
}

Result<Image> allocateImage(const char* format, int64_t width, int64_t height) {
  if (width <= 0 || height <= 0) return imageError(format, "it has no pixels");
  if (width > rt::kMaxPixels || height > rt::kMaxPixels || width * height > rt::kMaxPixels)
    return imageError(format,
                      std::to_string(width) + " x " + std::to_string(height) + " is more than " +
                          std::to_string(rt::kMaxPixels / 1'000'000) + " megapixels",
                      "scale it down first");
  Image image{static_cast<int32_t>(width), static_cast<int32_t>(height), nullptr};
  image.pixels = std::make_unique_for_overwrite<uint8_t[]>(image.byteCount());
  return image;
}

Result<Image> decodeImage(std::span<const uint8_t> file) {
  for (const Format& format : kFormats) {
    if (!hasSignature(file, format)) continue;
    if (format.decode) return format.decode(file);
    return imageError(format.name, "the format is not supported", "convert it to PNG or JPEG");
  }
  return fail(ErrorCode::Input,
              file.empty() ? "is empty, not a picture" : "is not a JPEG, PNG or BMP picture",
              "convert it to one of them");
}

Result<Image> loadImage(const std::string& path) {
  BURIN_ASSIGN(std::vector<uint8_t> bytes, readFile(path, kMaxImageFileBytes));
  Result<Image> image = decodeImage(bytes);
  if (!image) return fail(inFile(std::move(image).error(), path));
  return image;
}

bool isImagePath(const std::string& path) {
  constexpr std::array<std::string_view, 5> kExtensions = {"jpg", "jpeg", "jfif", "png", "bmp"};
  return std::ranges::find(kExtensions, lowerExtension(path)) != kExtensions.end();
}

} // namespace burin
