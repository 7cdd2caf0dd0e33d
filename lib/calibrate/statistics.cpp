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

bool before(const ValueCell& a, const ValueCell& b) {
  return a.lower != b.lower ? a.lower < b.lower : a.upper < b.upper;
}

// Adds a cell to an ascending list; equal neighbours become one.
void append(std::vector<ValueCell>& cells, const ValueCell& cell) {
  if (!cells.empty() && cells.back().lower == cell.lower && cells.back().upper == cell.upper)
    cells.back().count += cell.count;
  else
    cells.push_back(cell);
}

std::vector<ValueCell> mergeAscending(const std::vector<ValueCell>& a, const std::vector<ValueCell>& b) {
  std::vector<ValueCell> merged;
  merged.reserve(a.size() + b.size());
  std::size_t nextB = 0;
  for (const ValueCell& cell : a) {
    while (nextB < b.size() && before(b[nextB], cell)) append(merged, b[nextB++]);
    append(merged, cell);
  }
  while (nextB < b.size()) append(merged, b[nextB++]);
  return merged;
}

std::vector<ValueCell> magnitudesOf(const std::vector<ValueCell>& values) {
  const auto firstPositive = std::partition_point(values.begin(), values.end(),
                                                  [](const ValueCell& cell) { return cell.upper <= 0; });
  std::vector<ValueCell> negated;
  for (auto cell = firstPositive; cell != values.begin();) {
    --cell;
    negated.push_back({-cell->upper, -cell->lower, cell->count});
  }
  return mergeAscending(negated, {firstPositive, values.end()});
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
  std::array<std::int32_t, kBlockCapacity> slots;
  std::array<std::uint32_t, kBlockCapacity> candidates;
  const ScanKernel& kernel = bestScanKernel();
  BlockRequest request{values,           count, histogram_.binsPerUnit(), largest_.floorKey(), slots.data(),
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
  histogram_.add(slots.data(), result.nonZeroCount);
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

std::vector<ValueCell> TensorStatistics::distinctCells() const {
  std::vector<ValueCell> cells;
  for (const DistinctValues::Entry& entry : distinct_.sorted())
    cells.push_back({entry.value, entry.value, entry.count});
  return cells;
}

// Bins and exactly known values side by side, ascending; the known values leave their bins, so that each
// counts once.
std::vector<ValueCell> TensorStatistics::binnedCells() const {
  const std::vector<float> known = largest_.sorted();
  const float binsPerUnit = histogram_.binsPerUnit();
  const auto binOf = [binsPerUnit](float value) {
    const auto bin = static_cast<std::int32_t>((value < 0 ? -value : value) * binsPerUnit);
    return value < 0 ? -1 - bin : bin;
  };
  const double width = histogram_.binWidth();
  // Functions such as SiLU pile values up at their minimum: the outermost bin of a side ends at the extreme,
  // not at its own edge, beyond which a bin of the KL search may begin.
  const double lowest = minimum(), highest = maximum();
  std::vector<ValueCell> cells;
  cells.reserve(static_cast<std::size_t>(SignedHistogram::kBins));
  auto next = known.begin();
  for (std::int32_t bin = histogram_.firstBin(); bin < SignedHistogram::kBins; ++bin) {
    const std::uint64_t count = histogram_.count(bin);
    if (count == 0) continue;
    auto end = next;
    while (end != known.end() && binOf(*end) == bin) ++end;
    const std::uint64_t left = count - static_cast<std::uint64_t>(end - next);
    if (left != 0)
      cells.push_back({std::max(bin * width, lowest), std::min((bin + 1) * width, highest), left});
    for (; next != end; ++next) append(cells, {*next, *next, 1});
  }
  return cells;
}

ValueProfile TensorStatistics::profile() const {
  ValueProfile profile{count_, zeroCount_, minimum(), maximum(), absoluteMaximum(), {}, {}};
  profile.values = distinct_.complete() ? distinctCells() : binnedCells();
  profile.magnitudes = magnitudesOf(profile.values);
  return profile;
}

double ValueProfile::mean() const {
  if (count == 0) return 0.0;
  double sum = 0.0;
  for (const ValueCell& cell : values) sum += cell.center() * static_cast<double>(cell.count);
  return sum / static_cast<double>(count);
}

} // namespace burin
