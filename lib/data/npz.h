// numpy's .npz: a zip archive of .npy files.
#pragma once

#include "lib/data/array.h"
#include "lib/data/npy.h"
#include "lib/data/zip.h"

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace burin {

struct NamedArray {
  std::string name; // without ".npy"
  Array array;
};

// The most bytes that the arrays of one archive may take together.
constexpr uint64_t kMaxNpzBytes = uint64_t{4} << 30;

// An archive in memory, whose arrays are unpacked one by one. The bytes must outlive it. Reading is const and
// may be done by several threads at once.
class NpzReader {
public:
  static Result<NpzReader> open(std::span<const uint8_t> archive, uint64_t maxBytes = kMaxNpzBytes);

  // In the order of the archive. Entries other than .npy are left out.
  const std::vector<std::string>& names() const { return names_; }
  bool has(const std::string& name) const { return index_.contains(name); }

  // Errors name the array. An unknown name is an error that lists the known ones.
  Result<NpyHeader> header(const std::string& name) const;
  Result<Array> read(const std::string& name) const;

private:
  Result<const ZipEntry*> find(const std::string& name) const;
  Result<NpyHeader> checkedHeader(const ZipEntry& entry) const;

  std::span<const uint8_t> archive_;
  std::vector<ZipEntry> entries_;
  std::vector<std::string> names_; // parallel to entries_
  std::unordered_map<std::string, size_t> index_;
};

// All arrays, in the order of the archive.
Result<std::vector<NamedArray>> readNpz(std::span<const uint8_t> archive, uint64_t maxBytes = kMaxNpzBytes);
Result<std::vector<NamedArray>> loadNpz(const std::string& path);

// Null when absent.
const Array* findArray(std::span<const NamedArray> arrays, const std::string& name);

struct NpzOptions {
  bool compress = false; // deflate; see ZipWriter
};

// In the order given, without time stamps: equal arrays give equal bytes. A name that appears twice is an
// error.
Result<std::vector<uint8_t>> writeNpz(std::span<const NamedArray> arrays, const NpzOptions& options = {});
Status saveNpz(const std::string& path, std::span<const NamedArray> arrays, const NpzOptions& options = {});

} // namespace burin
