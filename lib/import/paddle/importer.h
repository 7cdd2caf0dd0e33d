// PaddlePaddle inference models -> nn module.
#pragma once

#include "lib/import/format.h"

namespace burin {

extern const ImportFormat kPaddleFormat;

// The program and the stream of its parameters; for tests and the fuzzer.
Result<ImportedModule> importPaddleBytes(std::span<const char> program, std::span<const char> parameters,
                                         const ImportOptions& options, mlir::MLIRContext& context);

} // namespace burin
