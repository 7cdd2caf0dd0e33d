#include "lib/calibrate/histogram.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace burin::detail {
namespace {

constexpr std::uint64_t kRecentLimit = UINT32_MAX;

double powerOfTwo(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

} // namespace

float SignedHistogram::binsPerUnit() const { return static_cast<float>(powerOfTwo(kLogBins - exponent_)); }

double SignedHistogram::binWidth() const { return powerOfTwo(exponent_ - kLogBins); }

void SignedHistogram::allocate() {
  if (recent_.empty()) recent_.resize(static_cast<std::size_t>(kBins) * (signed_ ? 2 : 1));
}

template <class Count>
void SignedHistogram::insertNegativeSide(std::vector<Count>& counts) {
  if (!counts.empty()) counts.insert(counts.begin(), kBins, Count{0});
}

void SignedHistogram::allowNegative() {
  if (signed_) return;
  insertNegativeSide(recent_);
  insertNegativeSide(settled_);
  signed_ = true;
}

template <class Count>
void SignedHistogram::mergePairs(std::vector<Count>& counts, bool isSigned, int shift) {
  if (counts.empty()) return;
  const auto mergeSide = [&](auto at) {
    for (std::int32_t bin = 0; bin < kBins; ++bin) {
      // Bins at or above 2^15 >> shift have nothing to take over; a shift beyond the width leaves only bin 0.
      const std::int32_t target = shift > kLogBins ? 0 : bin >> shift;
      const Count value = at(bin);
      at(bin) = 0;
      at(target) += value;
    }
  };
  std::int32_t origin = 0;
  if (isSigned) {
    origin = kBins;
    mergeSide([&](std::int32_t bin) -> Count& {
      return counts[static_cast<std::size_t>(origin + slotOfBin(-1 - bin))];
    });
  }
  mergeSide(
      [&](std::int32_t bin) -> Count& { return counts[static_cast<std::size_t>(origin + slotOfBin(bin))]; });
}

void SignedHistogram::growTo(int exponent) {
  if (exponent <= exponent_) return;
  const int shift = exponent - exponent_;
  mergePairs(recent_, signed_, shift);
  mergePairs(settled_, signed_, shift);
  exponent_ = exponent;
}

void SignedHistogram::settle() {
  if (recent_.empty()) return;
  settled_.resize(recent_.size());
  for (std::size_t i = 0; i < recent_.size(); ++i) settled_[i] += recent_[i];
  std::fill(recent_.begin(), recent_.end(), 0u);
  recentTotal_ = 0;
}

void SignedHistogram::add(const std::int32_t* slots, std::size_t count) {
  if (count == 0) return;
  allocate();
  if (recentTotal_ + count > kRecentLimit) settle();
  recentTotal_ += count;
  std::uint32_t* origin = recent_.data() - firstBin();
  // Four streams a quarter apart: neighbouring values are often equal, and an increment of the same word has
  // to wait for the store before it.
  const std::size_t quarter = count / 4;
  for (std::size_t i = 0; i < quarter; ++i) {
    ++origin[slots[i]];
    ++origin[slots[i + quarter]];
    ++origin[slots[i + 2 * quarter]];
    ++origin[slots[i + 3 * quarter]];
  }
  for (std::size_t i = 4 * quarter; i < count; ++i) ++origin[slots[i]];
}

void SignedHistogram::merge(const SignedHistogram& other) {
  if (other.recent_.empty()) return;
  SignedHistogram source = other;
  const int exponent = std::max(exponent_, source.exponent_);
  growTo(exponent);
  source.growTo(exponent);
  if (source.signed_) allowNegative();
  if (signed_) source.allowNegative();
  allocate();
  if (!source.settled_.empty() || recentTotal_ + source.recentTotal_ > kRecentLimit) {
    settle();
    source.settle();
    for (std::size_t i = 0; i < settled_.size(); ++i) settled_[i] += source.settled_[i];
    return;
  }
  for (std::size_t i = 0; i < recent_.size(); ++i) recent_[i] += source.recent_[i];
  recentTotal_ += source.recentTotal_;
}

std::uint64_t SignedHistogram::count(std::int32_t bin) const {
  if (recent_.empty() || (bin < 0 && !signed_)) return 0;
  const auto index = static_cast<std::size_t>(slotOfBin(bin) - firstBin());
  return recent_[index] + (settled_.empty() ? 0 : settled_[index]);
}

} // namespace burin::detail
