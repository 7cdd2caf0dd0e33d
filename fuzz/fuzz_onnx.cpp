// Arbitrary bytes as an ONNX model: an error or a valid module, in bounded time and memory.
#include "lib/import/onnx/importer.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  burin::ImportOptions options;
  options.maxNodes = 2000;
  options.maxLoopIterations = 16;
  options.foldLimits = {int64_t{1} << 18, int64_t{1} << 24, int64_t{1} << 24};
  mlir::MLIRContext context;
  burin::nn::loadDialects(context);
  auto imported = burin::importOnnxBytes({reinterpret_cast<const char*>(data), size}, "", options, context);
  if (!imported && imported.error().code == burin::ErrorCode::Internal)
    __builtin_trap(); // a graph the verifier refuses
  return 0;
}
