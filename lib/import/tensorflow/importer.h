// TensorFlow: frozen graphs and SavedModels.
#pragma once

#include "lib/import/format.h"

namespace burin {

// Test and fuzz entries.
Result<ImportedModule> importGraphDefBytes(std::span<const char> bytes, const ImportOptions& options,
                                           mlir::MLIRContext& context);
// The bytes of saved_model.pb; variables are looked for in `folder` (none: "").
Result<ImportedModule> importSavedModelBytes(std::span<const char> bytes, const std::string& folder,
                                             const ImportOptions& options, mlir::MLIRContext& context);
// A file (frozen graph or saved_model.pb) or the folder of a SavedModel.
Result<ImportedModule> importTensorflow(const std::string& path, const ImportOptions& options,
                                        mlir::MLIRContext& context);

extern const ImportFormat kTensorflowFormat;

} // namespace burin
