#include "lib/data/zip.h"

#include <algorithm>
#include <optional>
#include <zlib.h>

namespace burin {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50, kEntrySignature = 0x02014b50, kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50, kLocator64Signature = 0x07064b50;
constexpr size_t kLocalBytes = 30, kEntryBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr uint16_t kStored = 0, kDeflated = 8, kZip64Extra = 1;
constexpr uint32_t kUse64 = 0xffffffff;
constexpr uint64_t kMaxDeflateRatio = 1032; // a deflate stream cannot expand further
constexpr uint16_t kDate = 0x21;            // 1 January 1980, midnight: what numpy writes, too

tl::unexpected<Error> bad(const std::string& what, const std::string& remedy = {}) {
  return fail(ErrorCode::Input, "not a readable zip archive: " + what, remedy);
}

// Little-endian numbers at a position that the caller has checked.
uint64_t number(std::span<const uint8_t> bytes, size_t at, size_t count) {
  uint64_t value = 0;
  for (size_t i = count; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}
uint16_t u16(std::span<const uint8_t> bytes, size_t at) {
  return static_cast<uint16_t>(number(bytes, at, 2));
}
uint32_t u32(std::span<const uint8_t> bytes, size_t at) {
  return static_cast<uint32_t>(number(bytes, at, 4));
}
uint64_t u64(std::span<const uint8_t> bytes, size_t at) { return number(bytes, at, 8); }

bool contains(std::span<const uint8_t> bytes, uint64_t offset, uint64_t length) {
  return offset <= bytes.size() && length <= bytes.size() - offset;
}

struct DirectoryPlace {
  uint64_t offset = 0, bytes = 0, entries = 0;
};

// The end record: the last place that looks like one; a comment of up to 65535 bytes may follow it.
std::optional<size_t> findEndRecord(std::span<const uint8_t> archive) {
  if (archive.size() < kEndBytes) return std::nullopt;
  size_t last = archive.size() - kEndBytes;
  size_t first = last > 0xffff ? last - 0xffff : 0;
  for (size_t at = last + 1; at-- > first;)
    if (u32(archive, at) == kEndSignature) return at;
  return std::nullopt;
}

Result<DirectoryPlace> findDirectory(std::span<const uint8_t> archive) {
  std::optional<size_t> found = findEndRecord(archive);
  if (!found) return bad("it has no directory at its end", "it is cut short or no archive: create it again");
  size_t at = *found;
  DirectoryPlace place{u32(archive, at + 16), u32(archive, at + 12), u16(archive, at + 10)};
  if (u16(archive, at + 4) != 0 && u16(archive, at + 4) != 0xffff)
    return bad("it is split into several files");
  if (at < kLocator64Bytes || u32(archive, at - kLocator64Bytes) != kLocator64Signature) return place;
  uint64_t end64 = u64(archive, at - kLocator64Bytes + 8);
  if (!contains(archive, end64, kEnd64Bytes) || u32(archive, end64) != kEnd64Signature)
    return bad("its ZIP64 directory is missing");
  return DirectoryPlace{u64(archive, end64 + 48), u64(archive, end64 + 40), u64(archive, end64 + 32)};
}

// Sizes that do not fit 32 bits follow in the extra field, in this order, only those that are marked.
Status readZip64Extra(std::span<const uint8_t> extra, ZipEntry& entry, uint64_t& localOffset) {
  uint64_t* wanted[] = {&entry.bytes, &entry.packedBytes, &localOffset};
  while (extra.size() >= 4) {
    uint16_t id = u16(extra, 0), length = u16(extra, 2);
    if (!contains(extra, 4, length)) break;
    auto field = extra.subspan(4, length);
    extra = extra.subspan(4u + length);
    if (id != kZip64Extra) continue;
    for (uint64_t* value : wanted) {
      if (*value != kUse64) continue;
      if (field.size() < 8) return bad("a ZIP64 field is too short");
      *value = u64(field, 0);
      field = field.subspan(8);
    }
    return {};
  }
  return {};
}

Status checkEntry(std::span<const uint8_t> archive, uint16_t flags, uint16_t method, uint64_t localOffset,
                  ZipEntry& entry) {
  std::string where = "entry '" + entry.name + "' ";
  if (flags & 1) return bad(where + "is encrypted");
  if (method != kStored && method != kDeflated)
    return bad(where + "is packed by method " + std::to_string(method), "use deflate or no compression");
  entry.deflated = method == kDeflated;
  if (!contains(archive, localOffset, kLocalBytes) || u32(archive, localOffset) != kLocalSignature)
    return bad(where + "has no header where the directory points");
  entry.dataOffset =
      localOffset + kLocalBytes + u16(archive, localOffset + 26) + u16(archive, localOffset + 28);
  if (!contains(archive, entry.dataOffset, entry.packedBytes)) return bad(where + "is cut short");
  if (!entry.deflated && entry.bytes != entry.packedBytes) return bad(where + "has two different sizes");
  if (entry.bytes / kMaxDeflateRatio > entry.packedBytes)
    return bad(where + "claims " + std::to_string(entry.bytes) + " bytes from " +
               std::to_string(entry.packedBytes));
  return {};
}

// Unpacks a prefix of an entry; `skip` bytes are dropped first.
class Inflater {
public:
  Inflater() { ready_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void input(std::span<const uint8_t> packed) { rest_ = packed; }

  // Fills `out`, as far as the stream goes. Returns the number of bytes, or an error for a damaged stream.
  Result<size_t> read(std::span<uint8_t> out) {
    if (!ready_) return fail(ErrorCode::Internal, "zlib could not start");
    size_t done = 0;
    while (done < out.size() && !ended_) {
      // zlib counts in 32 bits.
      auto in = rest_.first(std::min<size_t>(rest_.size(), 1u << 30));
      auto target = out.subspan(done, std::min<size_t>(out.size() - done, 1u << 30));
      stream_.next_in = const_cast<uint8_t*>(in.data());
      stream_.avail_in = static_cast<uInt>(in.size());
      stream_.next_out = target.data();
      stream_.avail_out = static_cast<uInt>(target.size());
      int code = inflate(&stream_, Z_NO_FLUSH);
      size_t used = in.size() - stream_.avail_in, made = target.size() - stream_.avail_out;
      rest_ = rest_.subspan(used);
      done += made;
      ended_ = code == Z_STREAM_END;
      if (code != Z_OK && !ended_ && code != Z_BUF_ERROR) return bad("its compressed data are damaged");
      if (used == 0 && made == 0 && !ended_) return bad("its compressed data are cut short");
    }
    return done;
  }

private:
  z_stream stream_{};
  std::span<const uint8_t> rest_;
  bool ready_ = false;
  bool ended_ = false;
};

uint32_t checksum(uint32_t start, std::span<const uint8_t> data) {
  if (data.empty()) return start; // zlib takes a null pointer for 'begin anew'
  return static_cast<uint32_t>(crc32_z(start, data.data(), data.size()));
}

void put(std::vector<uint8_t>& out, uint64_t value, size_t count) {
  for (size_t i = 0; i < count; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

std::vector<uint8_t> deflateAll(std::span<const uint8_t> data) {
  z_stream stream{};
  std::vector<uint8_t> out;
  if (deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) return out;
  out.resize(deflateBound(&stream, data.size()));
  stream.next_in = const_cast<uint8_t*>(data.data());
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(done ? out.size() - stream.avail_out : 0);
  deflateEnd(&stream);
  return out;
}

} // namespace

Result<std::vector<ZipEntry>> readZipDirectory(std::span<const uint8_t> archive) {
  BURIN_ASSIGN(DirectoryPlace place, findDirectory(archive));
  if (!contains(archive, place.offset, place.bytes)) return bad("its directory lies outside the file");
  auto directory = archive.subspan(place.offset, place.bytes);
  if (place.entries > directory.size() / kEntryBytes) return bad("its directory is cut short");
  std::vector<ZipEntry> entries;
  for (uint64_t i = 0; i < place.entries; ++i) {
    if (directory.size() < kEntryBytes || u32(directory, 0) != kEntrySignature)
      return bad("its directory is damaged");
    size_t nameBytes = u16(directory, 28), extraBytes = u16(directory, 30), commentBytes = u16(directory, 32);
    size_t total = kEntryBytes + nameBytes + extraBytes + commentBytes;
    if (directory.size() < total) return bad("its directory is cut short");
    ZipEntry entry;
    auto name = directory.subspan(kEntryBytes, nameBytes);
    entry.name.assign(name.begin(), name.end());
    entry.crc = u32(directory, 16);
    entry.packedBytes = u32(directory, 20);
    entry.bytes = u32(directory, 24);
    uint64_t localOffset = u32(directory, 42);
    BURIN_CHECK(readZip64Extra(directory.subspan(kEntryBytes + nameBytes, extraBytes), entry, localOffset));
    BURIN_CHECK(checkEntry(archive, u16(directory, 8), u16(directory, 10), localOffset, entry));
    entries.push_back(std::move(entry));
    directory = directory.subspan(total);
  }
  return entries;
}

Result<std::vector<uint8_t>> readZipStart(std::span<const uint8_t> archive, const ZipEntry& entry,
                                          size_t count) {
  auto packed = archive.subspan(entry.dataOffset, entry.packedBytes);
  count = static_cast<size_t>(std::min<uint64_t>(count, entry.bytes));
  if (!entry.deflated)
    return std::vector<uint8_t>(packed.begin(), packed.begin() + static_cast<ptrdiff_t>(count));
  std::vector<uint8_t> out(count);
  Inflater inflater;
  inflater.input(packed);
  BURIN_ASSIGN(size_t made, inflater.read(out));
  out.resize(made);
  return out;
}

Result<std::vector<uint8_t>> readZipEntry(std::span<const uint8_t> archive, const ZipEntry& entry,
                                          size_t skip) {
  auto packed = archive.subspan(entry.dataOffset, entry.packedBytes);
  if (skip > entry.bytes) return bad("entry '" + entry.name + "' is too short");
  std::vector<uint8_t> head(skip), out;
  if (!entry.deflated) {
    if (checksum(0, packed) != entry.crc) return bad("entry '" + entry.name + "' is damaged (checksum)");
    out.assign(packed.begin() + static_cast<ptrdiff_t>(skip), packed.end());
    return out;
  }
  Inflater inflater;
  inflater.input(packed);
  BURIN_ASSIGN(size_t headBytes, inflater.read(head));
  out.resize(entry.bytes - skip);
  BURIN_ASSIGN(size_t bodyBytes, inflater.read(out));
  uint8_t more;
  BURIN_ASSIGN(size_t moreBytes, inflater.read({&more, 1}));
  if (headBytes + bodyBytes != entry.bytes || moreBytes != 0)
    return bad("entry '" + entry.name + "' has another size than its directory says");
  if (checksum(checksum(0, head), out) != entry.crc)
    return bad("entry '" + entry.name + "' is damaged (checksum)");
  return out;
}

void ZipWriter::add(const std::string& name, std::span<const uint8_t> data) {
  ++entries_;
  tooLarge_ |= data.size() + archive_.size() >= kUse64 || name.size() > 0xffff;
  if (tooLarge_) return;
  std::vector<uint8_t> packed;
  if (compress_) packed = deflateAll(data);
  bool deflated = !packed.empty() && packed.size() < data.size();
  auto body = deflated ? std::span<const uint8_t>(packed) : data;
  uint64_t offset = archive_.size();
  std::vector<uint8_t> common; // the fields that local header and directory share
  put(common, 20, 2);          // version needed: 2.0
  put(common, 0, 2);           // flags
  put(common, deflated ? kDeflated : kStored, 2);
  put(common, 0, 2); // time
  put(common, kDate, 2);
  put(common, checksum(0, data), 4);
  put(common, body.size(), 4);
  put(common, data.size(), 4);
  put(common, name.size(), 2);
  put(common, 0, 2); // no extra field

  put(archive_, kLocalSignature, 4);
  archive_.insert(archive_.end(), common.begin(), common.end());
  archive_.insert(archive_.end(), name.begin(), name.end());
  archive_.insert(archive_.end(), body.begin(), body.end());

  put(directory_, kEntrySignature, 4);
  put(directory_, 0x0314, 2); // made by version 2.0 on Unix
  directory_.insert(directory_.end(), common.begin(), common.end());
  put(directory_, 0, 2);                    // comment
  put(directory_, 0, 2);                    // disk
  put(directory_, 0, 2);                    // internal attributes
  put(directory_, uint64_t{0644} << 16, 4); // external attributes: rw-r--r--
  put(directory_, offset, 4);
  directory_.insert(directory_.end(), name.begin(), name.end());
}

Result<std::vector<uint8_t>> ZipWriter::finish() {
  if (tooLarge_ || archive_.size() + directory_.size() >= kUse64 || entries_ >= 0xffff)
    return fail(ErrorCode::Output, "more than 4 GiB or 65534 arrays do not fit into one archive",
                "write fewer tensors");
  uint64_t offset = archive_.size();
  archive_.insert(archive_.end(), directory_.begin(), directory_.end());
  put(archive_, kEndSignature, 4);
  put(archive_, 0, 4); // disks
  put(archive_, entries_, 2);
  put(archive_, entries_, 2);
  put(archive_, directory_.size(), 4);
  put(archive_, offset, 4);
  put(archive_, 0, 2); // no comment
  return std::move(archive_);
}

} // namespace burin
