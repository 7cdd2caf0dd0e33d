// MXNet symbols with their parameters -> nn module.
#pragma once

#include "lib/import/format.h"

namespace burin {

extern const ImportFormat kMxnetFormat;

// The symbol's text and the parameter file; for tests and the fuzzer.
Result<ImportedModule> importMxnetBytes(std::span<const char> symbol, std::span<const char> parameters,
                                        const ImportOptions& options, mlir::MLIRContext& context);

} // namespace burin
