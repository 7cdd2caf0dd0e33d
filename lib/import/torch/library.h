// The classes and functions of an archive's source files, parsed when they are first asked for.
#pragma once

#include "lib/import/torch/archive.h"
#include "lib/import/torch/syntax.h"

namespace burin::torch {

class Library {
public:
  explicit Library(const Archive& archive) : archive_(archive) {}

  // By path, "__torch__.torch.nn.functional.relu". Null when there is none.
  Result<const FunctionDefinition*> function(const std::string& path);
  Result<const ClassDefinition*> type(const std::string& path);

private:
  Result<const SourceFile*> file(const std::string& path);

  const Archive& archive_;
  std::map<std::string, SourceFile> files_;
  uint64_t sourceBytes_ = 0; // of the files read so far
};

const FunctionDefinition* findMethod(const ClassDefinition& type, const std::string& name);

} // namespace burin::torch
