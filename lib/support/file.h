// Files: mapped reading, and writing that appears whole or not at all.
#pragma once

#include "lib/support/error.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace burin {

// A read-only mapping of a regular file.
class MappedFile {
public:
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const char> bytes() const { return {data_, size_}; }

private:
  MappedFile() = default;
  const char* data_ = nullptr;
  size_t size_ = 0;
};

struct FileContent {
  std::string path;
  std::span<const char> bytes;
};

// Writes to a temporary name in the same folder, then renames: readers see the old file or the new one.
Status writeFile(const std::string& path, std::span<const char> bytes);
// Files that belong together, in the order in which they appear: none does before all are written.
Status writeFiles(std::span<const FileContent> files);

Result<std::string> readTextFile(const std::string& path, size_t limitBytes = size_t(1) << 28);

} // namespace burin
