// The .burin container: a 64-byte little-endian header, a FlatBuffer (schema/program.fbs), the weights blob.
#pragma once

#include <cstddef>
#include <cstdint>

namespace burin::rt {

struct ContainerHeader {
  char magic[8] = {'B', 'U', 'R', 'I', 'N', '\x1a', '\r', '\n'};
  uint32_t version = 1;
  uint32_t headerBytes = 64;
  uint64_t graphOffset = 0;
  uint64_t graphBytes = 0;
  uint64_t weightsOffset = 0; // 64-byte aligned
  uint64_t weightsBytes = 0;
  uint64_t checksum = 0; // of everything behind the header
  uint64_t reserved = 0;
};
static_assert(sizeof(ContainerHeader) == 64, "the header is part of the file format");

// Four interleaved 64-bit multiply-xorshift lanes over little-endian words, then the tail bytes; any single
// flipped bit changes the result.
uint64_t checksum(const void* data, size_t bytes);

} // namespace burin::rt
