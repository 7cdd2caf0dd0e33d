// CRC-32C (Castagnoli), as checkpoints use it.
#pragma once

#include <cstdint>
#include <span>

namespace burin::tensorflow {

// `before`: the sum of the bytes before these.
uint32_t crc32c(std::span<const char> bytes, uint32_t before = 0);
// Stored sums are rotated and offset, so that a sum over data that holds sums stays meaningful.
uint32_t maskedCrc32c(std::span<const char> bytes);

} // namespace burin::tensorflow
