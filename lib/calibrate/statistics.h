// One-pass statistics of a float tensor over any number of samples, in constant memory.
//
//   TensorStatistics statistics;
//   statistics.update(values, sampleIndex);   // for each sample, in any order
//   statistics.merge(other);                  // statistics of other samples, in any order
//
// Everything inside is an integer or a choice that depends on the set of values alone, so the result is the
// same bit for bit for every order, grouping and number of threads.
#pragma once

#include "lib/calibrate/exact_values.h"
#include "lib/calibrate/histogram.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace burin {

// A group of equal or neighbouring values: lower == upper for values known exactly, else a histogram bin
// [lower, upper) of which only the count is known.
struct ValueCell {
  double lower;
  double upper;
  std::uint64_t count;

  bool exact() const { return lower == upper; }
  double center() const { return 0.5 * (lower + upper); }
};

// What is known of the values in the end; the input of the range methods.
struct ValueProfile {
  std::uint64_t count = 0; // finite values
  std::uint64_t zeroCount = 0;
  float minimum = 0; // exact; zero if there are no values
  float maximum = 0;
  float absoluteMaximum = 0;
  std::vector<ValueCell> values;     // the values other than zero, ascending
  std::vector<ValueCell> magnitudes; // the same without sign, ascending

  // From cell centres: off by at most 2^-17 of the range of the histogram.
  double mean() const;
};

class TensorStatistics {
public:
  // Adds the values of one sample; may be called several times per sample.
  void update(std::span<const float> values, std::uint64_t sample);
  // The same for rows of rowLength values that start rowStride values apart (padded channels).
  void updateRows(const float* values, std::size_t rows, std::size_t rowLength, std::size_t rowStride,
                  std::uint64_t sample);
  void merge(const TensorStatistics& other);

  // Finite values and those among them that are zero.
  std::uint64_t count() const { return count_; }
  std::uint64_t zeroCount() const { return zeroCount_; }
  std::uint64_t nanCount() const { return nanCount_; }
  std::uint64_t infinityCount() const { return infinityCount_; }
  // The lowest index of a sample that has a NaN or Inf.
  std::optional<std::uint64_t> firstNonFiniteSample() const;

  // Extremes of the finite values; zero if there are none.
  float minimum() const;
  float maximum() const;
  float absoluteMaximum() const;

  // True while every distinct value is known with its count.
  bool exact() const { return distinct_.complete(); }
  ValueProfile profile() const;

private:
  void updateBlock(const float* values, std::size_t count, std::uint64_t sample);
  void updateNonFiniteBlock(const float* values, std::size_t count, std::uint64_t sample);
  std::vector<ValueCell> distinctCells() const;
  std::vector<ValueCell> binnedCells() const;

  std::uint64_t count_ = 0;
  std::uint64_t zeroCount_ = 0;
  std::uint64_t nanCount_ = 0;
  std::uint64_t infinityCount_ = 0;
  std::uint64_t firstNonFiniteSample_ = UINT64_MAX;
  std::int32_t minimumKey_ = INT32_MAX; // ordered keys, float_key.h
  std::int32_t maximumKey_ = INT32_MIN;
  detail::SignedHistogram histogram_;
  detail::LargestValues largest_;
  detail::DistinctValues distinct_;
};

} // namespace burin
