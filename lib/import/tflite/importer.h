// TensorFlow Lite models: flatbuffers with the identifier TFL3.
#pragma once

#include "lib/import/format.h"

namespace burin {

// `owner` keeps `bytes` alive for constants that view them; without one they are copied.
Result<ImportedModule> importTfliteBytes(std::span<const char> bytes, std::shared_ptr<const void> owner,
                                         const ImportOptions& options, mlir::MLIRContext& context);
Result<ImportedModule> importTflite(const std::string& path, const ImportOptions& options,
                                    mlir::MLIRContext& context);

extern const ImportFormat kTfliteFormat;

} // namespace burin
