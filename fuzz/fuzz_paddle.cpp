// Arbitrary bytes as a Paddle program and its parameter stream: an error or a valid module, in bounded time
// and memory.
#include "lib/import/paddle/importer.h"

#include <cstdint>
#include <cstring>

// The first two bytes say where the program ends.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  uint16_t split;
  std::memcpy(&split, data, 2);
  std::span<const char> bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  size_t programSize = std::min<size_t>(split, bytes.size());
  burin::ImportOptions options;
  options.maxNodes = 2000;
  options.foldLimits = {int64_t{1} << 18, int64_t{1} << 24, int64_t{1} << 24};
  mlir::MLIRContext context;
  burin::nn::loadDialects(context);
  auto imported =
      burin::importPaddleBytes(bytes.first(programSize), bytes.subspan(programSize), options, context);
  if (!imported && imported.error().code == burin::ErrorCode::Internal)
    __builtin_trap(); // a graph the verifier refuses
  return 0;
}
