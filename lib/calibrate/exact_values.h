// Two small exact records beside the histogram. Which values they hold depends on the data alone, so they
// merge in any order to the same content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace burin::detail {

// The largest magnitudes, each with its sign. Far from zero the histogram is sparse and the range methods
// react to single values (an empty bin at the cut decides the KL search), so there the values themselves are
// kept.
class LargestValues {
public:
  static constexpr std::size_t kCapacity = 16384;

  // Magnitude keys (float_key.h) up to this one cannot be among the largest any more.
  std::uint32_t floorKey() const { return floorKey_; }
  void add(const std::uint32_t* keys, std::size_t count);
  void merge(const LargestValues& other) { add(other.keys_.data(), other.size_); }
  // The largest values, ascending.
  std::vector<float> sorted() const;

private:
  void prune();

  std::vector<std::uint32_t>
      keys_; // size_ of them in use; allocated in full at once so that memory stays level
  std::size_t size_ = 0;
  std::uint32_t floorKey_ = 1; // the key of -0
};

// All distinct values other than zero with their counts, as long as there are few of them (pictures have 256
// levels a channel, masks have two). Gives up for good once there are more.
class DistinctValues {
public:
  static constexpr std::size_t kCapacity = 4096;

  struct Entry {
    float value;
    std::uint64_t count;
  };

  bool complete() const { return complete_; }
  void add(const float* values, std::size_t count);
  void merge(const DistinctValues& other);
  // Ascending by value; only if complete().
  std::vector<Entry> sorted() const;

private:
  void insert(std::uint32_t bits, std::uint64_t count);
  void giveUp();

  static constexpr int kLogSlots = 14;
  static constexpr std::size_t kSlots = std::size_t{1}
                                        << kLogSlots; // open addressing, at most a quarter in use

  struct Slot {
    std::uint32_t bits; // 0: free, as zeros are not stored
    std::uint64_t count;
  };
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  bool complete_ = true;
};

} // namespace burin::detail
