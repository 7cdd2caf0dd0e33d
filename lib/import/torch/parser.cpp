#include "lib/import/torch/expression_parser.h"

namespace burin::torch {

namespace {
class Parser : private ExpressionParser {
public:
  using ExpressionParser::ExpressionParser;

  Result<SourceFile> run() {
    SourceFile file;
    while (!failed() && !isKind(Token::Kind::End)) {
      if (isName("class"))
        file.classes.push_back(parseClass());
      else if (isName("def"))
        file.functions.push_back(parseFunction());
      else if (isName("import") || isName("from") || isKind(Token::Kind::Newline))
        skipLine();
      else
        expected("a class or a function");
    }
    if (error_) return tl::unexpected(*error_);
    return file;
  }

private:
  // Statements.
  Block parseBlock() {
    Depth depth(*this);
    Block block;
    need(":");
    needNewline();
    if (failed() || !isKind(Token::Kind::Indent)) return expected("an indented block"), Block();
    next();
    while (!failed() && !isKind(Token::Kind::Dedent)) block.push_back(parseStatement());
    next();
    return block;
  }
  std::unique_ptr<Statement> parseStatement() {
    auto s = std::make_unique<Statement>();
    s->line = token().line;
    if (isName("if")) {
      parseIf(*s);
    } else if (isName("while")) {
      next();
      s->kind = Statement::Kind::While;
      s->value = parseExpression();
      s->body = parseBlock();
    } else if (isName("for")) {
      parseFor(*s);
    } else {
      parseSimple(*s);
      needNewline();
    }
    return s;
  }
  void parseIf(Statement& s) {
    next();
    s.kind = Statement::Kind::If;
    s.value = parseExpression();
    s.body = parseBlock();
    if (isName("else")) {
      next();
      s.otherwise = parseBlock();
    }
  }
  void parseFor(Statement& s) {
    next();
    s.kind = Statement::Kind::For;
    s.targets.push_back(parseExpression());
    if (!isName("in")) return expected("'in'");
    next();
    s.value = parseExpression();
    s.body = parseBlock();
  }
  void parseSimple(Statement& s) {
    if (isName("pass") || isName("return")) {
      bool isReturn = isName("return");
      next();
      if (!isReturn) return;
      s.kind = Statement::Kind::Return;
      if (!isKind(Token::Kind::Newline)) s.value = parseList();
      return;
    }
    ExpressionPtr first = parseExpression();
    s.kind = Statement::Kind::Assign;
    s.targets.push_back(std::move(first));
    while (take(",")) {
      s.unpacks = true;
      if (isMark("=")) break;
      s.targets.push_back(parseExpression());
    }
    bool isTyped = take(":");
    if (isTyped) parseType();
    if (take("=")) {
      s.value = parseList();
    } else if (!isTyped && !s.unpacks) {
      s.kind = Statement::Kind::Expression;
      s.value = std::move(s.targets.front());
      s.targets.clear();
    }
  }
  // Definitions.
  FunctionDefinition parseFunction() {
    FunctionDefinition f;
    f.line = token().line;
    next();
    f.name = needName();
    need("(");
    while (!failed() && !take(")")) {
      if (take("*")) {
        need(",");
        continue;
      }
      Parameter p;
      p.name = needName();
      if (take(":")) p.type = parseType();
      if (take("=")) p.fallback = parseExpression();
      f.parameters.push_back(std::move(p));
      if (take(")")) break;
      need(",");
    }
    if (take("->")) parseType();
    f.body = parseBlock();
    return f;
  }
  ClassDefinition parseClass() {
    ClassDefinition c;
    next();
    c.name = needName();
    if (take("(")) {
      c.base = needName();
      need(")");
    }
    need(":");
    needNewline();
    if (failed() || !isKind(Token::Kind::Indent)) return expected("an indented block"), std::move(c);
    next();
    while (!failed() && !isKind(Token::Kind::Dedent)) {
      if (isName("def"))
        c.methods.push_back(parseFunction());
      else
        parseMember(c);
    }
    next();
    return c;
  }
  // "weight : Tensor", "stride : Final[int] = 2", "__annotations__["0"] = ...", "pass".
  void parseMember(ClassDefinition& c) {
    if (isName("pass")) return skipLine();
    ExpressionPtr target = parseExpression();
    bool plain = target->kind == Kind::Name;
    if (take(":")) parseType();
    ExpressionPtr value = take("=") ? parseExpression() : nullptr;
    if (plain && value)
      c.constants.emplace_back(target->text, std::move(value));
    else if (plain)
      c.fields.push_back(target->text);
    needNewline();
  }
};
} // namespace

Result<SourceFile> parseSource(const std::string& text) {
  BURIN_ASSIGN(std::vector<Token> tokens, tokenize(text));
  return Parser(std::move(tokens)).run();
}

} // namespace burin::torch
