// All model formats that we read.
#pragma once

#include "lib/import/format.h"

namespace burin {

std::span<const ImportFormat* const> importFormats();

// Null for an unknown name.
const ImportFormat* findImportFormat(const std::string& name);

// Recognises the format by content and imports. A file that nothing recognises is an error that lists the
// formats.
Result<ImportedModule> importModel(const std::string& path, const ImportOptions& options,
                                   mlir::MLIRContext& context);

} // namespace burin
