#include "lib/data/array.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace burin {
namespace {

template <class T>
Array one(ElementType type, T value) {
  return Array::of<T>(type, {1}, std::span<const T>(&value, 1));
}

TEST(Array, counts) {
  EXPECT_EQ(countElements(Dims{}), 1);
  EXPECT_EQ(countElements(Dims{2, 3}), 6);
  EXPECT_EQ(countElements(Dims{int64_t{1} << 40, int64_t{1} << 40}), std::nullopt);
  EXPECT_EQ(countElements(Dims{int64_t{1} << 40, int64_t{1} << 40, 0}), 0);
  EXPECT_EQ(countElements(Dims{0, -1}), std::nullopt);
  EXPECT_EQ(dimsText({1, 3}), "[1,3]");
}

TEST(Array, typeNames) {
  for (int i = 0; i < 12; ++i) {
    auto type = static_cast<ElementType>(i);
    EXPECT_EQ(parseElementType(elementName(type)), type);
  }
  EXPECT_EQ(parseElementType("f31"), std::nullopt);
}

TEST(Half, everyPatternThereAndBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float value = floatFromHalf(static_cast<uint16_t>(bits));
    uint16_t back = halfFromFloat(value);
    EXPECT_TRUE(std::isnan(value) ? std::isnan(floatFromHalf(back)) : back == bits) << bits;
  }
}

TEST(Half, roundsHalfToEven) {
  EXPECT_EQ(halfFromFloat(1.0f + 0x1p-11f), 0x3c00); // half way between 1 and the next: even is 1
  EXPECT_EQ(halfFromFloat(1.0f + 0x3p-11f), 0x3c02);
  EXPECT_EQ(halfFromFloat(1.0f + 0x1p-11f + 0x1p-20f), 0x3c01);
  EXPECT_EQ(halfFromFloat(0x1p-25f), 0);
  EXPECT_EQ(halfFromFloat(0x1.000002p-25f), 1);
  EXPECT_EQ(halfFromFloat(65519.996f), 0x7bff);
  EXPECT_EQ(halfFromFloat(65520.0f), 0x7c00);
  EXPECT_EQ(halfFromFloat(-0.0f), 0x8000);
}

// Every float near a boundary of two neighbouring halves must go to the nearer one.
TEST(Half, agreesWithExactDistances) {
  for (uint16_t low : {0x0000, 0x0001, 0x03ff, 0x0400, 0x3bff, 0x3c00, 0x7bfe}) {
    double a = static_cast<double>(floatFromHalf(low)), b = static_cast<double>(floatFromHalf(low + 1));
    auto middle = static_cast<float>((a + b) / 2);
    EXPECT_EQ(halfFromFloat(std::nextafter(middle, 0.0f)), low);
    EXPECT_EQ(halfFromFloat(std::nextafter(middle, 1e9f)), low + 1);
    EXPECT_EQ(halfFromFloat(middle), low + (low & 1));
  }
}

TEST(Convert, keepsWhatFits) {
  EXPECT_EQ(convertTo(one<int64_t>(ElementType::I64, -128), ElementType::I8)->as<int8_t>()[0], -128);
  EXPECT_EQ(convertTo(one<float>(ElementType::F32, 255.0f), ElementType::U8)->as<uint8_t>()[0], 255);
  EXPECT_EQ(convertTo(one<uint8_t>(ElementType::U8, 7), ElementType::F16)->as<uint16_t>()[0],
            halfFromFloat(7));
  EXPECT_EQ(convertTo(one<double>(ElementType::F64, 0.1), ElementType::F32)->as<float>()[0], 0.1f);
  EXPECT_EQ(convertTo(one<uint8_t>(ElementType::Bool, 5), ElementType::F32)->as<float>()[0], 1.0f);
  EXPECT_EQ(convertTo(one<int32_t>(ElementType::I32, 1), ElementType::Bool)->as<uint8_t>()[0], 1);
  EXPECT_TRUE(std::isinf(
      convertTo(one<double>(ElementType::F64, std::numeric_limits<double>::infinity()), ElementType::F32)
          ->as<float>()[0]));
  EXPECT_EQ(convertTo(one<uint64_t>(ElementType::U64, uint64_t{1} << 63), ElementType::F32)->as<float>()[0],
            0x1p63f);
}

TEST(Convert, refusesWhatDoesNot) {
  auto refused = [](const Array& array, ElementType type) { return !convertTo(array, type).has_value(); };
  EXPECT_TRUE(refused(one<float>(ElementType::F32, 3.5f), ElementType::I8));
  EXPECT_TRUE(refused(one<float>(ElementType::F32, 300.0f), ElementType::U8));
  EXPECT_TRUE(refused(one<float>(ElementType::F32, NAN), ElementType::I32));
  EXPECT_TRUE(refused(one<float>(ElementType::F32, 0x1p31f), ElementType::I32));
  EXPECT_TRUE(refused(one<float>(ElementType::F32, 0x1p63f), ElementType::I64));
  EXPECT_TRUE(refused(one<int32_t>(ElementType::I32, (1 << 24) + 1), ElementType::F32));
  EXPECT_TRUE(refused(one<int32_t>(ElementType::I32, 2049), ElementType::F16));
  EXPECT_TRUE(refused(one<int32_t>(ElementType::I32, 70000), ElementType::F16));
  EXPECT_TRUE(refused(one<double>(ElementType::F64, 1e300), ElementType::F32));
  EXPECT_TRUE(refused(one<double>(ElementType::F64, 65520.0), ElementType::F16));
  EXPECT_TRUE(refused(one<int8_t>(ElementType::I8, 2), ElementType::Bool));
  EXPECT_TRUE(refused(one<uint64_t>(ElementType::U64, ~uint64_t{0}), ElementType::I64));
  EXPECT_TRUE(refused(one<int64_t>(ElementType::I64, std::numeric_limits<int64_t>::max()), ElementType::F64));
  Error error =
      convertTo(Array::of<float>(ElementType::F32, {2}, std::vector<float>{1, 2.5f}), ElementType::I8)
          .error();
  EXPECT_NE(error.text().find("2.5"), std::string::npos) << error.text();
  EXPECT_NE(error.text().find("index 1"), std::string::npos) << error.text();
}

// Rounding a double to float first would land on the half-way point and then go the wrong way.
TEST(Convert, doubleToHalfRoundsOnce) {
  double justAbove = 1.0 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(convertTo(one<double>(ElementType::F64, justAbove), ElementType::F16)->as<uint16_t>()[0], 0x3c01);
  double justBelow = 1.0 + 0x3p-11 - 0x1p-40;
  EXPECT_EQ(convertTo(one<double>(ElementType::F64, justBelow), ElementType::F16)->as<uint16_t>()[0], 0x3c01);
}

} // namespace
} // namespace burin
