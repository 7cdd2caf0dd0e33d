#include "runtime/image/resize.h"

#include "runtime/image/color.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#ifdef BURIN_WITH_OPENCV
#include <opencv2/imgproc.hpp>
#endif

namespace burin::rt {
namespace {

// Knuth's MMIX generator: the same pictures on every machine.
class Random {
public:
  explicit Random(uint64_t seed) : state_(seed) {}
  unsigned operator()() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<unsigned>(state_ >> 33);
  }

private:
  uint64_t state_;
};

size_t bytesOf(int width, int height, int channels) {
  return static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(channels);
}

std::vector<uint8_t> randomPixels(Random& random, size_t count) {
  std::vector<uint8_t> pixels(count);
  // Half the pictures are extreme (0 and 255 only): that is where rounding differences show.
  bool extreme = random() % 2 == 0;
  for (uint8_t& pixel : pixels) pixel = extreme ? (random() % 2 ? 255 : 0) : static_cast<uint8_t>(random());
  return pixels;
}

TEST(Resize, refusesWhatDoesNotFit) {
  BilinearResizer resizer;
  std::vector<uint8_t> in(12), out(12);
  ImageView source = denseView<const uint8_t>(in.data(), 2, 2, 3);
  MutableImageView target = denseView(out.data(), 2, 2, 3);
  EXPECT_TRUE(resizer.run(source, 5, 5, {3, 3, 2, 2}, target));
  EXPECT_FALSE(resizer.run(source, 5, 5, {4, 3, 2, 2}, target)) << "region outside";
  EXPECT_FALSE(resizer.run(source, 5, 5, {-1, 0, 2, 2}, target)) << "region outside";
  EXPECT_FALSE(resizer.run(source, 1, 1, {0, 0, 2, 2}, target)) << "region larger than the picture";
  EXPECT_FALSE(resizer.run(source, 5, 5, {0, 0, 1, 2}, target)) << "output of another size";
  EXPECT_FALSE(resizer.run(denseView<const uint8_t>(in.data(), 3, 2, 2), 2, 2, {0, 0, 2, 2},
                           denseView(out.data(), 2, 2, 2)))
      << "two channels";
  EXPECT_FALSE(resizer.run(ImageView{}, target));
}

TEST(Resize, averagesWhenHalvingExactly) {
  const uint8_t in[] = {0, 1, 10, 20, //
                        1, 1, 30, 41};
  uint8_t out[2];
  BilinearResizer resizer;
  ASSERT_TRUE(resizer.run(denseView(in, 4, 2, 1), denseView(out, 2, 1, 1)));
  EXPECT_EQ(out[0], 1);  // 3/4 rounds to 1
  EXPECT_EQ(out[1], 25); // 101/4 rounds to 25
}

// By hand: 2 -> 3 columns, scale 2/3: source coordinates -1/6 (clamped), 1/2, 7/6 (clamped).
TEST(Resize, interpolatesByHand) {
  const uint8_t in[] = {10, 20};
  uint8_t out[3];
  BilinearResizer resizer;
  ASSERT_TRUE(resizer.run(denseView(in, 2, 1, 1), denseView(out, 3, 1, 1)));
  EXPECT_EQ(out[0], 10);
  EXPECT_EQ(out[1], 15);
  EXPECT_EQ(out[2], 20);
}

TEST(Resize, regionsEqualTheWhole) {
  Random random(7);
  BilinearResizer resizer;
  for (int trial = 0; trial < 100; ++trial) {
    int width = 1 + static_cast<int>(random() % 60), height = 1 + static_cast<int>(random() % 60);
    int outWidth = 1 + static_cast<int>(random() % 60), outHeight = 1 + static_cast<int>(random() % 60);
    std::vector<uint8_t> in = randomPixels(random, bytesOf(width, height, 3));
    std::vector<uint8_t> whole(bytesOf(outWidth, outHeight, 3)), part(whole.size());
    ImageView source = denseView<const uint8_t>(in.data(), width, height, 3);
    MutableImageView full = denseView(whole.data(), outWidth, outHeight, 3);
    ASSERT_TRUE(resizer.run(source, full));
    Region region;
    region.width = 1 + static_cast<int>(random() % static_cast<unsigned>(outWidth));
    region.height = 1 + static_cast<int>(random() % static_cast<unsigned>(outHeight));
    region.x = static_cast<int>(random() % static_cast<unsigned>(outWidth - region.width + 1));
    region.y = static_cast<int>(random() % static_cast<unsigned>(outHeight - region.height + 1));
    MutableImageView cut = denseView(part.data(), region.width, region.height, 3);
    ASSERT_TRUE(resizer.run(source, outWidth, outHeight, region, cut));
    for (int y = 0; y < region.height; ++y)
      ASSERT_EQ(0, std::memcmp(cut.row(y), full.row(region.y + y) + region.x * 3,
                               static_cast<size_t>(cut.rowBytes())));
  }
}

#ifdef BURIN_WITH_OPENCV

// Resizes rows that lie `gap` bytes further apart than they need to; reads beyond a row would show under
// ASan.
void compareWithOpenCv(Random& random, int width, int height, int outWidth, int outHeight, int channels) {
  static BilinearResizer resizer;
  std::string what = std::to_string(width) + "x" + std::to_string(height) + " -> " +
                     std::to_string(outWidth) + "x" + std::to_string(outHeight) + ", " +
                     std::to_string(channels) + " channels";
  int gap = static_cast<int>(random() % 5);
  size_t stride = bytesOf(width, 1, channels) + static_cast<size_t>(gap);
  std::vector<uint8_t> in = randomPixels(random, stride * static_cast<size_t>(height));
  cv::Mat source(height, width, CV_8UC(channels), in.data(), stride), wanted;
  cv::resize(source, wanted, cv::Size(outWidth, outHeight), 0, 0, cv::INTER_LINEAR);
  std::vector<uint8_t> out(bytesOf(outWidth, outHeight, channels));
  ImageView view{in.data(), width, height, channels, static_cast<ptrdiff_t>(stride)};
  ASSERT_TRUE(resizer.run(view, denseView(out.data(), outWidth, outHeight, channels))) << what;
  for (int y = 0; y < outHeight; ++y)
    for (int i = 0; i < outWidth * channels; ++i)
      ASSERT_EQ(wanted.ptr(y)[i], out[static_cast<size_t>(y * outWidth * channels + i)])
          << what << ", row " << y << ", byte " << i;
}

int randomChannels(Random& random) { return std::array{1, 3, 4}[random() % 3]; }

TEST(ResizeOpenCv, tinySizes) {
  Random random(1);
  for (int width = 1; width <= 6; ++width)
    for (int height = 1; height <= 6; ++height)
      for (int outWidth = 1; outWidth <= 9; ++outWidth)
        for (int outHeight = 1; outHeight <= 9; outHeight += 2)
          ASSERT_NO_FATAL_FAILURE(
              compareWithOpenCv(random, width, height, outWidth, outHeight, randomChannels(random)));
}

TEST(ResizeOpenCv, randomSizes) {
  Random random(2);
  auto side = [&] { return 1 + static_cast<int>(random() % (random() % 4 == 0 ? 600 : 90)); };
  for (int trial = 0; trial < 600; ++trial)
    ASSERT_NO_FATAL_FAILURE(
        compareWithOpenCv(random, side(), side(), side(), side(), randomChannels(random)));
}

TEST(ResizeOpenCv, exactRatios) {
  Random random(3);
  for (int trial = 0; trial < 200; ++trial) {
    int outWidth = 1 + static_cast<int>(random() % 70), outHeight = 1 + static_cast<int>(random() % 70);
    int factorX = 1 + static_cast<int>(random() % 4),
        factorY = random() % 2 ? factorX : 1 + static_cast<int>(random() % 4);
    int channels = randomChannels(random);
    ASSERT_NO_FATAL_FAILURE(
        compareWithOpenCv(random, outWidth * factorX, outHeight * factorY, outWidth, outHeight, channels));
    ASSERT_NO_FATAL_FAILURE(
        compareWithOpenCv(random, outWidth, outHeight, outWidth * factorX, outHeight * factorY, channels));
  }
}

TEST(ResizeOpenCv, photoSizes) {
  Random random(4);
  for (int channels : {1, 3, 4})
    for (auto [width, height] :
         {std::pair{500, 375}, {375, 500}, {640, 480}, {1024, 683}, {448, 448}, {333, 1000}})
      for (auto [outWidth, outHeight] : {std::pair{224, 224}, {341, 256}, {256, 341}, {320, 240}, {416, 312}})
        ASSERT_NO_FATAL_FAILURE(compareWithOpenCv(random, width, height, outWidth, outHeight, channels));
}

TEST(ColorOpenCv, grayOfEveryThirdColour) {
  std::vector<uint8_t> bgr;
  for (int b = 0; b < 256; b += 3)
    for (int g = 0; g < 256; g += 3)
      for (int r = 0; r < 256; r += 3) {
        bgr.push_back(static_cast<uint8_t>(b));
        bgr.push_back(static_cast<uint8_t>(g));
        bgr.push_back(static_cast<uint8_t>(r));
      }
  int count = static_cast<int>(bgr.size() / 3);
  cv::Mat source(1, count, CV_8UC3, bgr.data()), wanted;
  cv::cvtColor(source, wanted, cv::COLOR_BGR2GRAY);
  std::vector<uint8_t> gray(static_cast<size_t>(count));
  grayRowFromBgr(bgr.data(), count, gray.data());
  EXPECT_EQ(0, std::memcmp(gray.data(), wanted.data, gray.size()));
}

#else
TEST(ResizeOpenCv, skipped) { GTEST_SKIP() << "built without OpenCV (Debian: libopencv-dev)"; }
#endif

TEST(Color, ordersChannels) {
  const uint8_t bgr[] = {1, 2, 3, 4, 5, 6};
  uint8_t rgb[6], rgba[8];
  rgbRowFromBgr(bgr, 2, rgb);
  rgbaRowFromBgr(bgr, 2, rgba);
  EXPECT_EQ((std::vector<uint8_t>(rgb, rgb + 6)), (std::vector<uint8_t>{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ((std::vector<uint8_t>(rgba, rgba + 8)), (std::vector<uint8_t>{3, 2, 1, 255, 6, 5, 4, 255}));
}

} // namespace
} // namespace burin::rt
