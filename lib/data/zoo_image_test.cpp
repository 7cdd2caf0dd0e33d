// Decode, resize and crop against what OpenCV 4.6 made of real photographs.
#include "lib/data/feed.h"
#include "lib/data/image_file.h"
#include "lib/data/npy.h"
#include "lib/data/preprocess_flags.h"
#include "lib/data/test_support.h"
#include "runtime/image/preprocess.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#ifdef BURIN_WITH_OPENCV
#include <opencv2/imgcodecs.hpp>
#endif

namespace burin {
namespace {

using test::zooFolder;

std::vector<uint8_t> fitted(const Image& image, const rt::Preprocess& parameters, int width, int height) {
  std::vector<uint8_t> out(static_cast<size_t>(width * height * 3));
  rt::Preprocessor preprocessor;
  EXPECT_EQ(preprocessor.picture(image.view(), parameters, 0, rt::denseView(out.data(), width, height, 3)),
            rt::PreprocessError::None);
  return out;
}

class ZooCrops : public testing::TestWithParam<const char*> {};

TEST_P(ZooCrops, hashesAreThoseOfOpenCv) {
  std::string zoo = zooFolder();
  if (zoo.empty()) GTEST_SKIP() << "no zoo (set BURIN_ZOO)";
  std::ifstream stream(zoo + "/golden/float_top1.json");
  auto set = nlohmann::json::parse(stream)["sets"][GetParam()];
  rt::Preprocess parameters;
  parameters.fit = rt::Fit::Crop;
  parameters.resizeHeight = 256;
  std::string folder = zoo + "/images/" + GetParam() + "/";
  size_t count = set["files"].size();
  ASSERT_GE(count, 100u);
  for (size_t i = 0; i < count; ++i) {
    std::string file = set["files"][i];
    Result<Image> image = loadImage(folder + file);
    ASSERT_TRUE(image.has_value()) << image.error().text();
    EXPECT_EQ(test::Sha256::start16(fitted(*image, parameters, 224, 224)),
              set["crop_sha256_16"][i].get<std::string>())
        << file;
  }
}
INSTANTIATE_TEST_SUITE_P(Zoo, ZooCrops, testing::Values("imagenet200", "ilsvrc_calib100"),
                         [](const auto& test) { return std::string(test.param); });

#ifdef BURIN_WITH_OPENCV
TEST(ZooImages, everyPictureDecodesAsWithOpenCv) {
  std::string zoo = zooFolder();
  if (zoo.empty()) GTEST_SKIP() << "no zoo (set BURIN_ZOO)";
  int count = 0;
  for (const char* folder : {"coco100", "wider40", "misc"})
    for (const auto& entry : std::filesystem::directory_iterator(zoo + "/images/" + folder)) {
      std::string path = entry.path().string();
      if (!isImagePath(path)) continue;
      Result<Image> image = loadImage(path);
      ASSERT_TRUE(image.has_value()) << image.error().text();
      cv::Mat wanted = cv::imread(path, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
      ASSERT_EQ(wanted.cols, image->width) << path;
      ASSERT_EQ(wanted.rows, image->height) << path;
      EXPECT_EQ(0, std::memcmp(image->pixels.get(), wanted.data, image->byteCount())) << path;
      ++count;
    }
  EXPECT_GE(count, 140);
}
#endif

// Five pictures, plain resize to 224 x 224, RGB, (p / 255 - mean) / std, computed elsewhere with OpenCV.
TEST(ZooImages, plainResizeEqualsStoredArray) {
  std::string zoo = zooFolder();
  if (zoo.empty()) GTEST_SKIP() << "no zoo (set BURIN_ZOO)";
  Result<Array> wanted = loadNpy(zoo + "/r329/dataset.npy");
  ASSERT_TRUE(wanted.has_value()) << wanted.error().text();
  ASSERT_EQ(wanted->shape, (Dims{5, 224, 224, 3}));
  const float mean[] = {0.485f, 0.456f, 0.406f}, deviation[] = {0.229f, 0.224f, 0.225f};
  auto values = wanted->as<float>();
  size_t at = 0;
  for (int picture = 1; picture <= 5; ++picture) {
    auto image = loadImage(zoo + "/r329/img/ILSVRC2012_val_0000000" + std::to_string(picture) + ".JPEG");
    ASSERT_TRUE(image.has_value()) << image.error().text();
    std::vector<uint8_t> bgr = fitted(*image, {}, 224, 224);
    for (size_t pixel = 0; pixel < 224 * 224; ++pixel)
      for (size_t c = 0; c < 3; ++c, ++at) {
        float scaled = static_cast<float>(bgr[pixel * 3 + 2 - c]) / 255.0f;
        float centred = scaled - mean[c];
        ASSERT_EQ(centred / deviation[c], values[at]) << "picture " << picture << ", pixel " << pixel;
      }
  }
}

TEST(ZooImages, plainResizeEqualsStoredBytes) {
  std::string zoo = zooFolder();
  if (zoo.empty()) GTEST_SKIP() << "no zoo (set BURIN_ZOO)";
  Result<Array> wanted = loadRaw(zoo + "/r329/input.bin", ElementType::I8, {224, 224, 3});
  ASSERT_TRUE(wanted.has_value()) << wanted.error().text();
  auto image = loadImage(zoo + "/r329/img/ILSVRC2012_val_00000003.JPEG");
  ASSERT_TRUE(image.has_value()) << image.error().text();
  std::vector<uint8_t> bgr = fitted(*image, {}, 224, 224);
  for (size_t i = 0; i < bgr.size(); ++i) {
    float centred = static_cast<float>(bgr[i - i % 3 + 2 - i % 3]) - 127.5f;
    ASSERT_EQ(static_cast<int8_t>(centred), wanted->as<int8_t>()[i]) << "byte " << i;
  }
}

// The whole way from file and flags to tensor, against the inputs that are stored with the float references.
struct StoredInput {
  const char* model;
  const char* image;
  InputSpec input;
  PreprocessFlags flags;
};

std::vector<StoredInput> storedInputs() {
  const char* wolf = "images/imagenet200/n02114548_white_wolf.JPEG";
  PreprocessFlags mobilenet, squeezenet, ultraface, yolox;
  mobilenet.fit = squeezenet.fit = {"crop"};
  mobilenet.resize = squeezenet.resize = {"256"};
  mobilenet.mean = {"128"};
  mobilenet.scale = ultraface.scale = {"0.0078125"};
  squeezenet.pixel = yolox.pixel = {"bgr"};
  squeezenet.mean = {"104,117,123"};
  ultraface.mean = {"127"};
  yolox.fit = {"letterbox"};
  yolox.padValue = {"114"};
  yolox.padAlign = {"corner"};
  return {
      {"mobilenet_v2_1.0_224_deq_fp32", wolf, {"input", ElementType::F32, {1, 3, 224, 224}, {}}, mobilenet},
      {"squeezenet_v1.1_ncnn_fp32", wolf, {"data", ElementType::F32, {1, 3, 224, 224}, {}}, squeezenet},
      {"version-RFB-320",
       "images/misc/parade.jpg",
       {"input", ElementType::F32, {1, 3, 240, 320}, {}},
       ultraface},
      {"yolox_nano", "images/misc/dog.jpg", {"images", ElementType::F32, {1, 3, 416, 416}, {}}, yolox}};
}

TEST(ZooImages, tensorsEqualStoredInputs) {
  std::string zoo = zooFolder();
  if (zoo.empty()) GTEST_SKIP() << "no zoo (set BURIN_ZOO)";
  for (StoredInput& stored : storedInputs()) {
    auto resolved = resolvePreprocess(stored.flags, {&stored.input, 1});
    ASSERT_TRUE(resolved.has_value()) << resolved.error().text();
    stored.input.preprocess = (*resolved)[0];
    Result<Array> tensor = loadInput(zoo + "/" + stored.image, stored.input);
    ASSERT_TRUE(tensor.has_value()) << tensor.error().text();
    Result<Array> wanted = loadInput(zoo + "/golden/" + stored.model + ".npz", stored.input);
    ASSERT_TRUE(wanted.has_value()) << wanted.error().text();
    EXPECT_TRUE(*tensor == *wanted) << stored.model;
  }
}

} // namespace
} // namespace burin
