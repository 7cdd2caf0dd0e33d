// PREFIX-symbol.json: nodes with text attributes over each other's results.
#pragma once

#include "lib/support/error.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace burin::mxnet {

struct Entry {
  size_t node = 0, output = 0;
};

struct SymbolNode {
  std::string op, name; // op "null": a variable
  std::map<std::string, std::string> attributes;
  std::vector<Entry> inputs;
};

struct Symbol {
  std::vector<SymbolNode> nodes;
  std::vector<Entry> heads;
  int64_t version = 0; // 10900 is 1.9.0; 0: not said
};

// Every entry of the result names a node that stands before its reader.
Result<Symbol> parseSymbol(std::span<const char> json);

} // namespace burin::mxnet
