// Caffe in, `nn` module out: a .prototxt that describes the network and the .caffemodel with its weights.
#pragma once

#include "lib/import/format.h"

namespace burin {

Result<ImportedModule> importCaffe(const std::string& path, const ImportOptions& options,
                                   mlir::MLIRContext& context);

// The same from memory. Networks without stored weights may do without a .caffemodel: `weights` is then the
// error that a layer reports when it asks for some.
Result<ImportedModule> importCaffeBytes(std::span<const char> prototxt,
                                        const Result<std::span<const char>>& weights,
                                        const ImportOptions& options, mlir::MLIRContext& context);

extern const ImportFormat kCaffeFormat;

} // namespace burin
