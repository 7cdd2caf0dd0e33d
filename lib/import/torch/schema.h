// Signatures of operators in PyTorch's own notation:
//   "sum(Tensor self, int[1]? dim, bool keepdim=False, *, int? dtype=None) -> Tensor"
// They say how arguments are bound, which overload a call means, and how many results there are.
#pragma once

#include "lib/import/torch/data.h"

namespace burin::torch {

struct ArgumentType {
  enum class Kind { Tensor, Int, Float, Bool, Text, Scalar, Any };
  Kind kind = Kind::Any;
  bool isOptional = false; // of the list, for a list
  bool isList = false;
  bool itemsOptional = false; // Tensor?[]
  bool acceptsItem = false;   // int[2]: a single number stands for all
  bool takesRest = false;     // any...: a list of all arguments that are left
};

struct SchemaParameter {
  ArgumentType type;
  std::string name;
  std::optional<std::string> fallback; // as written: "None", "1", "[]", "True", "0.5", "mean"
  bool keywordOnly = false;
};

struct Schema {
  std::string name; // "sum"
  std::vector<SchemaParameter> parameters;
  int results = 1;
  bool givesList = false;
};

Schema parseSchema(const std::string& text);

struct Argument {
  std::string name; // empty: positional
  Data value;
};

// The arguments in the order of the parameters, or nothing when they do not fit.
std::optional<std::vector<Data>> bindArguments(const Schema& schema, const std::vector<Argument>& arguments,
                                               Heap& heap);

} // namespace burin::torch
