// The stored inputs and outputs of a node test, and how close a result has to be to them.
#pragma once

#include "lib/execute/executable.h"
#include "lib/import/onnx/importer.h"
#include "schema/onnx.pb.h"

#include <optional>
#include <string>
#include <vector>

namespace burin::node_tests {

// Row-major elements in the type a program gives them: double is stored as f32, 4-bit integers as 8-bit ones.
struct StoredTensor {
  std::string name;
  rt::TensorType type;
  std::vector<char> bytes;
};

Result<std::string> readBytes(const std::string& path);
// `wanted` is the value that the file is for. Sequences, optionals and types without a program type are
// errors.
Result<StoredTensor> readStored(const std::string& path, const onnxpb::ValueInfoProto& wanted,
                                mlir::MLIRContext& context);
Array arrayOf(const StoredTensor& tensor);

// The sentence that says where `actual` differs, or nothing. Floats may differ by 1e-5 + 1e-3 |expected|
// (0.01 + 0.01 |expected| for 16-bit ones), NaN equals NaN, integers must be equal. With `prefix`, `actual`
// may be larger than `expected` in any dimension: results whose size depends on the data have a static
// maximum.
std::optional<std::string> difference(const StoredTensor& expected, const rt::Tensor& actual, bool prefix);

} // namespace burin::node_tests
