// TorchScript source as a tree. The language is the part of Python that torch.jit.save prints: statements,
// calls, attributes, subscripts and literals, no operators.
#pragma once

#include "lib/support/error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace burin::torch {

struct Expression {
  enum class Kind {
    Name,      // text
    Attribute, // children[0].text
    Subscript, // children[0][children[1]]
    Slice,     // children[0][children[1]:children[2]], absent ones are None
    Call,      // children[0](children[1...], names...)
    Integer,
    Real,
    Text,
    True,
    False,
    None,
    List,  // children
    Tuple, // children
    Dict,  // children: key, value, key, value, ...
    Minus, // -children[0]
  };
  Kind kind = Kind::None;
  int line = 0;
  int height = 1; // levels of the tree below, this one included
  std::string text;
  int64_t integer = 0;
  double real = 0;
  std::vector<std::unique_ptr<Expression>> children;
  std::vector<std::string> keywords; // names of the last children of a call
};
using ExpressionPtr = std::unique_ptr<Expression>;

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

struct Statement {
  enum class Kind {
    Assign,     // targets = value; a declaration without a value has none
    Expression, // value
    Return,     // value, may be absent
    If,         // value: body else otherwise
    While,      // value: body
    For,        // targets[0] in value: body
    Pass,
  };
  Kind kind = Kind::Pass;
  int line = 0;
  std::vector<ExpressionPtr> targets; // names or attributes
  bool unpacks = false;               // "a, b, = value", even for a single target
  ExpressionPtr value;
  Block body, otherwise;
};

struct Parameter {
  std::string name, type; // "Tensor", "Optional[Tensor]"
  ExpressionPtr fallback; // may be absent
};

struct FunctionDefinition {
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
  int line = 0;
};

struct ClassDefinition {
  std::string name, base;                                       // "Module", "NamedTuple", or nothing
  std::vector<std::pair<std::string, ExpressionPtr>> constants; // of Final attributes
  std::vector<std::string> fields;                              // declared without a value
  std::vector<FunctionDefinition> methods;
};

struct SourceFile {
  std::vector<FunctionDefinition> functions;
  std::vector<ClassDefinition> classes;
};

Result<SourceFile> parseSource(const std::string& text);

} // namespace burin::torch
