// A ProgramDesc and its parameters as they lie in the files.
#pragma once

#include "lib/import/stored_tensor.h"
#include "lib/support/file.h"
#include "schema/paddle.pb.h"

#include <map>
#include <set>
#include <unordered_map>

namespace burin::paddle {

// Element type of a program tensor for a VarType; double reads as f32.
Result<rt::DType> elementType(int32_t type);

struct Program {
  paddlepb::ProgramDesc desc;
  std::unordered_map<std::string, const paddlepb::VarDesc*> variables; // of every block
  std::set<std::string> parameters;                                    // in the order of the combined file

  // As declared, -1: open; null for a name without a tensor type.
  const paddlepb::VarType::TensorDesc* tensor(const std::string& name) const;
};

// Null is never returned; the bytes need not outlive the program.
Result<std::shared_ptr<const Program>> parseProgram(std::span<const char> bytes);

using Parameters = std::map<std::string, StoredTensor>;

// The tensors of one stream, which has to hold exactly these names in this order.
Result<Parameters> readCombined(const Program& program, std::span<const char> bytes,
                                std::shared_ptr<const void> owner);

// One file per parameter below `folder`, as models before 1.0 were saved.
Result<Parameters> readSeparate(const Program& program, const std::string& folder);

} // namespace burin::paddle
