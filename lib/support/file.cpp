#include "lib/support/file.h"

#include <cerrno>
#include <cstdio>
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
} // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
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

Status writeFile(const std::string& path, std::span<const char> bytes) {
  std::string temporary = path + ".tmp" + std::to_string(getpid());
  auto error = [&](const char* what) {
    std::string message = std::string(what) + ": " + std::strerror(errno);
    unlink(temporary.c_str());
    return fail(Error{ErrorCode::Output, path, {}, message, "check that the folder exists and is writable"});
  };
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return error("cannot create");
  for (size_t done = 0; done < bytes.size();) {
    ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0) {
      if (errno == EINTR) continue;
      int saved = errno;
      ::close(fd);
      errno = saved;
      return error("cannot write");
    }
    done += static_cast<size_t>(n);
  }
  if (::close(fd) != 0) return error("cannot write");
  if (rename(temporary.c_str(), path.c_str()) != 0) return error("cannot rename the finished file");
  return {};
}

Result<std::string> readTextFile(const std::string& path, size_t limitBytes) {
  BURIN_ASSIGN(auto file, MappedFile::open(path));
  if (file->bytes().size() > limitBytes)
    return readError(path, "file is too large for its kind", "check that this is the right file");
  return std::string(file->bytes().begin(), file->bytes().end());
}

} // namespace burin
