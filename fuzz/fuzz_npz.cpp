// Arbitrary bytes as npz and as npy. What is read must survive being written and read again.
#include "lib/data/npz.h"

#include <cstdint>
#include <cstdlib>

namespace {

constexpr uint64_t kMaxBytes = uint64_t{64} << 20;

void check(bool condition) {
  if (!condition) std::abort();
}

void checkArray(const burin::Array& array) {
  auto count = burin::countElements(array.shape);
  check(count && static_cast<uint64_t>(*count) * burin::elementBytes(array.type) == array.bytes.size());
  burin::Result<burin::Array> back = burin::readNpy(burin::writeNpy(array));
  check(back && *back == array);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> file(data, size);
  if (auto array = burin::readNpy(file)) checkArray(*array);
  auto arrays = burin::readNpz(file, kMaxBytes);
  if (!arrays) return 0;
  for (const burin::NamedArray& entry : *arrays) checkArray(entry.array);
  if (auto bytes = burin::writeNpz(*arrays, {true})) check(burin::readNpz(*bytes, kMaxBytes).has_value());
  return 0;
}
