#include "runtime/image/preprocess.h"

#include "runtime/image/color.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <vector>

namespace burin::rt {
namespace {

Placement placed(const Preprocess& parameters, int width, int height, int inputWidth, int inputHeight,
                 int view = 0) {
  Placement placement;
  EXPECT_EQ(place(parameters, width, height, inputWidth, inputHeight, view, placement),
            PreprocessError::None);
  return placement;
}

// A picture whose pixel at (x, y) is (x, y, x + y), so that a cut shows where it was taken.
struct Coordinates {
  std::vector<uint8_t> bytes;
  ImageView view;

  Coordinates(int width, int height) : bytes(static_cast<size_t>(width * height * 3)) {
    for (int y = 0, at = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        bytes[static_cast<size_t>(at++)] = static_cast<uint8_t>(x);
        bytes[static_cast<size_t>(at++)] = static_cast<uint8_t>(y);
        bytes[static_cast<size_t>(at++)] = static_cast<uint8_t>(x + y);
      }
    view = denseView<const uint8_t>(bytes.data(), width, height, 3);
  }
};

TEST(Place, cropOfThePhoto) {
  Preprocess p;
  p.fit = Fit::Crop;
  p.resizeHeight = 256;
  Placement wide = placed(p, 500, 375, 224, 224);
  EXPECT_EQ(wide.resizedHeight, 256);
  EXPECT_EQ(wide.resizedWidth, 341); // floor(256 * 500 / 375) = floor(341.33)
  EXPECT_EQ(wide.visible.x, 58);     // floor((341 - 224) / 2)
  EXPECT_EQ(wide.visible.y, 16);
  EXPECT_EQ(wide.visible.width, 224);
  EXPECT_EQ(wide.left, 0);
  Placement tall = placed(p, 375, 500, 224, 224);
  EXPECT_EQ(tall.resizedWidth, 256);
  EXPECT_EQ(tall.resizedHeight, 341);
}

TEST(Place, cropViewsAreTheCorners) {
  Preprocess p;
  p.fit = Fit::Crop;
  p.resizeHeight = 256;
  const int64_t x[] = {58, 0, 117, 0, 117}, y[] = {16, 0, 0, 32, 32};
  for (int view = 0; view < kViewCount; ++view) {
    Placement placement = placed(p, 500, 375, 224, 224, view);
    EXPECT_EQ(placement.visible.x, x[view]);
    EXPECT_EQ(placement.visible.y, y[view]);
  }
}

TEST(Place, cropDefaultsToTheSmallestCover) {
  Preprocess p;
  p.fit = Fit::Crop;
  EXPECT_EQ(placed(p, 500, 375, 224, 224).resizedHeight, 224);
  EXPECT_EQ(placed(p, 640, 480, 256, 192).resizedHeight, 192); // landscape in landscape: exact
  EXPECT_EQ(placed(p, 640, 480, 256, 192).resizedWidth, 256);
  Placement tall = placed(p, 480, 640, 256, 192); // portrait in landscape: the width decides
  EXPECT_EQ(tall.resizedWidth, 256);
  EXPECT_EQ(tall.resizedHeight, 341);
  EXPECT_EQ(placed(p, 1000, 10, 224, 224).resizedWidth, 22400);
}

TEST(Place, stretchThenCut) {
  Preprocess p;
  EXPECT_EQ(placed(p, 500, 375, 320, 240).resizedWidth, 320);
  p.resizeHeight = 256;
  Placement square = placed(p, 500, 375, 224, 224);
  EXPECT_EQ(square.resizedWidth, 256);
  EXPECT_EQ(square.visible.x, 16);
  p.resizeWidth = 341;
  EXPECT_EQ(placed(p, 500, 375, 224, 224).visible.x, 58);
}

TEST(Place, letterbox) {
  Preprocess p;
  p.fit = Fit::Letterbox;
  Placement centre = placed(p, 500, 375, 416, 416);
  EXPECT_EQ(centre.resizedWidth, 416);
  EXPECT_EQ(centre.resizedHeight, 312);
  EXPECT_EQ(centre.top, 52);
  EXPECT_EQ(centre.left, 0);
  p.padAlign = PadAlign::Corner;
  EXPECT_EQ(placed(p, 500, 375, 416, 416).top, 0);
  // 49 * (1 / 49.0) is just below 1: floor in double is the contract, and a side never becomes empty.
  EXPECT_EQ(placed(p, 49, 1, 1, 1).resizedWidth, 1);
  EXPECT_EQ(placed(p, 1000, 1, 10, 10).resizedHeight, 1);
}

TEST(Place, letterboxOnALargerCanvas) {
  Preprocess p;
  p.fit = Fit::Letterbox;
  p.resizeHeight = 100;
  p.resizeWidth = 100;
  // 200x100 becomes 100x50 at y 25..75 of the canvas; the centre cut shows canvas 10..90.
  Placement centre = placed(p, 200, 100, 80, 80);
  EXPECT_EQ(centre.visible.x, 10);
  EXPECT_EQ(centre.visible.width, 80);
  EXPECT_EQ(centre.top, 15);
  EXPECT_EQ(centre.visible.height, 50);
  Placement corner = placed(p, 200, 100, 20, 20, 1); // only padding there
  EXPECT_EQ(corner.visible.height, 0);
}

TEST(Place, refuses) {
  Placement out;
  Preprocess p;
  auto with = [&](int width, int height, int inputWidth, int inputHeight, int view = 0) {
    return place(p, width, height, inputWidth, inputHeight, view, out);
  };
  EXPECT_EQ(with(0, 5, 5, 5), PreprocessError::BadPicture);
  EXPECT_EQ(with(20000, 20000, 5, 5), PreprocessError::BadPicture);
  EXPECT_EQ(with(5, 5, 0, 5), PreprocessError::BadInputSize);
  EXPECT_EQ(with(5, 5, 5, 5, 5), PreprocessError::BadParameters);
  p.resizeHeight = 4;
  EXPECT_EQ(with(9, 9, 5, 5), PreprocessError::ResizeTooSmall);
  p.resizeHeight = -4;
  EXPECT_EQ(with(9, 9, 5, 5), PreprocessError::BadParameters);
  p.resizeHeight = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(with(9, 9, 5, 5), PreprocessError::BadParameters);
  p.fit = Fit::Crop;
  p.resizeHeight = p.resizeWidth = 10;
  EXPECT_EQ(with(9, 9, 5, 5), PreprocessError::BadParameters);
  p.resizeHeight = 4;
  p.resizeWidth = 0;
  EXPECT_EQ(with(9, 9, 5, 5), PreprocessError::ResizeTooSmall);
}

TEST(Preprocessor, picturePadsAround) {
  Coordinates source(4, 2);
  Preprocess p;
  p.fit = Fit::Letterbox;
  p.padValue = 114;
  std::vector<uint8_t> out(5 * 4 * 3, 1);
  Preprocessor preprocessor;
  p.resizeHeight = 4;
  p.resizeWidth = 5;
  // r = min(4/2, 5/4) = 1.25: 5 x 2, one row of padding above and below.
  ASSERT_EQ(preprocessor.picture(source.view, p, 0, denseView(out.data(), 5, 4, 3)), PreprocessError::None);
  for (int i = 0; i < 15; ++i) {
    EXPECT_EQ(out[static_cast<size_t>(i)], 114);
    EXPECT_EQ(out[static_cast<size_t>(45 + i)], 114);
    EXPECT_LT(out[static_cast<size_t>(15 + i)], 10);
  }
}

TEST(Preprocessor, tensorLayoutsAndOrders) {
  Coordinates source(4, 4);
  Preprocess p;
  p.fit = Fit::Crop;
  p.resizeHeight = 4;
  const float mean[] = {1.5f, 2.25f, 3.125f, 4}, scale[] = {0.1f, 0.2f, 0.3f, 0.4f};
  std::memcpy(p.mean, mean, sizeof mean);
  std::memcpy(p.scale, scale, sizeof scale);
  Preprocessor preprocessor;
  for (PixelOrder pixel : {PixelOrder::Rgb, PixelOrder::Bgr, PixelOrder::Gray, PixelOrder::Rgba})
    for (TensorLayout layout : {TensorLayout::Nchw, TensorLayout::Nhwc})
      for (int view = 0; view < kViewCount; ++view) {
        p.pixel = pixel;
        p.layout = layout;
        int channels = channelCount(pixel);
        std::vector<float> out(static_cast<size_t>(channels * 2 * 3), -1.0f);
        ASSERT_EQ(preprocessor.tensor(source.view, p, 2, 3, view, out.data()), PreprocessError::None);
        int left = view == 2 || view == 4 ? 1 : 0, top = view == 0 ? 1 : view >= 3 ? 2 : 0;
        for (int y = 0; y < 2; ++y)
          for (int x = 0; x < 3; ++x)
            for (int c = 0; c < channels; ++c) {
              int blue = x + left, green = y + top, red = blue + green;
              const int rgba[] = {red, green, blue, 255}, bgr[] = {blue, green, red};
              int value = pixel == PixelOrder::Bgr    ? bgr[c]
                          : pixel == PixelOrder::Gray ? grayOfBgr(blue, green, red)
                                                      : rgba[c];
              float centred = static_cast<float>(value) - mean[c];
              float wanted = centred * scale[c];
              int at = layout == TensorLayout::Nchw ? (c * 2 + y) * 3 + x : (y * 3 + x) * channels + c;
              ASSERT_EQ(out[static_cast<size_t>(at)], wanted);
            }
      }
}

uint64_t hashed(uint64_t hash, uint32_t value) { return (hash ^ value) * 1099511628211u; } // FNV-1a by words

// A host and every board must make the same bits of the same picture: one number stands for 300 random cases.
TEST(Preprocessor, sameBitsOnEveryMachine) {
  uint64_t state = 1, hash = 1469598103934665603u;
  auto random = [&](unsigned below) {
    state = state * 6364136223846793005u + 1442695040888963407u; // Knuth's MMIX generator
    return static_cast<int>(static_cast<unsigned>(state >> 33) % below);
  };
  Preprocessor preprocessor;
  for (int trial = 0; trial < 300; ++trial) {
    int width = 1 + random(200), height = 1 + random(200);
    std::vector<uint8_t> pixels(static_cast<size_t>(width * height * 3));
    for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random(256));
    Preprocess p;
    p.fit = static_cast<Fit>(random(3));
    p.pixel = static_cast<PixelOrder>(random(4));
    p.padAlign = static_cast<PadAlign>(random(2));
    p.layout = static_cast<TensorLayout>(random(2));
    p.padValue = 114;
    for (int c = 0; c < kMaxImageChannels; ++c) {
      p.mean[c] = 123.675f + static_cast<float>(c);
      p.scale[c] = 0.0171f * static_cast<float>(c + 1);
    }
    int inputHeight = 1 + random(100), inputWidth = 1 + random(100);
    if (random(2)) p.resizeHeight = 100;
    int view = random(kViewCount);
    std::vector<float> out(static_cast<size_t>(inputHeight * inputWidth * channelCount(p.pixel)));
    ImageView picture = denseView<const uint8_t>(pixels.data(), width, height, 3);
    ASSERT_EQ(preprocessor.tensor(picture, p, inputHeight, inputWidth, view, out.data()),
              PreprocessError::None);
    for (float value : out) {
      uint32_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      hash = hashed(hash, bits);
    }
  }
  EXPECT_EQ(hash, 17598468857242567523u);
}

TEST(Preprocess, equalityIgnoresUnusedChannels) {
  Preprocess a, b;
  b.mean[3] = 7;
  EXPECT_EQ(a, b);
  a.pixel = b.pixel = PixelOrder::Rgba;
  EXPECT_NE(a, b);
  b = a;
  b.padValue = 1;
  EXPECT_NE(a, b);
}

} // namespace
} // namespace burin::rt
