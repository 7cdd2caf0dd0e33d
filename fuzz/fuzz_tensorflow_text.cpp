// Arbitrary bytes as a graph in text form: an error or a valid module, in bounded time and memory.
#include "lib/import/tensorflow/importer.h"

#include "fuzz/fuzz_import.h"
#include "lib/import/tensorflow/text_graph.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const char> bytes = burin::fuzz::chars(data, size);
  auto binary =
      burin::tensorflow::binaryGraph({bytes.data(), bytes.size()}, burin::tensorflow::TextKind::Graph);
  if (!binary) return 0;
  burin::fuzz::checkImport([&](const burin::ImportOptions& options, mlir::MLIRContext& context) {
    return burin::importGraphDefBytes(*binary, options, context);
  });
  return 0;
}
