// ZIP archives, as far as .npz needs them: stored and deflated entries, ZIP64 sizes on reading (PKWARE
// APPNOTE 6.3).
#pragma once

#include "lib/support/error.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace burin {

struct ZipEntry {
  std::string name;
  bool deflated = false;
  uint32_t crc = 0;
  uint64_t packedBytes = 0;
  uint64_t bytes = 0;      // after unpacking, as the directory says
  uint64_t dataOffset = 0; // in the archive; the packed bytes are known to lie inside it
};

// Entries in the order of the central directory. Encrypted, split or otherwise packed archives are refused,
// and so are entries that claim more bytes than deflate can make of their packed bytes.
Result<std::vector<ZipEntry>> readZipDirectory(std::span<const uint8_t> archive);

// The first bytes of an entry, at most `count`.
Result<std::vector<uint8_t>> readZipStart(std::span<const uint8_t> archive, const ZipEntry& entry,
                                          size_t count);

// All bytes of an entry from `skip` on. Size and checksum of the whole entry are verified; memory is
// `entry.bytes`.
Result<std::vector<uint8_t>> readZipEntry(std::span<const uint8_t> archive, const ZipEntry& entry,
                                          size_t skip = 0);

// Writes archives that depend on nothing but their contents: fixed dates, entries in the order given.
class ZipWriter {
public:
  // `compress`: deflate at a fixed level. Its bytes may differ between zlib versions; stored bytes never do.
  explicit ZipWriter(bool compress) : compress_(compress) {}

  void add(const std::string& name, std::span<const uint8_t> data);
  // ErrorCode::Output when the archive would need ZIP64 (4 GiB, or 65535 entries).
  Result<std::vector<uint8_t>> finish();

private:
  bool compress_;
  std::vector<uint8_t> archive_;
  std::vector<uint8_t> directory_;
  uint64_t entries_ = 0;
  bool tooLarge_ = false;
};

} // namespace burin
