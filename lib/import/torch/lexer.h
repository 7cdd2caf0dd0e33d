// Words of TorchScript source. Indentation becomes tokens of its own, as in Python.
#pragma once

#include "lib/support/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace burin::torch {

struct Token {
  enum class Kind { Name, Integer, Real, Text, Mark, Newline, Indent, Dedent, End };
  Kind kind = Kind::End;
  int line = 0;
  std::string text; // of names and marks ("(", "->"); the value of a string
  int64_t integer = 0;
  double real = 0;
};

Result<std::vector<Token>> tokenize(const std::string& source);

} // namespace burin::torch
