#include "runtime/core/container.h"

#include <cstring>

namespace burin::rt {

namespace {
constexpr uint64_t kPrime = 0x9e3779b97f4a7c15u; // 2^64 / golden ratio, odd: multiplication is a bijection

uint64_t mix(uint64_t state, uint64_t word) {
  state = (state ^ word) * kPrime;
  return state ^ (state >> 32);
}

uint64_t loadWord(const unsigned char* p) {
  uint64_t w = 0;
  for (int i = 7; i >= 0; --i) w = w << 8 | p[i];
  return w;
}
} // namespace

uint64_t checksum(const void* data, size_t bytes) {
  const unsigned char* p = static_cast<const unsigned char*>(data);
  uint64_t lane[4] = {1, 2, 3, 4};
  size_t i = 0;
  for (; i + 32 <= bytes; i += 32)
    for (int l = 0; l < 4; ++l) lane[l] = mix(lane[l], loadWord(p + i + 8 * l));
  uint64_t h = mix(mix(mix(mix(bytes, lane[0]), lane[1]), lane[2]), lane[3]);
  for (; i < bytes; ++i) h = mix(h, p[i]);
  return h;
}

} // namespace burin::rt
