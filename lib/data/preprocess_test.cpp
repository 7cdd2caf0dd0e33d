// Flags, JSON and descriptions of the preprocessing.
#include "lib/data/preprocess_flags.h"
#include "lib/data/preprocess_json.h"
#include "lib/data/preprocess_text.h"

#include <gtest/gtest.h>

namespace burin {
namespace {

using rt::Preprocess;

const InputSpec kPhoto{"data", ElementType::F32, {1, 3, 224, 224}, {}};

Preprocess resolved(const PreprocessFlags& flags, const InputSpec& input = kPhoto) {
  auto result = resolvePreprocess(flags, {&input, 1});
  EXPECT_TRUE(result.has_value()) << result.error().text();
  return result && (*result)[0] ? *(*result)[0] : Preprocess{};
}

std::string problem(const PreprocessFlags& flags, std::vector<InputSpec> inputs = {kPhoto}) {
  auto result = resolvePreprocess(flags, inputs);
  EXPECT_FALSE(result.has_value());
  if (result) return "";
  EXPECT_EQ(result.error().code, ErrorCode::Usage);
  return result.error().text();
}

void expectContains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(PreprocessFlags, setEverything) {
  PreprocessFlags flags;
  flags.mean = {"123.675,116.28,103.53"};
  flags.scale = {"0.0171,0.0175,0.0174"};
  flags.pixel = {"bgr"};
  flags.fit = {"crop"};
  flags.resize = {"256"};
  flags.padValue = {"114"};
  flags.padAlign = {"corner"};
  Preprocess p = resolved(flags);
  EXPECT_EQ(p.mean[0], 123.675f);
  EXPECT_EQ(p.scale[2], 0.0174f);
  EXPECT_EQ(p.pixel, rt::PixelOrder::Bgr);
  EXPECT_EQ(p.layout, rt::TensorLayout::Nchw);
  EXPECT_EQ(p.fit, rt::Fit::Crop);
  EXPECT_EQ(p.resizeHeight, 256);
  EXPECT_EQ(p.resizeWidth, 0);
  EXPECT_EQ(p.padValue, 114);
  EXPECT_EQ(p.padAlign, rt::PadAlign::Corner);
  EXPECT_EQ(describe(p),
            "bgr nchw, crop (short side 256), (x - [123.675, 116.28, 103.53]) * [0.0171, 0.0175, 0.0174]");
}

TEST(PreprocessFlags, followTheShape) {
  PreprocessFlags flags;
  flags.mean = {"128"};
  flags.resize = {"240x320"};
  Preprocess gray = resolved(flags, {"x", ElementType::F32, {1, 96, 96, 1}, {}}); // 96 < 240: cut later
  EXPECT_EQ(gray.pixel, rt::PixelOrder::Gray);
  EXPECT_EQ(gray.layout, rt::TensorLayout::Nhwc);
  EXPECT_EQ(gray.resizeWidth, 320);
  Preprocess rgb = resolved(flags);
  EXPECT_EQ(rgb.mean[0], 128.0f);
  EXPECT_EQ(rgb.mean[2], 128.0f) << "one number holds for all channels";
}

TEST(PreprocessFlags, leaveAloneWhatTheyDoNotTouch) {
  auto none = resolvePreprocess({}, {&kPhoto, 1});
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE((*none)[0].has_value());
  InputSpec stored = kPhoto;
  stored.preprocess = Preprocess{};
  stored.preprocess->mean[1] = 9;
  PreprocessFlags flags;
  flags.scale = {"2"};
  Preprocess p = resolved(flags, stored);
  EXPECT_EQ(p.mean[1], 9.0f);
  EXPECT_EQ(p.scale[1], 2.0f);
}

TEST(PreprocessFlags, perInput) {
  std::vector<InputSpec> inputs = {{"left:0", ElementType::F32, {1, 3, 8, 8}, {}},
                                   {"right", ElementType::F32, {1, 1, 8, 8}, {}},
                                   {"state", ElementType::F32, {1, 128}, {}}};
  PreprocessFlags flags;
  flags.mean = {"left:0:1,2,3,right:4"};
  flags.scale = {"0.5", "right:0.25"};
  auto result = resolvePreprocess(flags, inputs);
  ASSERT_TRUE(result.has_value()) << result.error().text();
  EXPECT_EQ((*result)[0]->mean[2], 3.0f);
  EXPECT_EQ((*result)[0]->scale[0], 0.5f);
  EXPECT_EQ((*result)[1]->mean[0], 4.0f);
  EXPECT_EQ((*result)[1]->scale[0], 0.25f);
  EXPECT_FALSE((*result)[2].has_value());

  flags.mean = {"middle:4"};
  expectContains(problem(flags, inputs), "no input 'middle'; its inputs are: left:0, right, state");
  flags.mean = {"state:4"};
  expectContains(problem(flags, inputs), "state: --mean is for pictures");
  flags.mean = {"right:4", "right:5"};
  expectContains(problem(flags, inputs), "given twice for input 'right'");
  flags.mean = {":4"};
  expectContains(problem(flags, inputs), "without an input's name");
}

TEST(PreprocessFlags, refuseWithReasons) {
  auto one = [](std::vector<std::string> PreprocessFlags::* member, const char* text) {
    PreprocessFlags flags;
    (flags.*member) = {text};
    return problem(flags);
  };
  expectContains(one(&PreprocessFlags::mean, "1,2"), "one number or 3 numbers");
  expectContains(one(&PreprocessFlags::mean, "1,2,3,4"), "one number or 3 numbers");
  expectContains(one(&PreprocessFlags::mean, "1,,3"), "numbers separated by commas");
  expectContains(one(&PreprocessFlags::mean, "nan"), "numbers");
  expectContains(one(&PreprocessFlags::scale, ""), "--scale cannot be ''");
  expectContains(one(&PreprocessFlags::pixel, "hsv"), "use rgb, bgr, gray or rgba");
  expectContains(one(&PreprocessFlags::pixel, "gray"), "has 3 channels as nchw, but the pixel order makes 1");
  expectContains(one(&PreprocessFlags::layout, "nhwc"), "has 224 channels as nhwc");
  expectContains(one(&PreprocessFlags::fit, "pad"), "use stretch, letterbox or crop");
  expectContains(one(&PreprocessFlags::resize, "0"), "N or HxW");
  expectContains(one(&PreprocessFlags::resize, "256x"), "N or HxW");
  expectContains(one(&PreprocessFlags::resize, "256*3"), "N or HxW");
  expectContains(one(&PreprocessFlags::padValue, "256"), "0 to 255");
  expectContains(one(&PreprocessFlags::padAlign, "left"), "use center or corner");
  PreprocessFlags both;
  both.fit = {"crop"};
  both.resize = {"256x300"};
  expectContains(problem(both), "crop takes one number");
  PreprocessFlags mean;
  mean.mean = {"1"};
  expectContains(problem(mean, {{"tokens", ElementType::I64, {1, 128}, {}}}),
                 "no input of the model looks like one");
}

TEST(PreprocessFlags, aLaterDifferentValueIsAnError) {
  InputSpec input = kPhoto;
  EXPECT_TRUE(checkSamePreprocess(input, {}).has_value()) << "nothing stored yet";
  input.preprocess = Preprocess{};
  EXPECT_TRUE(checkSamePreprocess(input, {}).has_value());
  Preprocess other;
  other.mean[0] = 0.1f;
  other.resizeHeight = 256;
  Status status = checkSamePreprocess(input, other);
  ASSERT_FALSE(status.has_value());
  expectContains(status.error().text(), "mean was [0.0,0.0,0.0] and is now [0.1,0.0,0.0]");
  expectContains(status.error().text(), "resize was null and is now 256");
  expectContains(status.error().text(), "--override-preprocess");
  Status back = checkSamePreprocess({"data", ElementType::F32, {1, 3, 224, 224}, other}, {});
  ASSERT_FALSE(back.has_value());
  expectContains(back.error().text(), "resize was 256 and is now null");
}

TEST(PreprocessJson, roundTrips) {
  Preprocess p;
  p.mean[0] = 123.675f;
  p.scale[1] = 0.017429194f;
  p.pixel = rt::PixelOrder::Rgba;
  p.layout = rt::TensorLayout::Nhwc;
  p.fit = rt::Fit::Letterbox;
  p.padAlign = rt::PadAlign::Corner;
  p.padValue = 114;
  for (auto [height, width] : {std::pair{0, 0}, {256, 0}, {240, 320}}) {
    p.resizeHeight = height;
    p.resizeWidth = width;
    auto text = preprocessToJson(p).dump();
    Result<Preprocess> back = preprocessFromJson(nlohmann::json::parse(text));
    ASSERT_TRUE(back.has_value()) << back.error().text();
    EXPECT_EQ(*back, p) << text;
  }
}

TEST(PreprocessJson, isWrittenForPeople) {
  Preprocess p;
  p.pixel = rt::PixelOrder::Gray;
  p.mean[0] = 127.5f;
  p.scale[0] = 0.0171f;
  EXPECT_EQ(
      preprocessToJson(p).dump(),
      R"({"fit":"stretch","layout":"nchw","mean":[127.5],"pad_align":"center","pad_value":0,"pixel":"gray","scale":[0.0171]})");
}

TEST(PreprocessJson, refusesWithReasons) {
  auto reason = [](const char* text) {
    Result<Preprocess> result = preprocessFromJson(nlohmann::json::parse(text));
    EXPECT_FALSE(result.has_value()) << text;
    if (result) return std::string();
    EXPECT_EQ(result.error().code, ErrorCode::Input);
    return result.error().text();
  };
  expectContains(reason("[]"), "not a JSON object");
  expectContains(reason(R"({"men": 1})"), "the key 'men' is unknown");
  expectContains(reason(R"({"mean": [1, 2]})"), "one number or 3");
  expectContains(reason(R"({"mean": [1, "2", 3]})"), "--mean cannot be");
  expectContains(reason(R"({"mean": 1e300})"), "--mean cannot be");
  expectContains(reason(R"({"pixel": 3})"), "--pixel cannot be");
  expectContains(reason(R"({"resize": [1, 2, 3]})"), "--resize cannot be");
  expectContains(reason(R"({"resize": -5})"), "--resize cannot be");
  expectContains(reason(R"({"fit": "crop", "resize": [5, 5]})"), "crop takes one number");
  expectContains(reason(R"({"pad_value": 1.5})"), "--pad-value cannot be");
}

TEST(InputSpec, guessesPictures) {
  EXPECT_EQ(defaultPreprocess({1, 3, 224, 224})->layout, rt::TensorLayout::Nchw);
  EXPECT_EQ(defaultPreprocess({1, 224, 224, 3})->layout, rt::TensorLayout::Nhwc);
  EXPECT_EQ(defaultPreprocess({3, 224, 224})->pixel, rt::PixelOrder::Rgb);
  EXPECT_EQ(defaultPreprocess({1, 4, 64, 64})->pixel, rt::PixelOrder::Rgba);
  EXPECT_FALSE(defaultPreprocess({1, 128}).has_value());
  EXPECT_FALSE(defaultPreprocess({1, 64, 56, 56}).has_value());
  EXPECT_FALSE(defaultPreprocess({1, 3, 0, 224}).has_value());
}

} // namespace
} // namespace burin
