#include "lib/import/tensorflow/crc32c.h"

#include <array>
#include <cstddef>

namespace burin::tensorflow {

namespace {
constexpr uint32_t kPolynomial = 0x82f63b78u; // reflected
using Table = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: the sum of byte b followed by k zero bytes, so that 8 bytes go in one step.
constexpr Table makeTables() {
  Table tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >> 1) ^ kPolynomial : crc >> 1;
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k)
    for (size_t byte = 0; byte < 256; ++byte)
      tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 255];
  return tables;
}
constexpr Table kTables = makeTables();
} // namespace

uint32_t crc32c(std::span<const char> bytes, uint32_t before) {
  uint32_t crc = ~before;
  size_t i = 0;
  auto at = [&](size_t k) { return static_cast<uint8_t>(bytes[i + k]); };
  for (; i + 8 <= bytes.size(); i += 8) {
    uint32_t next = 0;
    for (size_t k = 0; k < 8; ++k) next ^= kTables[7 - k][at(k) ^ (k < 4 ? (crc >> (8 * k)) & 255 : 0)];
    crc = next;
  }
  for (; i < bytes.size(); ++i) crc = (crc >> 8) ^ kTables[0][(crc ^ at(0)) & 255];
  return ~crc;
}

uint32_t maskedCrc32c(std::span<const char> bytes) {
  uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

} // namespace burin::tensorflow
