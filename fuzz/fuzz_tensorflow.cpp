// Arbitrary bytes as a frozen graph, as a saved_model.pb, and as the tables and blocks a checkpoint consists
// of: an error or a valid module, in bounded time and memory.
#include "lib/import/tensorflow/importer.h"

#include "fuzz/fuzz_import.h"
#include "lib/import/tensorflow/sstable.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const char> bytes = burin::fuzz::chars(data, size);
  burin::fuzz::checkImport([&](const burin::ImportOptions& options, mlir::MLIRContext& context) {
    return burin::importGraphDefBytes(bytes, options, context);
  });
  burin::fuzz::checkImport([&](const burin::ImportOptions& options, mlir::MLIRContext& context) {
    return burin::importSavedModelBytes(bytes, "", options, context);
  });
  (void)burin::tensorflow::readTable(bytes);
  (void)burin::tensorflow::unpackSnappy(bytes, size_t{1} << 20);
  return 0;
}
