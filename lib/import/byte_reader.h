// Reads little-endian fields of untrusted bytes from the front.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace burin {

class ByteReader {
public:
  explicit ByteReader(std::span<const char> bytes) : rest_(bytes) {}

  // Zero, or nothing, when the bytes end; ok() is false from then on.
  template <class T>
  T number() {
    T value = 0;
    auto bytes = take(sizeof(T));
    if (ok_) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::span<const char> take(uint64_t count) {
    ok_ = ok_ && count <= rest_.size();
    if (!ok_) return {};
    auto bytes = rest_.first(count);
    rest_ = rest_.subspan(count);
    return bytes;
  }
  bool ok() const { return ok_; }
  bool atEnd() const { return rest_.empty(); }
  uint64_t left() const { return rest_.size(); }

private:
  std::span<const char> rest_;
  bool ok_ = true;
};

} // namespace burin
