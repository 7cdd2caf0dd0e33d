// Expressions of TorchScript source, by recursive descent. The first error is kept; what follows then reads
// nothing.
#pragma once

#include "lib/import/torch/lexer.h"
#include "lib/import/torch/syntax.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace burin::torch {

class ExpressionParser {
public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

protected:
  using Kind = Expression::Kind;
  static constexpr int kMaxDepth = 400; // of expressions and blocks within each other

  struct Depth { // counts while it lives
    explicit Depth(ExpressionParser& counted);
    ~Depth() { --parser.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    ExpressionParser& parser;
  };

  // Tokens.
  const Token& token() const { return tokens_[at_]; }
  bool isKind(Token::Kind kind) const { return token().kind == kind; }
  bool isName(const char* name) const { return isKind(Token::Kind::Name) && token().text == name; }
  bool isMark(const char* mark) const { return isKind(Token::Kind::Mark) && token().text == mark; }
  void next();
  bool take(const char* mark);
  void need(const char* mark);
  void needNewline();
  std::string needName();
  void skipLine();
  bool failed() const { return error_.has_value(); }
  void fail(const std::string& what);
  void expected(const std::string& what);

  ExpressionPtr parseExpression();
  // "a" or, without parentheses, "a, b".
  ExpressionPtr parseList();
  // Types are kept as text.
  std::string parseType();

  std::optional<Error> error_;

private:
  ExpressionPtr make(Kind kind, std::string text = {});
  void adopt(Expression& parent, ExpressionPtr child);
  ExpressionPtr wrap(Kind kind, ExpressionPtr inner, std::string text = {});
  ExpressionPtr parsePrimary();
  void parseItems(Expression& e, const char* close);
  ExpressionPtr parseParentheses();
  ExpressionPtr parseDict();
  ExpressionPtr parseCall(ExpressionPtr callee);
  ExpressionPtr parseSubscript(ExpressionPtr of);

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

} // namespace burin::torch
