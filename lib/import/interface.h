// The borders of an imported graph: inputs with fixed shapes, cuts, outputs.
#pragma once

#include "lib/import/rule_context.h"

namespace burin {

struct DeclaredDim {
  int64_t size = -1; // below 1: open
  std::string name;  // open dimensions of one name have one size; may be empty
};

struct DeclaredInput {
  std::string name;
  rt::DType dtype = rt::DType::F32;
  std::optional<std::vector<DeclaredDim>> dims; // nothing: the file does not tell
};

// A shape for every input, from the declaration and --input-shapes. A leading open dimension becomes 1. All
// other open ones are reported in one error with the one flag that fixes them. `others` are inputs that no
// output needs; a flag may name them too.
Result<std::vector<Ints>> resolveInputShapes(const std::vector<DeclaredInput>& inputs,
                                             const std::vector<std::string>& others, ImportSession& session);

// The graph input of that shape; overriding a fixed declaration is a warning.
Result<Value> makeInput(const DeclaredInput& input, const Ints& dims, ImportSession& session);

// The error for a --inputs or --outputs that names no tensor.
Error unknownTensor(const std::string& flag, const std::string& name, std::span<const std::string> tensors);

} // namespace burin
