#include "lib/support/file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace burin {

namespace {
tl::unexpected<Error> readError(const std::string& path, const std::string& what,
                                const std::string& remedy = "check the path and permissions") {
  return fail(Error{ErrorCode::Input, path, {}, what, remedy});
}

// False: errno says why.
bool writeAll(int fd, std::span<const char> bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return true;
}

// A file on its way: it stands under a temporary name beside its own until finish(), and vanishes without.
// Devices and pipes (/dev/null, /dev/stdout) are written in place: a rename would replace them.
class PendingFile {
public:
  explicit PendingFile(const std::string& path) : path_(path), target_(path) {
    struct stat info;
    if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return;
    // Through a link its target is replaced, not the link.
    if (std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), std::free); real)
      target_ = real.get();
    temporary_ = target_ + ".tmp" + std::to_string(getpid());
  }
  PendingFile(PendingFile&& other) noexcept
      : path_(std::move(other.path_)), target_(std::move(other.target_)),
        temporary_(std::exchange(other.temporary_, {})) {}
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile() {
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }

  Status write(std::span<const char> bytes) {
    const std::string& name = temporary_.empty() ? target_ : temporary_;
    int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return error("cannot create", "check that the folder exists and is writable");
    bool whole = writeAll(fd, bytes);
    const int reason = errno;
    const bool closed = ::close(fd) == 0;
    if (whole && closed) return {};
    if (!whole) errno = reason;
    return error("cannot write", "check that the disk has room");
  }

  Status finish() {
    if (!temporary_.empty() && rename(temporary_.c_str(), target_.c_str()) != 0)
      return error("cannot rename the finished file", "check that the name is not that of a folder");
    temporary_.clear();
    return {};
  }

private:
  Status error(const char* what, const char* remedy) const {
    return fail(Error{ErrorCode::Output, path_, {}, std::string(what) + ": " + std::strerror(errno), remedy});
  }

  std::string path_, target_, temporary_; // as the user gave it; where it leads; empty: written in place
};
} // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  // Not to wait for the other end of a pipe: it is refused below.
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return readError(path, std::string("cannot open: ") + std::strerror(errno));
  struct stat info;
  bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  if (!regular) {
    ::close(fd);
    return readError(path, "not a regular file");
  }
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->size_ = static_cast<size_t>(info.st_size);
  if (file->size_ > 0) {
    void* mapping = mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, fd, 0);
    ::close(fd);
    if (mapping == MAP_FAILED) return readError(path, std::string("cannot map: ") + std::strerror(errno));
    file->data_ = static_cast<const char*>(mapping);
  } else {
    ::close(fd);
    return readError(path, "file is empty", "check how it was written");
  }
  return std::shared_ptr<const MappedFile>(std::move(file));
}

MappedFile::~MappedFile() {
  if (data_) munmap(const_cast<char*>(data_), size_);
}

Status writeFiles(std::span<const FileContent> files) {
  std::vector<PendingFile> pending;
  pending.reserve(files.size());
  for (const FileContent& file : files) {
    pending.emplace_back(file.path);
    BURIN_CHECK(pending.back().write(file.bytes));
  }
  for (PendingFile& file : pending) BURIN_CHECK(file.finish());
  return {};
}

Status writeFile(const std::string& path, std::span<const char> bytes) {
  const FileContent file{path, bytes};
  return writeFiles({&file, 1});
}

Result<std::string> readTextFile(const std::string& path, size_t limitBytes) {
  BURIN_ASSIGN(auto file, MappedFile::open(path));
  if (file->bytes().size() > limitBytes)
    return readError(path, "file is too large for its kind", "check that this is the right file");
  return std::string(file->bytes().begin(), file->bytes().end());
}

} // namespace burin
