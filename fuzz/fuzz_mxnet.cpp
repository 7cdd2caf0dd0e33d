// Arbitrary bytes as an MXNet symbol and its parameter file: an error or a valid module, in bounded time and
// memory.
#include "lib/import/mxnet/importer.h"

#include "fuzz/fuzz_import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const burin::fuzz::TwoBinaryFiles files(data, size);
  burin::fuzz::checkImport([&](burin::ImportOptions options, mlir::MLIRContext& context) {
    options.inputShapes[""] = {1, 3, 8, 8};
    return burin::importMxnetBytes(files.first, files.second, options, context);
  });
  return 0;
}
