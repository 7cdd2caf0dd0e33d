#include "runtime/core/program.h"

#include "runtime/core/container.h"
#include "runtime/core/verify.h"
#include "schema/program_generated.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace burin::rt {

std::unique_ptr<Program> Program::open(const char* path, std::string& error, bool& readFailed) {
  readFailed = true;
  int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    error = std::string("cannot open: ") + std::strerror(errno);
    return nullptr;
  }
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0) {
    ::close(fd);
    error = "not a regular, non-empty file";
    return nullptr;
  }
  size_t size = static_cast<size_t>(info.st_size);
  void* mapping = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  if (mapping == MAP_FAILED) {
    error = std::string("cannot map: ") + std::strerror(errno);
    return nullptr;
  }
  std::unique_ptr<Program> program(new Program);
  program->mapping_ = mapping;
  program->data_ = static_cast<const uint8_t*>(mapping);
  program->size_ = size;
  readFailed = false;
  return program->load(error) ? std::move(program) : nullptr;
}

std::unique_ptr<Program> Program::openMemory(const void* data, size_t size, std::string& error) {
  std::unique_ptr<Program> program(new Program);
  program->data_ = static_cast<const uint8_t*>(data);
  program->size_ = size;
  if (size && reinterpret_cast<uintptr_t>(data) % 64) {
    if (posix_memalign(&program->copy_, 64, size) != 0) {
      error = "out of memory";
      return nullptr;
    }
    memcpy(program->copy_, data, size);
    program->data_ = static_cast<const uint8_t*>(program->copy_);
  }
  return program->load(error) ? std::move(program) : nullptr;
}

Program::~Program() {
  if (mapping_) munmap(mapping_, size_);
  free(copy_);
}

namespace {
// Header fields in bounds and the checksum right: what comes behind is at least what the compiler wrote.
bool checkHeader(const uint8_t* data, size_t size, ContainerHeader& header, std::string& error) {
  ContainerHeader expected;
  if (size < sizeof header) return error = "file too short for a Burin program", false;
  memcpy(&header, data, sizeof header);
  if (memcmp(header.magic, expected.magic, sizeof header.magic) != 0)
    return error = "not a Burin program (wrong magic)", false;
  if (header.version != expected.version)
    return error = "program format version " + std::to_string(header.version) +
                   ", this runtime reads version " + std::to_string(expected.version),
           false;
  auto inside = [&](uint64_t offset, uint64_t bytes) {
    return offset >= sizeof header && offset <= size && bytes <= size - offset;
  };
  if (header.headerBytes != sizeof header || !inside(header.graphOffset, header.graphBytes) ||
      !inside(header.weightsOffset, header.weightsBytes) || header.weightsOffset % 64 ||
      header.graphOffset % 8)
    return error = "program header is damaged or the file is truncated", false;
  if (header.checksum != checksum(data + sizeof header, size - sizeof header))
    return error = "checksum mismatch: the file is damaged or truncated", false;
  return true;
}

std::string textOf(const flatbuffers::String* s) { return s ? s->str() : std::string(); }

bool loadTexts(const fb::Net& net, LoadSource& source, Graph& graph) {
  graph.name = textOf(net.name());
  if (!source.mayCopy(kTableBytes + graph.name.size())) return false;
  if (net.preprocess())
    for (const auto* p : *net.preprocess()) {
      graph.preprocess.push_back(textOf(p));
      if (!source.mayCopy(kTableBytes + graph.preprocess.back().size())) return false;
    }
  return true;
}
} // namespace

bool Program::load(std::string& error) {
  ContainerHeader header;
  if (!checkHeader(data_, size_, header, error)) return false;
  flatbuffers::Verifier verifier(data_ + header.graphOffset, header.graphBytes, /*max_depth=*/16,
                                 /*max_tables=*/1u << 22);
  if (!fb::VerifyProgramBuffer(verifier)) return error = "program graph is damaged", false;
  const fb::Program* root = fb::GetProgram(data_ + header.graphOffset);
  tool = textOf(root->tool());
  target = textOf(root->target());
  precision = textOf(root->precision());
  source = textOf(root->source());
  weightsBytes_ = header.weightsBytes;
  LoadSource loadSource{data_ + header.weightsOffset, header.weightsBytes, 4 * header.graphBytes};
  if (!root->nets() || root->nets()->size() == 0) return error = "program holds no network", false;
  for (const fb::Net* net : *root->nets()) {
    if (!net->stages() || net->stages()->size() == 0) return error = "network holds no stage", false;
    for (const fb::Stage* stage : *net->stages()) {
      std::unique_ptr<Graph> graph(new Graph);
      if (!loadTexts(*net, loadSource, *graph)) return error = "networks use the same texts too often", false;
      if (!loadGraph(*stage, loadSource, *graph, error)) {
        error = "network '" + graph->name + "': " + error;
        return false;
      }
      nets_.push_back(std::move(graph));
    }
  }
  return true;
}

} // namespace burin::rt
