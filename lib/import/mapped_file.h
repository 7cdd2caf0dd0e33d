// A file mapped for reading. Weights are viewed in it without a copy, so it is held by shared pointers.
#pragma once

#include "lib/support/error.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace burin {

class MappedFile {
public:
  // Errors (ErrorCode::Input) name the file: missing, not a regular file, not readable, empty.
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const char> bytes() const { return {static_cast<const char*>(data_), size_}; }

private:
  MappedFile(void* data, size_t size) : data_(data), size_(size) {}
  void* data_;
  size_t size_;
};

} // namespace burin
