#include "lib/calibrate/exact_values.h"

#include "lib/calibrate/float_key.h"

#include <algorithm>
#include <functional>

namespace burin::detail {

void LargestValues::prune() {
  if (size_ <= kCapacity) return;
  const auto begin = keys_.begin();
  std::nth_element(begin, begin + (kCapacity - 1), begin + static_cast<std::ptrdiff_t>(size_),
                   std::greater<>());
  size_ = kCapacity;
  floorKey_ = keys_[kCapacity - 1];
}

void LargestValues::add(const std::uint32_t* keys, std::size_t count) {
  if (count == 0) return;
  if (keys_.empty()) keys_.resize(2 * kCapacity);
  for (std::size_t i = 0; i < count; ++i) {
    if (keys[i] <= floorKey_) continue;
    keys_[size_++] = keys[i];
    if (size_ == keys_.size()) prune();
  }
}

std::vector<float> LargestValues::sorted() const {
  LargestValues pruned = *this;
  pruned.prune();
  pruned.keys_.resize(pruned.size_);
  for (std::uint32_t& key : pruned.keys_) key = static_cast<std::uint32_t>(orderedKey(fromMagnitudeKey(key)));
  std::sort(pruned.keys_.begin(), pruned.keys_.end(), [](std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a) < static_cast<std::int32_t>(b);
  });
  std::vector<float> values(pruned.size_);
  std::transform(pruned.keys_.begin(), pruned.keys_.end(), values.begin(),
                 [](std::uint32_t key) { return fromOrderedKey(static_cast<std::int32_t>(key)); });
  return values;
}

void DistinctValues::giveUp() {
  complete_ = false;
  used_ = 0;
  slots_ = {};
}

void DistinctValues::insert(std::uint32_t bits, std::uint64_t count) {
  constexpr std::uint32_t kGoldenRatio = 0x9e3779b1u; // multiplicative hashing, Knuth, TAOCP vol. 3, 6.4
  std::size_t at = (bits * kGoldenRatio) >> (32 - kLogSlots);
  while (slots_[at].bits != bits && slots_[at].bits != 0) at = (at + 1) % kSlots;
  if (slots_[at].bits == 0) {
    if (used_ == kCapacity) return giveUp();
    ++used_;
    slots_[at].bits = bits;
  }
  slots_[at].count += count;
}

void DistinctValues::add(const float* values, std::size_t count) {
  if (!complete_) return;
  if (slots_.empty()) slots_.resize(kSlots);
  for (std::size_t i = 0; i < count && complete_; ++i)
    if (magnitudeBits(values[i]) != 0) insert(std::bit_cast<std::uint32_t>(values[i]), 1);
}

void DistinctValues::merge(const DistinctValues& other) {
  if (!complete_) return;
  if (!other.complete_) return giveUp();
  if (slots_.empty()) slots_.resize(kSlots);
  for (const Slot& slot : other.slots_) {
    if (slot.bits != 0) insert(slot.bits, slot.count);
    if (!complete_) return;
  }
}

std::vector<DistinctValues::Entry> DistinctValues::sorted() const {
  std::vector<Entry> entries;
  for (const Slot& slot : slots_)
    if (slot.bits != 0) entries.push_back({std::bit_cast<float>(slot.bits), slot.count});
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.value < b.value; });
  return entries;
}

} // namespace burin::detail
