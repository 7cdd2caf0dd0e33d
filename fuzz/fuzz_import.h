// What the fuzz targets of the importers share.
#pragma once

#include "lib/import/common.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>

namespace burin::fuzz {

// Small bounds on work and memory: an input that reaches them is refused, as a big one is with the tool's
// own.
inline ImportOptions importOptions() {
  ImportOptions options;
  options.maxNodes = 2000;
  options.maxLoopIterations = 16;
  options.foldLimits = {int64_t{1} << 18, int64_t{1} << 24, int64_t{1} << 24};
  return options;
}

inline std::span<const char> chars(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// `import` takes options and a context. Anything but a module or an error about the input is our own bug,
// such as a graph that the verifier refuses.
template <class Import>
void checkImport(Import import) {
  mlir::MLIRContext context;
  nn::loadDialects(context);
  auto imported = import(importOptions(), context);
  if (!imported && imported.error().code == ErrorCode::Internal) std::abort();
}

// Two files in one input: a text, a zero byte, and the rest. Without a zero byte the second file is missing.
struct TwoFiles {
  TwoFiles(const uint8_t* data, size_t size) {
    const uint8_t* end = std::find(data, data + size, 0);
    text = chars(data, static_cast<size_t>(end - data));
    if (end != data + size) weights = chars(end + 1, static_cast<size_t>(data + size - end) - 1);
  }
  std::span<const char> text;
  Result<std::span<const char>> weights = fail(ErrorCode::Input, "there is no file with weights");
};

// Two files in one input of which the first is no text: two bytes say how long that one is, little end first.
struct TwoBinaryFiles {
  TwoBinaryFiles(const uint8_t* data, size_t size) {
    if (size < 2) return;
    const std::span<const char> bytes = chars(data + 2, size - 2);
    const size_t split = std::min(bytes.size(), data[0] + size_t{256} * data[1]);
    first = bytes.first(split);
    second = bytes.subspan(split);
  }
  std::span<const char> first, second;
};

} // namespace burin::fuzz
