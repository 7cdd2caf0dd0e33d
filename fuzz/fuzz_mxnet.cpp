// Arbitrary bytes as an MXNet symbol and its parameter file: an error or a valid module, in bounded time and
// memory.
#include "lib/import/mxnet/importer.h"

#include <cstdint>
#include <cstring>

// The first two bytes say where the symbol ends.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  uint16_t split;
  std::memcpy(&split, data, 2);
  std::span<const char> bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  size_t symbolSize = std::min<size_t>(split, bytes.size());
  burin::ImportOptions options;
  options.maxNodes = 2000;
  options.foldLimits = {int64_t{1} << 18, int64_t{1} << 24, int64_t{1} << 24};
  options.inputShapes[""] = {1, 3, 8, 8};
  mlir::MLIRContext context;
  burin::nn::loadDialects(context);
  auto imported =
      burin::importMxnetBytes(bytes.first(symbolSize), bytes.subspan(symbolSize), options, context);
  if (!imported && imported.error().code == burin::ErrorCode::Internal)
    __builtin_trap(); // a graph the verifier refuses
  return 0;
}
