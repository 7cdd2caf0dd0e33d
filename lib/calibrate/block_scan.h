// The inner loop of the statistics: one pass over a block of floats that finds the extremes, the histogram
// bin of every value other than zero, and the values large enough to be kept exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace burin::detail {

inline constexpr std::size_t kBlockSize = 2048; // values; input and outputs stay in the L1 cache
inline constexpr std::size_t kBlockCapacity = kBlockSize + 16; // vector stores may run past the last entry

struct BlockRequest {
  const float* values;
  std::size_t count;            // 1..kBlockSize
  float binsPerUnit;            // a power of two: bins / range
  std::uint32_t candidateFloor; // magnitude keys above it are candidates for the exact list
  std::int32_t*
      slots; // kBlockCapacity; slotOfBin(b) of a positive value, slotOfBin(-1 - b) of a negative one
  std::uint32_t* candidates; // kBlockCapacity; magnitude keys
};

struct BlockResult {
  std::int32_t minimumKey; // ordered keys (float_key.h); NaN and Inf show up as extreme keys
  std::int32_t maximumKey;
  std::uint32_t
      nonZeroCount; // entries written to slots; meaningless if a value is out of range or not finite
  std::uint32_t candidateCount;
};

struct ScanKernel {
  const char* name;
  BlockResult (*scan)(const BlockRequest&);
};

// The fastest kernel of this machine. Every kernel returns the same integers in the same order.
const ScanKernel& bestScanKernel();
// All kernels that this machine can run, for tests and benchmarks.
std::vector<ScanKernel> availableScanKernels();

} // namespace burin::detail
