#include "lib/calibrate/block_scan.h"

#include "lib/calibrate/float_key.h"
#include "lib/calibrate/histogram.h"
#include "lib/calibrate/test_support.h"

#include <gtest/gtest.h>
#include <limits>
#include <set>

namespace burin::detail {
namespace {

struct Scan {
  BlockResult result;
  std::vector<std::int32_t> slots;
  std::vector<std::uint32_t> candidates;
};

Scan scan(const ScanKernel& kernel, const std::vector<float>& values, float binsPerUnit,
          std::uint32_t floor) {
  Scan out;
  out.slots.resize(kBlockCapacity);
  out.candidates.resize(kBlockCapacity);
  out.result = kernel.scan(
      {values.data(), values.size(), binsPerUnit, floor, out.slots.data(), out.candidates.data()});
  out.slots.resize(out.result.nonZeroCount);
  out.candidates.resize(out.result.candidateCount);
  return out;
}

void expectEqual(const Scan& a, const Scan& b) {
  EXPECT_EQ(a.result.minimumKey, b.result.minimumKey);
  EXPECT_EQ(a.result.maximumKey, b.result.maximumKey);
  EXPECT_EQ(a.slots, b.slots);
  EXPECT_EQ(a.candidates, b.candidates);
}

TEST(BlockScan, PortableKernelFollowsTheDefinition) {
  const std::vector<float> values{0.5f, -0.25f, 0.0f, -0.0f, 0.75f, 1e-40f};
  const Scan out = scan(availableScanKernels().front(), values, 1024.0f, magnitudeKey(0.5f));
  EXPECT_EQ(fromOrderedKey(out.result.minimumKey), -0.25f);
  EXPECT_EQ(fromOrderedKey(out.result.maximumKey), 0.75f);
  EXPECT_EQ(out.slots,
            (std::vector<std::int32_t>{slotOfBin(512), slotOfBin(-1 - 256), slotOfBin(768), slotOfBin(0)}));
  EXPECT_EQ(out.candidates, (std::vector<std::uint32_t>{magnitudeKey(0.75f)}));
}

TEST(BlockScan, AllKernelsGiveTheSameIntegers) {
  const auto kernels = availableScanKernels();
  test::Random random(11);
  for (std::size_t count = 1; count <= kBlockSize; count += count < 70 ? 1 : 241) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random.below(3) == 0 ? 0.0 : 60 * random.gauss());
    if (count > 5) {
      values[random.below(count)] = -0.0f;
      values[random.below(count)] = std::numeric_limits<float>::denorm_min();
    }
    const Scan expected = scan(kernels.front(), values, 256.0f, magnitudeKey(50.0f));
    for (const ScanKernel& kernel : kernels) {
      SCOPED_TRACE(kernel.name + std::string(", ") + std::to_string(count));
      expectEqual(scan(kernel, values, 256.0f, magnitudeKey(50.0f)), expected);
    }
  }
}

TEST(BlockScan, AllKernelsSeeValuesThatAreNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  for (const ScanKernel& kernel : availableScanKernels())
    for (const float special : {infinity, -infinity, nan, -nan})
      for (const std::size_t at : {std::size_t{0}, std::size_t{7}, std::size_t{33}}) {
        std::vector<float> values(34, 1.0f);
        values[at] = special;
        const BlockResult result = scan(kernel, values, 1.0f, UINT32_MAX).result;
        EXPECT_GE(
            std::max(magnitudeOfOrderedKey(result.minimumKey), magnitudeOfOrderedKey(result.maximumKey)),
            kInfinityBits)
            << kernel.name << " " << special << " at " << at;
      }
}

TEST(BlockScan, SlotsArePermutationOfBins) {
  std::set<std::int32_t> positive, negative;
  for (std::int32_t bin = 0; bin < SignedHistogram::kBins; ++bin) {
    positive.insert(slotOfBin(bin));
    negative.insert(slotOfBin(-1 - bin));
  }
  EXPECT_EQ(positive.size(), static_cast<std::size_t>(SignedHistogram::kBins));
  EXPECT_EQ(*positive.begin(), 0);
  EXPECT_EQ(*positive.rbegin(), SignedHistogram::kBins - 1);
  EXPECT_EQ(negative.size(), static_cast<std::size_t>(SignedHistogram::kBins));
  EXPECT_EQ(*negative.begin(), -SignedHistogram::kBins);
  EXPECT_EQ(*negative.rbegin(), -1);
}

TEST(FloatKey, OrderAndInverse) {
  const std::vector<float> ascending{-INFINITY, -3.5f, -1e-40f, -0.0f, 0.0f, 1e-40f, 2.0f, INFINITY};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(fromOrderedKey(orderedKey(ascending[i]))),
              std::bit_cast<std::uint32_t>(ascending[i]));
    EXPECT_EQ(magnitudeOfOrderedKey(orderedKey(ascending[i])), magnitudeBits(ascending[i]));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(fromMagnitudeKey(magnitudeKey(ascending[i]))),
              std::bit_cast<std::uint32_t>(ascending[i]));
    if (i > 0) {
      EXPECT_LT(orderedKey(ascending[i - 1]), orderedKey(ascending[i]));
    }
  }
}

TEST(FloatKey, ExponentAboveIsTheSmallestPowerOfTwoBeyond) {
  for (const float value : {1.0f, 1.5f, 0.999f, 2.0f, 6.0f, 1e-3f, 3e38f, 1e-38f, 1e-42f, 1e-45f}) {
    const int exponent = exponentAbove(magnitudeBits(value));
    EXPECT_LT(static_cast<double>(value), std::ldexp(1.0, exponent)) << value;
    EXPECT_GE(static_cast<double>(value), std::ldexp(1.0, exponent - 1)) << value;
  }
}

} // namespace
} // namespace burin::detail
