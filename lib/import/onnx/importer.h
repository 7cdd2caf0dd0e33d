// ONNX in, `nn` module out. Static shapes, constants folded, every tensor under the name it has in the file.
#pragma once

#include "lib/import/format.h"

namespace burin {

// Opset 7 up to this one is read with each version's own meaning; a newer one is read as this, with a
// warning.
constexpr int64_t kNewestOnnxOpset = 25;

// `context` needs nn::loadDialects. Errors name the file.
Result<ImportedModule> importOnnx(const std::string& path, const ImportOptions& options,
                                  mlir::MLIRContext& context);

// The same from memory. `folder` is where external weight files may lie; empty refuses them.
Result<ImportedModule> importOnnxBytes(std::span<const char> bytes, const std::string& folder,
                                       const ImportOptions& options, mlir::MLIRContext& context);

extern const ImportFormat kOnnxFormat;

} // namespace burin
