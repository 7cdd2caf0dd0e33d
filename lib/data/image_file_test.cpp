// Decoders against OpenCV, on files made here in every variant, and against damaged files.
#include "lib/data/image_file.h"

#include "lib/data/shuffle.h"
#include "lib/data/test_support.h"

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <jpeglib.h>
#include <png.h>

#ifdef BURIN_WITH_OPENCV
#include <opencv2/imgcodecs.hpp>
#endif

namespace burin {
namespace {

using Bytes = std::vector<uint8_t>;

// Smooth shapes with some noise, so that compression has something to do.
Bytes picture(int width, int height, int channels, unsigned seed) {
  SplitMix64 random(seed);
  Bytes out;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        out.push_back(
            static_cast<uint8_t>((x * (c + 3) + y * (7 - c)) % 200 + static_cast<int>(random.next() % 56)));
  return out;
}

struct JpegOptions {
  J_COLOR_SPACE from = JCS_RGB;
  J_COLOR_SPACE stored = JCS_YCbCr;
  int horizontal = 1, vertical = 1; // sampling of luminance
  bool progressive = false;
  unsigned restart = 0;
};

Bytes makeJpeg(int width, int height, const JpegOptions& options) {
  jpeg_compress_struct encoder;
  jpeg_error_mgr errors;
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &buffer, &size);
  encoder.image_width = static_cast<JDIMENSION>(width);
  encoder.image_height = static_cast<JDIMENSION>(height);
  encoder.input_components = options.from == JCS_GRAYSCALE ? 1 : options.from == JCS_CMYK ? 4 : 3;
  encoder.in_color_space = options.from;
  jpeg_set_defaults(&encoder);
  jpeg_set_colorspace(&encoder, options.stored);
  encoder.comp_info[0].h_samp_factor = options.horizontal;
  encoder.comp_info[0].v_samp_factor = options.vertical;
  encoder.restart_interval = options.restart;
  jpeg_set_quality(&encoder, 85, TRUE);
  if (options.progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  Bytes pixels = picture(width, height, encoder.input_components, 3);
  for (int y = 0; y < height; ++y) {
    JSAMPROW row = pixels.data() + y * width * encoder.input_components;
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  Bytes out(buffer, buffer + size);
  jpeg_destroy_compress(&encoder);
  std::free(buffer);
  return out;
}

struct PngOptions {
  int colour = PNG_COLOR_TYPE_RGB;
  int bits = 8;
  bool interlaced = false;
  bool transparent = false; // a tRNS chunk
};

Bytes makePng(int width, int height, const PngOptions& options) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  Bytes out;
  png_set_write_fn(
      png, &out,
      [](png_structp self, png_bytep data, size_t size) {
        auto* target = static_cast<Bytes*>(png_get_io_ptr(self));
        target->insert(target->end(), data, data + size);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), options.bits,
               options.colour, options.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (options.colour == PNG_COLOR_TYPE_PALETTE) {
    std::vector<png_color> palette;
    palette.reserve(256);
    for (int i = 0; i < 1 << options.bits; ++i)
      palette.push_back(
          {static_cast<png_byte>(i * 3), static_cast<png_byte>(255 - i), static_cast<png_byte>(i * 7)});
    png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  }
  png_byte alpha[2] = {10, 200};
  png_color_16 colour{0, 5, 6, 7, 1};
  if (options.transparent) png_set_tRNS(png, info, alpha, 2, &colour);
  png_set_gAMA(png, info, 0.7);
  png_write_info(png, info);
  size_t rowBytes = png_get_rowbytes(png, info);
  Bytes pixels = picture(static_cast<int>(rowBytes), height, 1, 4);
  std::vector<png_bytep> rows;
  rows.reserve(static_cast<size_t>(height));
  for (int y = 0; y < height; ++y) rows.push_back(pixels.data() + static_cast<size_t>(y) * rowBytes);
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

void put(Bytes& out, uint32_t value, int count) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

Bytes makeBmp(int width, int height, int bits, bool topDown, uint32_t compression = 0) {
  uint32_t infoBytes = compression == 3 ? 108 : 40; // the masks lie in the larger header
  uint32_t paletteBytes = bits == 8 ? 256 * 4 : 0,
           rowBytes = static_cast<uint32_t>((width * bits + 31) / 32 * 4);
  Bytes out = {'B', 'M'};
  put(out, 14 + infoBytes + paletteBytes + rowBytes * static_cast<uint32_t>(height), 4);
  put(out, 0, 4);
  put(out, 14 + infoBytes + paletteBytes, 4);
  put(out, infoBytes, 4);
  put(out, static_cast<uint32_t>(width), 4);
  put(out, static_cast<uint32_t>(topDown ? -height : height), 4);
  put(out, 1, 2);
  put(out, static_cast<uint32_t>(bits), 2);
  put(out, compression, 4);
  out.resize(out.size() + 20); // sizes and counts that may be zero
  if (compression == 3) {
    for (uint32_t mask : {0xff0000u, 0xff00u, 0xffu, 0xff000000u}) put(out, mask, 4);
    out.resize(14 + infoBytes);
  }
  for (uint32_t i = 0; i < 256 && bits == 8; ++i) put(out, i * 0x010305u, 4);
  Bytes pixels = picture(static_cast<int>(rowBytes), height, 1, 5);
  out.insert(out.end(), pixels.begin(), pixels.end());
  return out;
}

struct Variant {
  std::string name;
  Bytes file;
};

std::vector<Variant> jpegVariants(int width, int height) {
  auto make = [&](const char* name, const JpegOptions& options) {
    return Variant{name, makeJpeg(width, height, options)};
  };
  return {make("4:4:4", {}),
          make("4:2:2", {JCS_RGB, JCS_YCbCr, 2, 1}),
          make("4:4:0", {JCS_RGB, JCS_YCbCr, 1, 2}),
          make("4:2:0", {JCS_RGB, JCS_YCbCr, 2, 2}),
          make("4:1:1", {JCS_RGB, JCS_YCbCr, 4, 1}),
          make("progressive", {JCS_RGB, JCS_YCbCr, 2, 2, true}),
          make("restart", {JCS_RGB, JCS_YCbCr, 2, 2, false, 1}),
          make("rgb", {JCS_RGB, JCS_RGB}),
          make("grey", {JCS_GRAYSCALE, JCS_GRAYSCALE}),
          make("cmyk", {JCS_CMYK, JCS_CMYK}),
          make("ycck", {JCS_CMYK, JCS_YCCK, 2, 2})};
}

std::vector<Variant> pngVariants(int width, int height) {
  std::vector<Variant> out;
  const std::pair<int, std::vector<int>> kinds[] = {{PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}},
                                                    {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}},
                                                    {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}},
                                                    {PNG_COLOR_TYPE_RGB, {8, 16}},
                                                    {PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}}};
  for (const auto& [colour, depths] : kinds)
    for (int bits : depths)
      for (int extra = 0; extra < 4; ++extra) {
        bool interlaced = extra & 1, transparent = extra & 2;
        if (transparent && (colour & PNG_COLOR_MASK_ALPHA)) continue;
        out.push_back({"png colour type " + std::to_string(colour) + ", " + std::to_string(bits) + " bits, " +
                           std::to_string(extra),
                       makePng(width, height, {colour, bits, interlaced, transparent})});
      }
  return out;
}

std::vector<Variant> bmpVariants(int width, int height) {
  std::vector<Variant> out;
  for (int bits : {8, 24, 32})
    for (bool topDown : {false, true})
      out.push_back({"bmp " + std::to_string(bits) + (topDown ? " top-down" : ""),
                     makeBmp(width, height, bits, topDown)});
  out.push_back({"bmp masks", makeBmp(width, height, 32, false, 3)});
  return out;
}

std::vector<Variant> allVariants(int width, int height) {
  std::vector<Variant> out = jpegVariants(width, height);
  for (auto& more : {pngVariants(width, height), bmpVariants(width, height)})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

TEST(DecodeImage, equalsOpenCv) {
#ifdef BURIN_WITH_OPENCV
  for (auto [width, height] : {std::pair{1, 1}, {3, 2}, {17, 9}, {33, 50}, {64, 48}})
    for (const Variant& variant : allVariants(width, height)) {
      Result<Image> image = decodeImage(variant.file);
      ASSERT_TRUE(image.has_value()) << variant.name << ": " << image.error().text();
      cv::Mat wanted = cv::imdecode(variant.file, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
      ASSERT_EQ(image->width, wanted.cols) << variant.name;
      ASSERT_EQ(image->height, wanted.rows) << variant.name;
      ASSERT_TRUE(wanted.isContinuous());
      EXPECT_EQ(0, std::memcmp(image->pixels.get(), wanted.data, image->byteCount()))
          << variant.name << " at " << width << " x " << height;
    }
#else
  GTEST_SKIP() << "built without OpenCV (Debian: libopencv-dev)";
#endif
}

// A file that ends early is an error, never a picture with an invented rest.
TEST(DecodeImage, refusesEveryTruncation) {
  for (const Variant& variant : allVariants(40, 30))
    for (size_t length = 0; length < variant.file.size(); length += 1 + variant.file.size() / 97)
      EXPECT_FALSE(decodeImage(std::span(variant.file).first(length)).has_value())
          << variant.name << " cut to " << length << " of " << variant.file.size();
}

TEST(DecodeImage, survivesDamage) {
  SplitMix64 random(6);
  for (const Variant& variant : allVariants(40, 30))
    for (int trial = 0; trial < 60; ++trial) {
      Bytes damaged = variant.file;
      for (uint64_t left = 1 + random.next() % 4; left > 0; --left)
        damaged[random.next() % damaged.size()] = static_cast<uint8_t>(random.next());
      Result<Image> image = decodeImage(damaged);
      EXPECT_TRUE(image || image.error().code == ErrorCode::Input);
      EXPECT_TRUE(!image || static_cast<int64_t>(image->width) * image->height <= rt::kMaxPixels);
    }
}

TEST(DecodeImage, refusesGiantsWithoutMemory) {
  Bytes jpeg = makeJpeg(8, 8, {});
  for (size_t at = 0; at + 9 < jpeg.size(); ++at)
    if (jpeg[at] == 0xff && jpeg[at + 1] == 0xc0) std::memset(jpeg.data() + at + 5, 0x40, 4); // 16448 x 16448
  Bytes bmp = makeBmp(4, 4, 24, false);
  std::memset(bmp.data() + 18, 0x7f, 8);
  for (const Bytes& file : {jpeg, bmp}) {
    Result<Image> image = decodeImage(file);
    ASSERT_FALSE(image.has_value());
    EXPECT_NE(image.error().text().find("megapixels"), std::string::npos) << image.error().text();
  }
}

TEST(DecodeImage, saysWhatItIsNot) {
  auto reason = [](const std::string& text) {
    return decodeImage(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size())).error().text();
  };
  EXPECT_NE(reason("").find("empty"), std::string::npos);
  EXPECT_NE(reason("hello").find("not a JPEG, PNG or BMP"), std::string::npos);
  EXPECT_NE(reason("GIF89a......").find("this GIF"), std::string::npos);
  EXPECT_NE(reason("RIFF....WEBPVP8 ").find("this WebP"), std::string::npos);
}

TEST(DecodeImage, refusesUnknownBmps) {
  EXPECT_NE(decodeImage(makeBmp(4, 4, 8, false, 1)).error().text().find("compression"), std::string::npos);
  Bytes sixteen = makeBmp(4, 4, 24, false);
  sixteen[28] = 16;
  EXPECT_NE(decodeImage(sixteen).error().text().find("16 bits"), std::string::npos);
  Bytes masks = makeBmp(4, 4, 32, false, 3);
  masks[54] = 1;
  EXPECT_NE(decodeImage(masks).error().text().find("masks"), std::string::npos);
}

// What the name says does not matter.
TEST(LoadImage, goesByContents) {
  test::TemporaryFolder folder;
  std::string path = folder.write("photo.jpg", makePng(5, 4, {}));
  Result<Image> image = loadImage(path);
  ASSERT_TRUE(image.has_value()) << image.error().text();
  EXPECT_EQ(image->width, 5);
  std::string broken = folder.write("broken.jpg", std::string("\xff\xd8\xff\xe0 nothing", 12));
  Result<Image> error = loadImage(broken);
  ASSERT_FALSE(error.has_value());
  EXPECT_EQ(error.error().file, broken);
}

} // namespace
} // namespace burin
