// The program loader on arbitrary bytes. The checksum is made right first, or nothing behind it would ever be
// read; what verifies is also run, with little memory.
#include "runtime/core/container.h"
#include "runtime/core/session.h"

#include <cstring>
#include <vector>

using namespace burin::rt;

namespace {
constexpr uint64_t kMostArena = 1 << 22;
constexpr int64_t kMostWork = 1 << 20; // elements of all results

bool isSmall(const Graph& graph) {
  int64_t elements = 0;
  for (const Tensor& t : graph.tensors)
    if ((elements += t.type.shape.elements()) > kMostWork) return false;
  return graph.arenaBytes <= kMostArena && graph.nodes.size() <= 256;
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> file(data, data + size);
  ContainerHeader header;
  if (size >= sizeof header) {
    memcpy(&header, file.data(), sizeof header);
    header.checksum = checksum(file.data() + sizeof header, size - sizeof header);
    memcpy(file.data(), &header, sizeof header);
  }
  std::string error;
  auto program = Program::openMemory(file.data(), file.size(), error);
  if (!program || !isSmall(program->net(0))) return 0;
  bool outOfMemory = false;
  auto session = Session::create(program->net(0), {Isa::Reference, 1}, error, outOfMemory);
  if (session && session->scratchBytes() <= kMostArena) session->run(error);
  return 0;
}
