#include "lib/import/torch/expression_parser.h"

namespace burin::torch {

namespace {
constexpr const char* kDamaged = "the file is damaged; save it again";
} // namespace

ExpressionParser::Depth::Depth(ExpressionParser& counted) : parser(counted) {
  if (++parser.depth_ > kMaxDepth) parser.fail("is nested too deeply");
}

void ExpressionParser::next() {
  if (at_ + 1 < tokens_.size()) ++at_;
}
bool ExpressionParser::take(const char* mark) {
  if (failed() || !isMark(mark)) return false;
  next();
  return true;
}
void ExpressionParser::need(const char* mark) {
  if (!take(mark)) expected(fmt::format("'{}'", mark));
}
void ExpressionParser::needNewline() {
  if (failed() || !isKind(Token::Kind::Newline)) return expected("the end of the line");
  next();
}
std::string ExpressionParser::needName() {
  std::string name = token().text;
  if (failed() || !isKind(Token::Kind::Name)) return expected("a name"), std::string();
  next();
  return name;
}
void ExpressionParser::skipLine() {
  while (!isKind(Token::Kind::Newline) && !isKind(Token::Kind::End)) next();
  next();
}
void ExpressionParser::fail(const std::string& what) {
  if (!error_)
    error_ = Error{ErrorCode::Input, {}, {}, fmt::format("line {}: {}", token().line, what), kDamaged};
}
void ExpressionParser::expected(const std::string& what) {
  const char* names[] = {"",
                         "",
                         "",
                         "a string",
                         "",
                         "the end of the line",
                         "an indented line",
                         "the end of the block",
                         "the end of the file"};
  std::string found = names[static_cast<int>(token().kind)];
  fail(fmt::format("{} is expected, not {}", what, found.empty() ? "'" + token().text + "'" : found));
}

ExpressionPtr ExpressionParser::make(Kind kind, std::string text) {
  auto e = std::make_unique<Expression>();
  e->kind = kind, e->line = token().line, e->text = std::move(text);
  return e;
}
// A long chain of calls is a high tree, too, though it nests nothing in the text.
void ExpressionParser::adopt(Expression& parent, ExpressionPtr child) {
  parent.height = std::max(parent.height, child->height + 1);
  if (parent.height > kMaxDepth) fail("is nested too deeply");
  parent.children.push_back(std::move(child));
}
ExpressionPtr ExpressionParser::parseExpression() {
  Depth depth(*this);
  if (failed()) return make(Kind::None);
  if (take("-")) {
    ExpressionPtr e = make(Kind::Minus);
    adopt(*e, parseExpression());
    return e;
  }
  ExpressionPtr e = parsePrimary();
  while (!failed()) {
    if (take("."))
      e = wrap(Kind::Attribute, std::move(e), needName());
    else if (take("("))
      e = parseCall(std::move(e));
    else if (take("["))
      e = parseSubscript(std::move(e));
    else
      break;
  }
  return e;
}
ExpressionPtr ExpressionParser::wrap(Kind kind, ExpressionPtr inner, std::string text) {
  ExpressionPtr e = make(kind, std::move(text));
  adopt(*e, std::move(inner));
  return e;
}
ExpressionPtr ExpressionParser::parsePrimary() {
  const Token& t = token();
  ExpressionPtr e;
  if (t.kind == Token::Kind::Name) {
    e = t.text == "True"    ? make(Kind::True)
        : t.text == "False" ? make(Kind::False)
        : t.text == "None"  ? make(Kind::None)
                            : make(Kind::Name, t.text);
  } else if (t.kind == Token::Kind::Integer) {
    e = make(Kind::Integer), e->integer = t.integer;
  } else if (t.kind == Token::Kind::Real) {
    e = make(Kind::Real), e->real = t.real;
  } else if (t.kind == Token::Kind::Text) {
    e = make(Kind::Text, t.text);
  } else if (take("(")) {
    return parseParentheses();
  } else if (take("[")) {
    e = make(Kind::List);
    parseItems(*e, "]");
    return e;
  } else if (take("{")) {
    return parseDict();
  } else {
    expected("a value");
    return make(Kind::None);
  }
  next();
  return e;
}
// Up to the closing mark, which may follow a comma.
void ExpressionParser::parseItems(Expression& e, const char* close) {
  while (!failed() && !take(close)) {
    adopt(e, parseExpression());
    if (take(close)) break;
    need(",");
  }
}
ExpressionPtr ExpressionParser::parseParentheses() { // a value in parentheses, or a tuple
  ExpressionPtr tuple = make(Kind::Tuple);
  if (take(")")) return tuple;
  ExpressionPtr first = parseExpression();
  if (take(")")) return first;
  need(",");
  adopt(*tuple, std::move(first));
  parseItems(*tuple, ")");
  return tuple;
}
ExpressionPtr ExpressionParser::parseDict() {
  ExpressionPtr e = make(Kind::Dict);
  while (!failed() && !take("}")) {
    adopt(*e, parseExpression());
    need(":");
    adopt(*e, parseExpression());
    if (take("}")) break;
    need(",");
  }
  return e;
}
ExpressionPtr ExpressionParser::parseCall(ExpressionPtr callee) {
  ExpressionPtr e = wrap(Kind::Call, std::move(callee));
  while (!failed() && !take(")")) {
    bool isKeyword = isKind(Token::Kind::Name) && tokens_[at_ + 1].kind == Token::Kind::Mark &&
                     tokens_[at_ + 1].text == "=";
    if (isKeyword) {
      e->keywords.push_back(needName());
      need("=");
    } else if (!e->keywords.empty()) {
      expected("a keyword argument");
    }
    adopt(*e, parseExpression());
    if (take(")")) break;
    need(",");
  }
  return e;
}
ExpressionPtr ExpressionParser::parseSubscript(ExpressionPtr of) { // types have several: Dict[str, Tensor]
  ExpressionPtr e = wrap(Kind::Subscript, std::move(of));
  adopt(*e, isMark(":") ? make(Kind::None) : parseExpression());
  if (take(":")) {
    e->kind = Kind::Slice;
    adopt(*e, isMark("]") ? make(Kind::None) : parseExpression());
  }
  while (take(",")) adopt(*e, parseExpression());
  need("]");
  return e;
}

std::string ExpressionParser::parseType() {
  size_t begin = at_;
  parseExpression();
  std::string text;
  for (size_t i = begin; i < at_; ++i) text += tokens_[i].text;
  return text;
}

ExpressionPtr ExpressionParser::parseList() {
  ExpressionPtr first = parseExpression();
  if (!isMark(",")) return first;
  ExpressionPtr e = wrap(Kind::Tuple, std::move(first));
  while (take(","))
    if (!isKind(Token::Kind::Newline)) adopt(*e, parseExpression());
  return e;
}

} // namespace burin::torch
