// A histogram of positive and negative magnitudes over [0, 2^exponent) on either side of zero. The range
// doubles by adding neighbouring bins in pairs, which is exact: floor(floor(x * 2^a) / 2^s) = floor(x * 2^(a
// - s)). So the counts depend on the data alone, never on the order in which they came or on how they were
// shared out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace burin::detail {

// Where the count of a bin is stored. Values on a grid (pictures) hit bins a power of two apart, which would
// fall on few cache sets and stall on addresses with equal low bits; mixing the bin's upper bits into the
// middle ones spreads them. A permutation of each side: bits 11 and up stay, so the rest can be undone from
// the top.
constexpr std::int32_t slotOfBin(std::int32_t bin) { return bin ^ ((bin >> 5) & 0x7f0); }

class SignedHistogram {
public:
  // 65536 bins a side, at least half of them below the largest magnitude: 16 or more for each of the 2048
  // bins of the KL search. The search then agrees with one over the exact values, or takes a cut that is a
  // tie (README.md); with 8192 it did on 93 % of the tensors.
  static constexpr int kLogBins = 16;
  static constexpr std::int32_t kBins = 1 << kLogBins;
  static constexpr int kSmallestExponent = -100; // keeps bins / range a normal float; all below shares bin 0

  // Range of this histogram; starts at the smallest.
  int exponent() const { return exponent_; }
  // kBins / 2^exponent: multiply a magnitude by it and truncate to get its bin.
  float binsPerUnit() const;
  double binWidth() const;

  void growTo(int exponent);                              // no effect if the range is that large already
  void allowNegative();                                   // makes room for bins of negative values (-1 - b)
  void add(const std::int32_t* slots, std::size_t count); // slots: slotOfBin() of each value
  void merge(const SignedHistogram& other);

  // Counts of the bin b of the positive (bin >= 0) or negative (bin = -1 - b) side.
  std::uint64_t count(std::int32_t bin) const;
  std::int32_t firstBin() const { return signed_ ? -kBins : 0; }

private:
  void allocate();
  void settle(); // moves the 32-bit counts into the 64-bit ones before they could overflow
  template <class Count>
  static void mergePairs(std::vector<Count>& counts, bool isSigned, int shift);
  template <class Count>
  static void insertNegativeSide(std::vector<Count>& counts);

  int exponent_ = kSmallestExponent;
  bool signed_ = false;
  std::uint64_t recentTotal_ = 0;      // sum of recent_
  std::vector<std::uint32_t> recent_;  // index: slot - firstBin()
  std::vector<std::uint64_t> settled_; // the same index; empty until 2^32 values have been seen
};

} // namespace burin::detail
