// A text and arbitrary bytes as a Caffe network and its weights: an error or a valid module.
#include "lib/import/caffe/importer.h"

#include "fuzz/fuzz_import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const burin::fuzz::TwoFiles files(data, size);
  burin::fuzz::checkImport([&](const burin::ImportOptions& options, mlir::MLIRContext& context) {
    return burin::importCaffeBytes(files.text, files.weights, options, context);
  });
  return 0;
}
