// Test support: Darknet networks written as text and numbers, imported, and looked at.
#pragma once

#include "lib/import/darknet/importer.h"
#include "lib/import/test_support.h"

#include <cstring>

namespace burin::darknet::test {

using namespace burin::test;

// A .cfg without its [net], a picture size, and the numbers behind the header of the .weights.
struct Case {
  std::string layers;
  std::vector<float> weights = {};
  int32_t major = 0, minor = 2;

  std::string header() const {
    const int32_t version[3] = {major, minor, 5};
    std::string bytes(reinterpret_cast<const char*>(version), sizeof version);
    const bool isLong = major * 10 + minor >= 2 && major < 1000;
    return bytes + std::string(isLong ? 8 : 4, '\0');
  }

  Imported import(const std::vector<int64_t>& dims, const ImportOptions& options = {}) const {
    std::string text = "[net]\nchannels=" + std::to_string(dims[1]) + "\nheight=" + std::to_string(dims[2]) +
                       "\nwidth = " + std::to_string(dims[3]) + "\n" + layers;
    auto bytes =
        std::make_shared<std::string>(header() + std::string(reinterpret_cast<const char*>(weights.data()),
                                                             weights.size() * sizeof(float)));
    auto context = std::make_unique<mlir::MLIRContext>();
    nn::loadDialects(*context);
    auto result = importDarknetBytes(text, std::span<const char>(*bytes), bytes, options, *context);
    return {std::move(context), std::move(result)};
  }
  // With the picture known (0, 1, 2, ... without values), everything folded.
  Imported run(const std::vector<int64_t>& dims, std::vector<float> values = {}) const {
    size_t n = 1;
    for (int64_t dim : dims) n *= static_cast<size_t>(dim);
    ImportOptions options;
    options.boundInputs["data"] = boundFloats(dims, values.empty() ? counting(n) : values);
    return import(dims, options);
  }
};

} // namespace burin::darknet::test
