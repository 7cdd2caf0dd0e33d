#include "lib/data/image_codecs.h"

#include <array>
#include <cstdlib>
#include <cstring>

namespace burin {
namespace {

constexpr size_t kFileHeaderBytes = 14;
constexpr uint32_t kUncompressed = 0, kBitFields = 3;

uint32_t little(std::span<const uint8_t> bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = count; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}

int64_t signedLittle(std::span<const uint8_t> bytes, size_t at) {
  return static_cast<int32_t>(little(bytes, at, 4));
}

struct Header {
  uint64_t pixelOffset = 0;
  uint64_t paletteOffset = 0;
  uint32_t paletteEntryBytes = 4;
  uint32_t paletteEntries = 0;
  int64_t width = 0;
  int64_t height = 0; // negative: the top row comes first
  uint32_t bits = 0;
};

// 32-bit pixels may come with masks; only those that say B, G, R, (A) are read.
Status checkCompression(std::span<const uint8_t> file, uint32_t compression, uint32_t bits) {
  if (compression == kUncompressed) return {};
  if (compression != kBitFields || bits != 32)
    return imageError("BMP", "compression method " + std::to_string(compression) + " is not supported",
                      "save it without compression, or as PNG");
  constexpr size_t kMasks = kFileHeaderBytes + 40;
  if (file.size() < kMasks + 12) return imageError("BMP", "it ends within the header");
  bool usual = little(file, kMasks, 4) == 0xff0000 && little(file, kMasks + 4, 4) == 0xff00 &&
               little(file, kMasks + 8, 4) == 0xff;
  if (!usual) return imageError("BMP", "its colour masks are not supported", "save it as PNG");
  return {};
}

Result<Header> readHeader(std::span<const uint8_t> file) {
  if (file.size() < kFileHeaderBytes + 12) return imageError("BMP", "it ends within the header");
  uint32_t infoBytes = little(file, kFileHeaderBytes, 4);
  bool old = infoBytes == 12; // OS/2 1.x: 16-bit sizes, palette entries of three bytes
  if (!old && (infoBytes < 40 || infoBytes > 1024))
    return imageError("BMP", "its header is of an unknown kind");
  if (file.size() < kFileHeaderBytes + uint64_t{infoBytes})
    return imageError("BMP", "it ends within the header");
  Header header;
  header.pixelOffset = little(file, 10, 4);
  header.paletteOffset = kFileHeaderBytes + infoBytes;
  header.width = old ? int64_t{little(file, 18, 2)} : signedLittle(file, 18);
  header.height = old ? int64_t{little(file, 20, 2)} : signedLittle(file, 22);
  header.bits = little(file, old ? 24 : 28, 2);
  header.paletteEntryBytes = old ? 3 : 4;
  uint32_t used = old ? 0 : little(file, 46, 4);
  header.paletteEntries = used == 0 || used > 256 ? 256 : used;
  if (header.bits != 8 && header.bits != 24 && header.bits != 32)
    return imageError("BMP", std::to_string(header.bits) + " bits per pixel are not supported",
                      "save it with 8, 24 or 32 bits, or as PNG");
  if (!old) BURIN_CHECK(checkCompression(file, little(file, 30, 4), header.bits));
  return header;
}

using Palette = std::array<std::array<uint8_t, 3>, 256>;

// Entries that the file lacks stay black.
Palette readPalette(std::span<const uint8_t> file, const Header& header) {
  Palette palette{};
  for (uint32_t i = 0; i < header.paletteEntries; ++i) {
    uint64_t at = header.paletteOffset + uint64_t{i} * header.paletteEntryBytes;
    if (at + 3 > file.size()) break;
    std::memcpy(palette[i].data(), file.data() + at, 3);
  }
  return palette;
}

void copyRow(const uint8_t* source, uint32_t bits, const Palette& palette, int32_t count, uint8_t* bgr) {
  if (bits == 24) {
    std::memcpy(bgr, source, static_cast<size_t>(count) * 3);
    return;
  }
  for (int32_t i = 0; i < count; ++i, bgr += 3)
    std::memcpy(bgr, bits == 8 ? palette[source[i]].data() : source + 4 * static_cast<ptrdiff_t>(i), 3);
}

} // namespace

Result<Image> decodeBmp(std::span<const uint8_t> file) {
  BURIN_ASSIGN(Header header, readHeader(file));
  BURIN_ASSIGN(Image image, allocateImage("BMP", header.width, std::abs(header.height)));
  uint64_t rowBytes = (static_cast<uint64_t>(header.width) * header.bits + 31) / 32 * 4;
  if (header.pixelOffset > file.size() ||
      rowBytes * static_cast<uint64_t>(image.height) > file.size() - header.pixelOffset)
    return imageError("BMP", "it is cut short", "replace it");
  Palette palette = header.bits == 8 ? readPalette(file, header) : Palette{};
  for (int32_t y = 0; y < image.height; ++y) {
    auto row = static_cast<uint64_t>(header.height < 0 ? y : image.height - 1 - y);
    copyRow(file.data() + header.pixelOffset + row * rowBytes, header.bits, palette, image.width,
            image.pixels.get() + static_cast<size_t>(y) * static_cast<size_t>(image.width) * 3);
  }
  return image;
}

} // namespace burin
