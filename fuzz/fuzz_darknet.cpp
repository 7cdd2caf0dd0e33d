// A text and arbitrary bytes as a Darknet network and its weights: an error or a valid module.
#include "lib/import/darknet/importer.h"

#include "fuzz/fuzz_import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const burin::fuzz::TwoFiles files(data, size);
  burin::fuzz::checkImport([&](const burin::ImportOptions& options, mlir::MLIRContext& context) {
    return burin::importDarknetBytes(files.text, files.weights, nullptr, options, context);
  });
  return 0;
}
