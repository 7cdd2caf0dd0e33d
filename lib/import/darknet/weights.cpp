#include "lib/import/darknet/weights.h"

#include <cstring>
#include <fmt/format.h>

namespace burin::darknet {

Result<Weights> Weights::parse(std::span<const char> bytes, std::optional<int64_t> expected,
                               std::shared_ptr<const void> owner) {
  int32_t version[3] = {}; // major, minor, revision
  if (bytes.size() < sizeof version + 4)
    return fail(ErrorCode::Input, fmt::format("has {} bytes, fewer than a header", bytes.size()),
                "download it again");
  std::memcpy(version, bytes.data(), sizeof version);
  const auto [major, minor] = std::pair(version[0], version[1]);
  // From version 0.2 on the count of pictures seen has 64 bits.
  const bool isLong = int64_t(major) * 10 + minor >= 2 && major < 1000 && minor < 1000;
  const size_t header = sizeof version + (isLong ? 8 : 4);
  if (expected) {
    const size_t needed = header + static_cast<size_t>(*expected) * 4;
    if (bytes.size() != needed)
      return fail(ErrorCode::Input,
                  fmt::format("has {} bytes, the .cfg needs {} ({} numbers behind a header of {} bytes)",
                              bytes.size(), needed, *expected, header),
                  "give the .weights that belongs to this .cfg");
  }
  Weights weights;
  weights.floats_ = bytes.size() > header ? bytes.subspan(header) : std::span<const char>();
  weights.owner_ = std::move(owner);
  weights.transposed_ = major > 1000 || minor > 1000;
  return weights;
}

std::span<const char> Weights::floats(int64_t at, int64_t count) const {
  const int64_t stored = static_cast<int64_t>(floats_.size() / 4);
  if (at < 0 || count < 0 || count > stored || at > stored - count) return {};
  return floats_.subspan(static_cast<size_t>(at) * 4, static_cast<size_t>(count) * 4);
}

} // namespace burin::darknet
