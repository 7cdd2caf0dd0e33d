// A tensor as a weights file stores it, made a constant.
#pragma once

#include "lib/nn/builder.h"
#include "lib/support/error.h"

#include <memory>
#include <span>
#include <string>

namespace burin {

struct StoredTensor {
  rt::TensorType type;
  bool isDouble = false;             // 8-byte floats, for which `type` says f32
  std::span<const char> bytes;       // row-major
  std::shared_ptr<const void> owner; // keeps the bytes alive
};

// Bytes that shape and element type ask for; nothing where that is out of all bounds.
Result<uint64_t> storedBytes(std::span<const int64_t> dims, size_t elementBytes);

// The constant; where alignment allows it, it views the stored bytes. NaN and infinite elements are errors
// unless `allowNonFinite`.
Result<mlir::Value> makeConstant(const StoredTensor& tensor, const std::string& name,
                                 nn::GraphBuilder& builder, bool allowNonFinite);

std::vector<char> floatsFromDoubles(std::span<const char> raw);

} // namespace burin
