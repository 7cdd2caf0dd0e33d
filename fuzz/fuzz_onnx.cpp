// Arbitrary bytes as an ONNX model: an error or a valid module, in bounded time and memory.
#include "lib/import/onnx/importer.h"

#include "fuzz/fuzz_import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  burin::fuzz::checkImport([&](const burin::ImportOptions& options, mlir::MLIRContext& context) {
    return burin::importOnnxBytes(burin::fuzz::chars(data, size), "", options, context);
  });
  return 0;
}
