#include "lib/data/file_io.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace burin {
namespace {

namespace fs = std::filesystem;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

tl::unexpected<Error> readError(const std::string& path, const std::string& what,
                                const std::string& remedy = {}) {
  return fail(Error{ErrorCode::Input, path, {}, what, remedy});
}

struct OpenedFile {
  File file;
  uint64_t bytes;
};

Result<OpenedFile> openFile(const std::string& path) {
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return readError(path, "no such file", "check the path");
  if (fs::is_directory(status)) return readError(path, "is a directory, not a file");
  // A pipe or a device has no size to check before reading.
  if (!fs::is_regular_file(status)) return readError(path, "is not a regular file");
  uint64_t bytes = fs::file_size(path, error);
  File file(std::fopen(path.c_str(), "rb"));
  if (error || !file) return readError(path, std::string("cannot be read: ") + std::strerror(errno));
  return OpenedFile{std::move(file), bytes};
}

Result<std::vector<uint8_t>> readBytes(std::FILE* file, const std::string& path, uint64_t length) {
  std::vector<uint8_t> bytes(length);
  if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size())
    return readError(path, "ended early while it was read", "was it being written?");
  return bytes;
}

} // namespace

Result<std::vector<uint8_t>> readFile(const std::string& path, uint64_t maxBytes) {
  BURIN_ASSIGN(OpenedFile opened, openFile(path));
  if (opened.bytes > maxBytes)
    return readError(path, "has " + std::to_string(opened.bytes) + " bytes, more than the limit of " +
                               std::to_string(maxBytes));
  return readBytes(opened.file.get(), path, opened.bytes);
}

Result<std::vector<uint8_t>> readFilePart(const std::string& path, uint64_t offset, uint64_t length) {
  BURIN_ASSIGN(OpenedFile opened, openFile(path));
  if (offset > opened.bytes || length > opened.bytes - offset)
    return readError(path, "is shorter than its header says", "is it still being written?");
  if (::fseeko(opened.file.get(), static_cast<off_t>(offset), SEEK_SET) != 0)
    return readError(path, std::string("cannot be read: ") + std::strerror(errno));
  return readBytes(opened.file.get(), path, length);
}

std::string lowerExtension(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  if (!extension.empty()) extension.erase(0, 1);
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension;
}

} // namespace burin
