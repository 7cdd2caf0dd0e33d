// A model format: how it is recognised, read and described. Each folder below defines one of these.
#pragma once

#include "lib/import/common.h"
#include "lib/support/file.h"

namespace burin {

// What recognition looks at.
struct ModelFile {
  std::string path;
  bool isFolder = false;
  std::span<const char> bytes; // the whole file, mapped; empty for a folder
};

struct SupportedOperator {
  std::string name;
  std::string domain; // of the operator set, where the format has several
  // How it was shown to work: "model" (a published model uses it), "fixture" (a file of ours, from the
  // format's definition; never met in the wild), "node test" (the format's own conformance tests).
  std::string shownBy;
};

struct ImportFormat {
  const char* name;  // "caffe", for --format and reports
  const char* files; // ".prototxt with .caffemodel"
  const char* notes;
  // By content; the name only breaks ties between formats whose content says too little.
  bool (*recognises)(const ModelFile& file);
  Result<ImportedModule> (*import)(const std::string& path, const ImportOptions& options,
                                   mlir::MLIRContext& context);
  std::vector<SupportedOperator> (*operators)();
};

// The second file of a two-file model: --weights, else the same stem with one of `extensions`, else the only
// file with one of them whose name starts with the stem. Errors list the candidates.
Result<std::string> weightsFile(const std::string& modelPath, const std::string& flag,
                                std::span<const std::string> extensions);

} // namespace burin
