// Arbitrary bytes as a TensorFlow Lite model: an error or a valid module, in bounded time and memory.
#include "lib/import/tflite/importer.h"

#include "fuzz/fuzz_import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  burin::fuzz::checkImport([&](const burin::ImportOptions& options, mlir::MLIRContext& context) {
    return burin::importTfliteBytes(burin::fuzz::chars(data, size), nullptr, options, context);
  });
  return 0;
}
