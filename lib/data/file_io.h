// Files read into memory (lib/support/file.h writes them). Copies rather than mappings: a sample that
// somebody cuts short while it is read is an error then, not a crash.
#pragma once

#include "lib/support/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace burin {

constexpr uint64_t kMaxFileBytes = uint64_t{8} << 30;

// Errors (ErrorCode::Input) name the file: missing, a directory, not readable, larger than maxBytes.
Result<std::vector<uint8_t>> readFile(const std::string& path, uint64_t maxBytes = kMaxFileBytes);

// `length` bytes from `offset`; an error when the file is shorter.
Result<std::vector<uint8_t>> readFilePart(const std::string& path, uint64_t offset, uint64_t length);

// "JPG" of "a/b.JPG" as "jpg"; empty when there is none.
std::string lowerExtension(const std::string& path);

} // namespace burin
