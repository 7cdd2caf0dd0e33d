#include "lib/data/npz.h"

#include "lib/data/file_io.h"
#include "lib/support/file.h"

#include <algorithm>
#include <set>

namespace burin {
namespace {

constexpr std::string_view kSuffix = ".npy";

std::string joined(const std::vector<std::string>& names) {
  constexpr size_t kMost = 20;
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) out += (i ? ", " : "") + names[i];
  if (names.size() > kMost) out += ", and " + std::to_string(names.size() - kMost) + " more";
  return out.empty() ? "none" : out;
}

} // namespace

Result<NpzReader> NpzReader::open(std::span<const uint8_t> archive, uint64_t maxBytes) {
  BURIN_ASSIGN(std::vector<ZipEntry> entries, readZipDirectory(archive));
  NpzReader reader;
  reader.archive_ = archive;
  uint64_t total = 0;
  for (ZipEntry& entry : entries) {
    if (!entry.name.ends_with(kSuffix)) continue;
    std::string name = entry.name.substr(0, entry.name.size() - kSuffix.size());
    if (!reader.index_.emplace(name, reader.names_.size()).second)
      return fail(ErrorCode::Input, "the array '" + name + "' appears twice");
    // Each size is at most 1032 times that of the file, so the sum cannot wrap before it is compared.
    total += entry.bytes;
    if (total > maxBytes)
      return fail(ErrorCode::Input,
                  "its arrays need more than " + std::to_string(maxBytes) + " bytes of memory",
                  "split it into smaller files");
    reader.names_.push_back(std::move(name));
    reader.entries_.push_back(std::move(entry));
  }
  return reader;
}

Result<const ZipEntry*> NpzReader::find(const std::string& name) const {
  auto at = index_.find(name);
  if (at == index_.end())
    return fail(ErrorCode::Input, "has no array '" + name + "'; its arrays are: " + joined(names_));
  return &entries_[at->second];
}

// The header is unpacked first, so that nothing of the claimed size is allocated before shape and size agree.
Result<NpyHeader> NpzReader::checkedHeader(const ZipEntry& entry) const {
  BURIN_ASSIGN(std::vector<uint8_t> start, readZipStart(archive_, entry, kMaxNpyHeaderBytes));
  BURIN_ASSIGN(NpyHeader header, readNpyHeader(start));
  if (header.dataOffset + header.dataBytes != entry.bytes)
    return fail(ErrorCode::Input, "shape " + dimsText(header.shape) + " does not fit " +
                                      std::to_string(entry.bytes) + " bytes");
  return header;
}

Result<NpyHeader> NpzReader::header(const std::string& name) const {
  BURIN_ASSIGN(const ZipEntry* entry, find(name));
  Result<NpyHeader> header = checkedHeader(*entry);
  if (!header) return fail(atOp(std::move(header).error(), name));
  return header;
}

Result<Array> NpzReader::read(const std::string& name) const {
  BURIN_ASSIGN(const ZipEntry* entry, find(name));
  BURIN_ASSIGN(NpyHeader found, header(name));
  Result<std::vector<uint8_t>> data = readZipEntry(archive_, *entry, found.dataOffset);
  if (!data) return fail(atOp(std::move(data).error(), name));
  return arrayFromNpyData(found, std::move(*data));
}

Result<std::vector<NamedArray>> readNpz(std::span<const uint8_t> archive, uint64_t maxBytes) {
  BURIN_ASSIGN(NpzReader reader, NpzReader::open(archive, maxBytes));
  std::vector<NamedArray> arrays;
  for (const std::string& name : reader.names()) {
    BURIN_ASSIGN(Array array, reader.read(name));
    arrays.push_back({name, std::move(array)});
  }
  return arrays;
}

Result<std::vector<NamedArray>> loadNpz(const std::string& path) {
  BURIN_ASSIGN(std::vector<uint8_t> bytes, readFile(path));
  Result<std::vector<NamedArray>> arrays = readNpz(bytes);
  if (!arrays) return fail(inFile(std::move(arrays).error(), path));
  return arrays;
}

const Array* findArray(std::span<const NamedArray> arrays, const std::string& name) {
  auto at = std::ranges::find(arrays, name, &NamedArray::name);
  return at == arrays.end() ? nullptr : &at->array;
}

Result<std::vector<uint8_t>> writeNpz(std::span<const NamedArray> arrays, const NpzOptions& options) {
  ZipWriter writer(options.compress);
  std::set<std::string> seen;
  for (const NamedArray& entry : arrays) {
    if (!seen.insert(entry.name).second)
      return fail(ErrorCode::Internal, "the array '" + entry.name + "' would be written twice");
    writer.add(entry.name + std::string(kSuffix), writeNpy(entry.array));
  }
  return writer.finish();
}

Status saveNpz(const std::string& path, std::span<const NamedArray> arrays, const NpzOptions& options) {
  Result<std::vector<uint8_t>> bytes = writeNpz(arrays, options);
  if (!bytes) return fail(inFile(std::move(bytes).error(), path));
  return writeFile(path, {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
}

} // namespace burin
