#include "lib/import/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace burin {

namespace {
tl::unexpected<Error> unreadable(const std::string& path, const std::string& why, const std::string& remedy) {
  return fail(Error{ErrorCode::Input, path, {}, why, remedy});
}
} // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return unreadable(path, std::string("cannot be opened: ") + std::strerror(errno),
                      "check the path and its permissions");
  struct stat status = {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return unreadable(path, "is not a regular file", "give the path of a model file");
  }
  size_t size = static_cast<size_t>(status.st_size);
  void* data = size ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0) : nullptr;
  ::close(descriptor);
  if (!size) return unreadable(path, "is empty", "download or export the file again");
  if (data == MAP_FAILED)
    return unreadable(path, std::string("cannot be mapped: ") + std::strerror(errno), "");
  return std::shared_ptr<const MappedFile>(new MappedFile(data, size));
}

MappedFile::~MappedFile() { munmap(data_, size_); }

} // namespace burin
