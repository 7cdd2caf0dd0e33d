#include "lib/analyze/detection_decode.h"

#include "lib/data/npz.h"
#include "lib/data/test_support.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace burin {
namespace {

NamedValues zeros(const std::string& name, Dims shape) {
  auto count = static_cast<size_t>(*countElements(shape));
  return {name, std::move(shape), std::vector<float>(count)};
}

const Decoder* find(const std::string& name, const DetectorOutput& output) {
  auto decoder = findDecoder(name, output);
  EXPECT_TRUE(decoder) << decoder.error().text();
  return decoder ? *decoder : nullptr;
}

void expectBox(const Box& box, double x0, double y0, double x1, double y1) {
  EXPECT_NEAR(box.x0, x0, 1e-5);
  EXPECT_NEAR(box.y0, y0, 1e-5);
  EXPECT_NEAR(box.x1, x1, 1e-5);
  EXPECT_NEAR(box.y1, y1, 1e-5);
}

TEST(Decode, Yolox) {
  // 64x32: 8x4 + 4x2 + 2x1 = 42 cells.
  std::vector<NamedValues> tensors = {zeros("output", {1, 42, 8})};
  DetectorOutput output{tensors, 64, 32};
  const Decoder* decoder = find("", output);
  ASSERT_STREQ(decoder->name, "yolox");
  float* row = tensors[0].values.data() + (32 + 5) * 8; // stride 16, cell (1, 1)
  const float values[] = {0.5f, 0.25f, std::log(2.0f), 0, 0.8f, 0.1f, 0.9f, 0.9f};
  std::copy(std::begin(values), std::end(values), row);
  auto found = detect(*decoder, output, 0.3, 0.45);
  ASSERT_TRUE(found && found->size() == 1);
  EXPECT_EQ((*found)[0].classIndex, 1);
  EXPECT_NEAR((*found)[0].score, 0.72, 1e-6);
  expectBox((*found)[0].box, 24 - 16, 20 - 8, 24 + 16, 20 + 8);
  EXPECT_TRUE(detect(*decoder, output, 0.73, 0.45)->empty());
}

TEST(Decode, Yolov5InPixelsAndFractions) {
  for (double unit : {1.0, 64.0}) {
    std::vector<NamedValues> tensors = {zeros("out", {1, 3 * 42, 7})};
    DetectorOutput output{tensors, 64, 32};
    const Decoder* decoder = find("", output);
    ASSERT_STREQ(decoder->name, "yolov5");
    double yUnit = unit == 1 ? 1 : 32;
    float* row = tensors[0].values.data() + 7 * 7;
    const double values[] = {32 / unit, 16 / yUnit, 16 / unit, 8 / yUnit, 0.9, 0.2, 0.8};
    std::copy(std::begin(values), std::end(values), row);
    auto found = detect(*decoder, output, 0.3, 0.45);
    ASSERT_TRUE(found && found->size() == 1);
    expectBox((*found)[0].box, 24, 12, 40, 20);
    EXPECT_EQ((*found)[0].classIndex, 1);
  }
}

TEST(Decode, Yolov8) {
  std::vector<NamedValues> tensors = {zeros("out", {1, 6, 42})};
  DetectorOutput output{tensors, 64, 32};
  const Decoder* decoder = find("", output);
  ASSERT_STREQ(decoder->name, "yolov8");
  const float column[] = {32, 16, 16, 8, 0.1f, 0.6f};
  for (size_t i = 0; i < 6; ++i) tensors[0].values[i * 42 + 40] = column[i];
  auto found = detect(*decoder, output, 0.3, 0.45);
  ASSERT_TRUE(found && found->size() == 1);
  expectBox((*found)[0].box, 24, 12, 40, 20);
}

TEST(Decode, Nanodet) {
  std::vector<NamedValues> tensors;
  for (auto [stride, cells] : {std::pair{8, 32}, {16, 8}, {32, 2}}) {
    tensors.push_back(zeros("cls_pred_stride_" + std::to_string(stride), {1, cells, 3}));
    tensors.push_back(zeros("dis_pred_stride_" + std::to_string(stride), {1, cells, 32}));
  }
  DetectorOutput output{tensors, 64, 32};
  const Decoder* decoder = find("", output);
  ASSERT_STREQ(decoder->name, "nanodet");
  tensors[4].values[3 + 2] =
      0.7f; // stride 32, cell (1, 0), centre (48, 16); equal bins: distance 3.5 strides
  tensors[5].values[32 + 0] = 100; // left: bin 0
  tensors[5].values[32 + 8 + 1] = 100;
  auto found = detect(*decoder, output, 0.3, 0.45);
  ASSERT_TRUE(found && found->size() == 1);
  EXPECT_EQ((*found)[0].classIndex, 2);
  expectBox((*found)[0].box, 48, 16 - 32, 48 + 3.5 * 32, 16 + 3.5 * 32);
}

TEST(Decode, NanNamesTheTensor) {
  std::vector<NamedValues> tensors = {zeros("output", {1, 42, 8})};
  tensors[0].values[3] = std::numeric_limits<float>::quiet_NaN();
  DetectorOutput output{tensors, 64, 32};
  auto found = detect(*find("", output), output, 0.3, 0.45);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().op, "output");
}

TEST(Decode, UnknownOutputsListWhatThereIs) {
  std::vector<NamedValues> tensors = {zeros("logits", {1, 1000})};
  DetectorOutput output{tensors, 224, 224};
  for (const char* name : {"", "yolox", "nonsense"}) {
    auto decoder = findDecoder(name, output);
    ASSERT_FALSE(decoder);
    EXPECT_NE(decoder.error().text().find("yolo"), std::string::npos) << decoder.error().text();
  }
}

// The raw export of UltraFace and the one that decodes in the graph give the same boxes.
TEST(Decode, UltrafaceRawAndDecodedAgree) {
  std::string zoo = test::zooFolder();
  if (zoo.empty()) GTEST_SKIP() << "no models here; set BURIN_ZOO";
  std::vector<Detections> all;
  for (const char* name :
       {"version-RFB-320", "version-RFB-320_without_postprocessing", "version-RFB-320_simplified"}) {
    auto arrays = loadNpz(zoo + "/golden/" + name + ".npz");
    ASSERT_TRUE(arrays) << arrays.error().text();
    std::vector<NamedValues> tensors;
    for (const char* tensor : {"scores", "boxes"}) {
      const Array* a = findArray(*arrays, tensor);
      ASSERT_TRUE(a);
      tensors.push_back({tensor, a->shape, {a->as<float>().begin(), a->as<float>().end()}});
    }
    DetectorOutput output{tensors, 320, 240};
    const Decoder* decoder = find("", output);
    ASSERT_STREQ(decoder->name, "ultraface");
    all.push_back(*detect(*decoder, output, decoder->score, decoder->overlap));
  }
  ASSERT_GT(all[0].size(), 5u);
  for (const Detections& other : all) {
    ASSERT_EQ(other.size(), all[0].size());
    for (size_t i = 0; i < other.size(); ++i) {
      EXPECT_NEAR(other[i].score, all[0][i].score, 1e-4);
      EXPECT_NEAR(other[i].box.x0, all[0][i].box.x0, 0.01);
      EXPECT_NEAR(other[i].box.y1, all[0][i].box.y1, 0.01);
    }
  }
}

} // namespace
} // namespace burin
