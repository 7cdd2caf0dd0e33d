<<<<<<< HEAD
// Arbitrary bytes as a TensorFlow graph, a SavedModel a checkpoint's index and a compressed block of one: an
// error or a valid module, in bounded time and memory.
#include "lib/import/tensorflow/importer.h"
#include "lib/import/tensorflow/sstable.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  burin::ImportOptions options;
  options.maxNodes = 2000;
  options.foldLimits = {int64_t{1} << 18, int64_t{1} << 24, int64_t{1} << 24};
  std::span<const char> bytes(reinterpret_cast<const char*>(data), size);
  mlir::MLIRContext context;
  burin::nn::loadDialects(context);
  auto check = [](const auto& imported) {
    if (!imported && imported.error().code == burin::ErrorCode::Internal)
      __builtin_trap(); // a graph the verifier refuses
  };
  check(burin::importGraphDefBytes(bytes, options, context));
  check(burin::importSavedModelBytes(bytes, "", options, context));
  check(burin::tensorflow::readTable(bytes));
  check(burin::tensorflow::unpackSnappy(bytes, size_t{1} << 20));
=======
// Arbitrary bytes as a frozen graph, as a saved_model.pb, and as the tables and blocks a checkpoint consists
// of.
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
>>>>>>> 4730c64 (The Caffe, Darknet, TensorFlow and TensorFlow Lite importers are fuzzed)
  return 0;
}
