#include "lib/import/tensorflow/sstable.h"

#include "lib/import/tensorflow/crc32c.h"

#include <cstdint>
#include <cstring>
#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
constexpr size_t kFooterBytes = 48;
constexpr size_t kTrailerBytes = 5; // of a block: compression and checksum
constexpr uint64_t kMagic = 0xdb4775248b80fb57u;
constexpr size_t kMaxBlockBytes = size_t(1) << 28;

tl::unexpected<Error> damaged(const std::string& what) {
  return fail(ErrorCode::Input, "the checkpoint's index is damaged: " + what, "copy or save the model again");
}

template <class T>
T littleEndian(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// Takes a number of 7-bit groups from the front; false at the end of the bytes.
bool takeVarint(std::span<const char>& bytes, uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(bytes[0]);
    bytes = bytes.subspan(1);
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return true;
  }
  return false;
}

struct BlockHandle {
  uint64_t offset = 0, size = 0;
};
bool takeHandle(std::span<const char>& bytes, BlockHandle& handle) {
  return takeVarint(bytes, handle.offset) && takeVarint(bytes, handle.size);
}

Result<std::string> readBlock(std::span<const char> file, const BlockHandle& handle) {
  if (handle.offset > file.size() || handle.size + kTrailerBytes > file.size() - handle.offset ||
      handle.size > file.size())
    return damaged("a block lies outside of the file");
  auto stored = file.subspan(handle.offset, handle.size + kTrailerBytes);
  auto summed = stored.first(handle.size + 1);
  if (littleEndian<uint32_t>(stored.data() + handle.size + 1) != maskedCrc32c(summed))
    return damaged("the checksum of a block is wrong");
  auto bytes = stored.first(handle.size);
  const char compression = stored[handle.size];
  if (compression == 0) return std::string(bytes.data(), bytes.size());
  if (compression == 1) return unpackSnappy(bytes, kMaxBlockBytes);
  return damaged(fmt::format("compression {} is unknown", static_cast<int>(compression)));
}

// Calls visit(key, value) for every pair of a block.
template <class Visit>
Status visitPairs(const std::string& block, Visit visit) {
  if (block.size() < 4) return damaged("a block is too short");
  const uint64_t restarts = littleEndian<uint32_t>(block.data() + block.size() - 4);
  if (restarts > (block.size() - 4) / 4) return damaged("a block has no room for its restart points");
  std::span<const char> rest(block.data(), block.size() - 4 - 4 * restarts);
  std::string key;
  while (!rest.empty()) {
    uint64_t shared, own, valueSize;
    if (!takeVarint(rest, shared) || !takeVarint(rest, own) || !takeVarint(rest, valueSize) ||
        shared > key.size() || own > rest.size() || valueSize > rest.size() - own)
      return damaged("a pair is cut short");
    key.resize(shared);
    key.append(rest.data(), own);
    BURIN_CHECK(visit(key, rest.subspan(own, valueSize)));
    rest = rest.subspan(own + valueSize);
  }
  return {};
}

// One back reference or literal of a Snappy block.
struct SnappyPiece {
  size_t length = 0, distance = 0; // distance 0: a literal
};

bool takePiece(std::span<const char>& packed, SnappyPiece& piece) {
  const uint8_t tag = static_cast<uint8_t>(packed[0]);
  const size_t kind = tag & 3, high = tag >> 2;
  packed = packed.subspan(1);
  // Literals of 61 and more say their length in 1 to 4 bytes; references their distance.
  const size_t extra = kind == 0 ? (high < 60 ? 0 : high - 59) : kind == 3 ? 4 : kind;
  if (packed.size() < extra) return false;
  size_t number = 0;
  for (size_t i = 0; i < extra; ++i)
    number |= static_cast<size_t>(static_cast<uint8_t>(packed[i])) << (8 * i);
  packed = packed.subspan(extra);
  if (kind == 0)
    piece = {(high < 60 ? high : number) + 1, 0};
  else if (kind == 1)
    piece = {4 + (high & 7), number | (high >> 3) << 8};
  else
    piece = {1 + high, number};
  return kind == 0 ? piece.length <= packed.size() : piece.distance > 0;
}
} // namespace

Result<std::string> unpackSnappy(std::span<const char> packed, size_t limit) {
  uint64_t size;
  if (!takeVarint(packed, size) || size > limit) return damaged("a block's size is not possible");
  std::string out;
  while (!packed.empty()) {
    SnappyPiece piece;
    if (!takePiece(packed, piece) || piece.distance > out.size() || piece.length > size - out.size())
      return damaged("a compressed block is not valid");
    if (piece.distance == 0) {
      out.append(packed.data(), piece.length);
      packed = packed.subspan(piece.length);
    } else { // may overlap what it writes
      for (size_t i = 0; i < piece.length; ++i) out.push_back(out[out.size() - piece.distance]);
    }
  }
  if (out.size() != size) return damaged("a compressed block is cut short");
  return out;
}

Result<std::map<std::string, std::string>> readTable(std::span<const char> file) {
  if (file.size() < kFooterBytes || littleEndian<uint64_t>(file.data() + file.size() - 8) != kMagic)
    return fail(ErrorCode::Input, "is no checkpoint index, or it is cut short",
                "copy or save the model again");
  std::span<const char> footer = file.last(kFooterBytes);
  BlockHandle metaindex, index;
  if (!takeHandle(footer, metaindex) || !takeHandle(footer, index)) return damaged("its footer is not valid");
  BURIN_CHECK(readBlock(file, metaindex)); // says nothing we need, but tells damage
  BURIN_ASSIGN(std::string indexBlock, readBlock(file, index));
  std::map<std::string, std::string> pairs;
  // Blocks do not overlap in a sound file: together they are no longer than it.
  uint64_t read = 0;
  BURIN_CHECK(visitPairs(indexBlock, [&](const std::string&, std::span<const char> value) -> Status {
    BlockHandle handle;
    if (!takeHandle(value, handle)) return damaged("an entry of its index is not valid");
    read += handle.size;
    if (handle.size > file.size() || read > file.size()) return damaged("its blocks overlap");
    BURIN_ASSIGN(std::string block, readBlock(file, handle));
    return visitPairs(block, [&](const std::string& key, std::span<const char> bytes) -> Status {
      pairs[key] = std::string(bytes.data(), bytes.size());
      return {};
    });
  }));
  return pairs;
}

} // namespace burin::tensorflow
