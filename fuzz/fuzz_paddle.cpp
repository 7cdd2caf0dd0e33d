// Arbitrary bytes as a Paddle program and its parameter stream: an error or a valid module, in bounded time
// and memory.
#include "lib/import/paddle/importer.h"

#include "fuzz/fuzz_import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const burin::fuzz::TwoBinaryFiles files(data, size);
  burin::fuzz::checkImport([&](const burin::ImportOptions& options, mlir::MLIRContext& context) {
    return burin::importPaddleBytes(files.first, files.second, options, context);
  });
  return 0;
}
