// TorchScript archives, as torch.jit.trace(...).save() and torch.jit.script(...).save() write them.
#pragma once

#include "lib/import/format.h"

namespace burin {

extern const ImportFormat kTorchFormat;

// For tests and fuzzing: `bytes` outlive the call.
Result<ImportedModule> importTorchBytes(std::span<const char> bytes, const ImportOptions& options,
                                        mlir::MLIRContext& context);

} // namespace burin
