#include "lib/import/formats/formats.h"

#include "lib/import/caffe/importer.h"
#include "lib/import/onnx/importer.h"
#include "lib/import/tflite/importer.h"

#include <filesystem>

namespace burin {

namespace {
// The order in which formats are asked. ONNX, whose files have no magic number, comes last.
constexpr const ImportFormat* kFormats[] = {
    &kCaffeFormat,
