// Darknet in, `nn` module out: a .cfg that describes the network and the .weights with its numbers. The
// results are what the detection heads read, or their boxes where --outputs names them.
#pragma once

#include "lib/import/format.h"

namespace burin {

Result<ImportedModule> importDarknet(const std::string& path, const ImportOptions& options,
                                     mlir::MLIRContext& context);

// The same from memory. A network without weights may do without: `weights` is then the error that a layer
// reports when it asks for some. The weights are not copied where they are aligned; `owner` keeps them.
Result<ImportedModule> importDarknetBytes(std::span<const char> config,
                                          const Result<std::span<const char>>& weights,
                                          std::shared_ptr<const void> owner, const ImportOptions& options,
                                          mlir::MLIRContext& context);

extern const ImportFormat kDarknetFormat;

} // namespace burin
