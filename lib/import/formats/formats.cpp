#include "lib/import/formats/formats.h"

#include "lib/import/caffe/importer.h"
#include "lib/import/darknet/importer.h"
#include "lib/import/mxnet/importer.h"
#include "lib/import/onnx/importer.h"
#include "lib/import/paddle/importer.h"
#include "lib/import/tensorflow/importer.h"
#include "lib/import/tflite/importer.h"
#include "lib/import/torch/importer.h"

#include <filesystem>

namespace burin {

namespace {
// The order in which formats are asked. ONNX, whose files have no magic number, comes last.
constexpr const ImportFormat* kFormats[] = {
    &kCaffeFormat,      &kDarknetFormat, &kMxnetFormat, &kPaddleFormat,
    &kTensorflowFormat, &kTfliteFormat,  &kTorchFormat, &kOnnxFormat,
};
} // namespace

std::span<const ImportFormat* const> importFormats() { return kFormats; }

const ImportFormat* findImportFormat(const std::string& name) {
  for (const ImportFormat* format : kFormats)
    if (name == format->name) return format;
  return nullptr;
}

Result<ImportedModule> importModel(const std::string& path, const ImportOptions& options,
                                   mlir::MLIRContext& context) {
  ModelFile file{path, std::filesystem::is_directory(path), {}};
  std::shared_ptr<const MappedFile> mapped;
  if (!file.isFolder) {
    BURIN_ASSIGN(mapped, MappedFile::open(path));
    file.bytes = mapped->bytes();
  }
  for (const ImportFormat* format : kFormats)
    if (format->recognises(file)) return format->import(path, options, context);
  std::string known;
  for (const ImportFormat* format : kFormats)
    known += std::string(known.empty() ? "" : "; ") + format->name + " (" + format->files + ")";
  return fail(
      Error{ErrorCode::Input, path, {}, "is no model of a format that we read", "these are read: " + known});
}

} // namespace burin
