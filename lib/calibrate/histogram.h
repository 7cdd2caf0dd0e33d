// A histogram of positive and negative magnitudes over [0, 2^exponent) on either side of zero. The range
// doubles by adding neighbouring bins in pairs, which is exact: floor(floor(x * 2^a) / 2^s) = floor(x * 2^(a
// - s)). So the counts depend on the data alone, never on the order in which they came or on how they were
// shared out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace burin::detail {

class SignedHistogram {
public:
  // 32768 bins a side: at least 16384 of them below the largest magnitude, so eight fine bins or more for
  // each of the 2048 bins in which the range methods work.
  static constexpr int kLogBins = 15;
  static constexpr std::int32_t kBins = 1 << kLogBins;
  static constexpr int kSmallestExponent = -100; // keeps bins / range a normal float; all below shares bin 0

  // Range of this histogram; starts at the smallest.
  int exponent() const { return exponent_; }
  // kBins / 2^exponent: multiply a magnitude by it and truncate to get its bin.
  float binsPerUnit() const;
  double binWidth() const;

  void growTo(int exponent); // no effect if the range is that large already
  void allowNegative();      // makes room for bins of negative values (-1 - b)
  void add(const std::int32_t* bins, std::size_t count);
  void merge(const SignedHistogram& other);

  // Counts of the bin b of the positive (bin >= 0) or negative (bin = -1 - b) side.
  std::uint64_t count(std::int32_t bin) const;
  bool hasNegative() const { return signed_; }

private:
  void allocate();
  void settle(); // moves the 32-bit counts into the 64-bit ones before they could overflow
  std::int32_t firstBin() const { return signed_ ? -kBins : 0; }
  template <class Count>
  static void mergePairs(std::vector<Count>& counts, bool isSigned, int shift);
  template <class Count>
  static void insertNegativeSide(std::vector<Count>& counts);

  int exponent_ = kSmallestExponent;
  bool signed_ = false;
  std::uint64_t recentTotal_ = 0;      // sum of recent_
  std::vector<std::uint32_t> recent_;  // index: bin - firstBin()
  std::vector<std::uint64_t> settled_; // the same index; empty until 2^32 values have been seen
};

} // namespace burin::detail
