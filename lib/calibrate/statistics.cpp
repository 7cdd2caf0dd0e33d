#include "lib/calibrate/statistics.h"

#include "lib/calibrate/block_scan.h"
#include "lib/calibrate/float_key.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace burin {
namespace {

using namespace detail;

std::uint32_t absoluteMaximumBits(std::int32_t minimumKey, std::int32_t maximumKey) {
  return std::max(magnitudeOfOrderedKey(minimumKey), magnitudeOfOrderedKey(maximumKey));
}

void sortByLower(std::vector<ValueCell>& cells) {
  std::sort(cells.begin(), cells.end(), [](const ValueCell& a, const ValueCell& b) {
    return a.lower != b.lower ? a.lower < b.lower : a.upper < b.upper;
  });
}

// Joins neighbours with equal edges; the cells are sorted.
void joinEqual(std::vector<ValueCell>& cells) {
  std::size_t kept = 0;
  for (const ValueCell& cell : cells) {
    if (kept > 0 && cells[kept - 1].lower == cell.lower && cells[kept - 1].upper == cell.upper)
      cells[kept - 1].count += cell.count;
    else
      cells[kept++] = cell;
  }
  cells.resize(kept);
}

} // namespace

void TensorStatistics::update(std::span<const float> values, std::uint64_t sample) {
  for (std::size_t at = 0; at < values.size(); at += kBlockSize)
    updateBlock(values.data() + at, std::min(kBlockSize, values.size() - at), sample);
}

void TensorStatistics::updateRows(const float* values, std::size_t rows, std::size_t rowLength,
                                  std::size_t rowStride, std::uint64_t sample) {
  if (rowLength == rowStride) return update({values, rows * rowLength}, sample);
  if (rowLength >= kBlockSize) {
    for (std::size_t row = 0; row < rows; ++row) update({values + row * rowStride, rowLength}, sample);
    return;
  }
  if (rowLength == 0) return;
  std::array<float, kBlockSize> packed;
  const std::size_t rowsPerBlock = kBlockSize / rowLength;
  for (std::size_t row = 0; row < rows; row += rowsPerBlock) {
    const std::size_t taken = std::min(rowsPerBlock, rows - row);
    for (std::size_t i = 0; i < taken; ++i)
      std::memcpy(packed.data() + i * rowLength, values + (row + i) * rowStride, rowLength * sizeof(float));
    updateBlock(packed.data(), taken * rowLength, sample);
  }
}

void TensorStatistics::updateBlock(const float* values, std::size_t count, std::uint64_t sample) {
  std::array<std::int32_t, kBlockCapacity> bins;
  std::array<std::uint32_t, kBlockCapacity> candidates;
  const ScanKernel& kernel = bestScanKernel();
  BlockRequest request{values,           count, histogram_.binsPerUnit(), largest_.floorKey(), bins.data(),
                       candidates.data()};
  BlockResult result = kernel.scan(request);

  const std::uint32_t largestBits = absoluteMaximumBits(result.minimumKey, result.maximumKey);
  if (largestBits >= kInfinityBits) return updateNonFiniteBlock(values, count, sample);
  const int exponent = exponentAbove(largestBits);
  if (largestBits != 0 && exponent > histogram_.exponent()) {
    histogram_.growTo(exponent);
    request.binsPerUnit = histogram_.binsPerUnit();
    result = kernel.scan(request);
  }
  constexpr std::int32_t kNegativeZeroKey = -1;
  if (result.minimumKey < kNegativeZeroKey) histogram_.allowNegative();
  histogram_.add(bins.data(), result.nonZeroCount);
  largest_.add(candidates.data(), result.candidateCount);
  distinct_.add(values, count);
  count_ += count;
  zeroCount_ += count - result.nonZeroCount;
  minimumKey_ = std::min(minimumKey_, result.minimumKey);
  maximumKey_ = std::max(maximumKey_, result.maximumKey);
}

void TensorStatistics::updateNonFiniteBlock(const float* values, std::size_t count, std::uint64_t sample) {
  std::array<float, kBlockSize> finite;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t magnitude = magnitudeBits(values[i]);
    if (magnitude < kInfinityBits)
      finite[kept++] = values[i];
    else
      ++(magnitude == kInfinityBits ? infinityCount_ : nanCount_);
  }
  firstNonFiniteSample_ = std::min(firstNonFiniteSample_, sample);
  if (kept > 0) updateBlock(finite.data(), kept, sample);
}

void TensorStatistics::merge(const TensorStatistics& other) {
  count_ += other.count_;
  zeroCount_ += other.zeroCount_;
  nanCount_ += other.nanCount_;
  infinityCount_ += other.infinityCount_;
  firstNonFiniteSample_ = std::min(firstNonFiniteSample_, other.firstNonFiniteSample_);
  minimumKey_ = std::min(minimumKey_, other.minimumKey_);
  maximumKey_ = std::max(maximumKey_, other.maximumKey_);
  histogram_.merge(other.histogram_);
  largest_.merge(other.largest_);
  distinct_.merge(other.distinct_);
}

std::optional<std::uint64_t> TensorStatistics::firstNonFiniteSample() const {
  if (nanCount_ + infinityCount_ == 0) return std::nullopt;
  return firstNonFiniteSample_;
}

// Adding +0 turns -0 into +0.
float TensorStatistics::minimum() const { return count_ == 0 ? 0.0f : fromOrderedKey(minimumKey_) + 0.0f; }

float TensorStatistics::maximum() const { return count_ == 0 ? 0.0f : fromOrderedKey(maximumKey_) + 0.0f; }

float TensorStatistics::absoluteMaximum() const {
  return count_ == 0 ? 0.0f : std::bit_cast<float>(absoluteMaximumBits(minimumKey_, maximumKey_));
}

double TensorStatistics::mean() const {
  if (count_ == 0) return 0.0;
  double sum = 0.0;
  for (const ValueCell& cell : cells()) sum += cell.center() * static_cast<double>(cell.count);
  return sum / static_cast<double>(count_);
}

std::vector<ValueCell> TensorStatistics::binnedCells() const {
  // The exactly known values leave their bins, so that each value counts once.
  const std::vector<float> exactValues = largest_.sorted();
  std::vector<std::uint32_t> taken(static_cast<std::size_t>(2 * SignedHistogram::kBins));
  const float binsPerUnit = histogram_.binsPerUnit();
  std::vector<ValueCell> cells;
  for (const float value : exactValues) {
    const auto bin = static_cast<std::int32_t>((value < 0 ? -value : value) * binsPerUnit);
    ++taken[static_cast<std::size_t>((value < 0 ? -1 - bin : bin) + SignedHistogram::kBins)];
    cells.push_back({value, value, 1});
  }
  const double width = histogram_.binWidth();
  const double limit = absoluteMaximum();
  for (std::int32_t bin = -SignedHistogram::kBins; bin < SignedHistogram::kBins; ++bin) {
    const std::uint64_t left =
        histogram_.count(bin) - taken[static_cast<std::size_t>(bin + SignedHistogram::kBins)];
    if (left == 0) continue;
    const double lower = bin * width, upper = (bin + 1) * width;
    cells.push_back({std::max(lower, -limit), std::min(upper, limit), left});
  }
  return cells;
}

std::vector<ValueCell> TensorStatistics::cells() const {
  std::vector<ValueCell> cells;
  if (distinct_.complete()) {
    for (const DistinctValues::Entry& entry : distinct_.sorted())
      cells.push_back({entry.value, entry.value, entry.count});
    return cells;
  }
  cells = binnedCells();
  sortByLower(cells);
  joinEqual(cells);
  return cells;
}

std::vector<ValueCell> TensorStatistics::magnitudeCells() const {
  std::vector<ValueCell> magnitudes = cells();
  for (ValueCell& cell : magnitudes)
    if (cell.upper <= 0) cell = {-cell.upper, -cell.lower, cell.count};
  sortByLower(magnitudes);
  joinEqual(magnitudes);
  return magnitudes;
}

} // namespace burin
