#include "lib/import/torch/lexer.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <string_view>

namespace burin::torch {

namespace {
bool isNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool isDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }

class Lexer {
public:
  explicit Lexer(const std::string& source) : source_(source) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) {
      if (atLineStart_ && nesting_ == 0) BURIN_CHECK(readIndentation());
      if (at_ >= source_.size()) break;
      BURIN_CHECK(readToken());
    }
    if (!tokens_.empty() && tokens_.back().kind != Token::Kind::Newline) add(Token::Kind::Newline);
    for (; indents_.size() > 1; indents_.pop_back()) add(Token::Kind::Dedent);
    add(Token::Kind::End);
    return std::move(tokens_);
  }

private:
  tl::unexpected<Error> bad(const std::string& what) const {
    return fail(ErrorCode::Input, fmt::format("line {}: {}", line_, what),
                "the file is damaged; save it again");
  }
  char peek(size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  Token& add(Token::Kind kind, std::string text = {}) {
    return tokens_.emplace_back(Token{kind, line_, std::move(text)});
  }

  // Blank lines and comments do not count.
  Status readIndentation() {
    size_t width = 0;
    for (; peek() == ' '; ++at_) ++width;
    if (peek() == '\n' || peek() == '#' || peek() == '\r' || at_ >= source_.size()) {
      while (at_ < source_.size() && peek() != '\n') ++at_;
      if (at_ < source_.size()) ++at_, ++line_;
      return {};
    }
    atLineStart_ = false;
    if (width > indents_.back()) {
      indents_.push_back(width);
      add(Token::Kind::Indent);
    }
    for (; width < indents_.back(); indents_.pop_back()) add(Token::Kind::Dedent);
    if (width != indents_.back()) return bad("its indentation fits no line before it");
    return {};
  }

  Status readToken() {
    char c = peek();
    if (atLineStart_ && nesting_ == 0) return {}; // a blank line was skipped
    if (c == '\n') return endLine();
    if (c == ' ' || c == '\t' || c == '\r') return ++at_, Status();
    if (c == '#') {
      while (at_ < source_.size() && peek() != '\n') ++at_;
      return {};
    }
    if (isNameStart(c)) {
      size_t begin = at_;
      while (isNameStart(peek()) || isDigit(peek())) ++at_;
      add(Token::Kind::Name, source_.substr(begin, at_ - begin));
      return {};
    }
    if (isDigit(c) || (c == '.' && isDigit(peek(1)))) return readNumber();
    if (c == '"' || c == '\'') return readText(c);
    return readMark();
  }

  Status endLine() {
    ++at_;
    if (nesting_ == 0) {
      add(Token::Kind::Newline);
      atLineStart_ = true;
    }
    ++line_;
    return {};
  }

  Status readNumber() {
    size_t begin = at_;
    bool isReal = false;
    for (;; ++at_) {
      char c = peek(), before = at_ > begin ? source_[at_ - 1] : '\0';
      bool exponentSign = (c == '+' || c == '-') && (before == 'e' || before == 'E');
      if (c == '.' || c == 'e' || c == 'E')
        isReal = true;
      else if (!isDigit(c) && !exponentSign)
        break;
    }
    std::string_view word = std::string_view(source_).substr(begin, at_ - begin);
    if (peek() == 'j') return bad("complex numbers are not supported");
    Token& token = add(isReal ? Token::Kind::Real : Token::Kind::Integer, std::string(word));
    const char* end = word.data() + word.size();
    auto result = isReal ? std::from_chars(word.data(), end, token.real)
                         : std::from_chars(word.data(), end, token.integer);
    // 9223372036854775808 stands behind a minus for the smallest integer.
    if (!isReal && result.ec == std::errc::result_out_of_range)
      token.integer = std::numeric_limits<int64_t>::max();
    else if (isReal && result.ec == std::errc::result_out_of_range)
      token.real = word.find('-') == std::string_view::npos ? std::numeric_limits<double>::infinity() : 0;
    else if (result.ec != std::errc() || result.ptr != end)
      return bad(fmt::format("'{}' is no number", word));
    return {};
  }

  Status readText(char quote) {
    std::string value;
    for (++at_; peek() != quote; ++at_) {
      if (at_ >= source_.size() || peek() == '\n') return bad("a string does not end");
      if (peek() != '\\') {
        value += peek();
        continue;
      }
      ++at_;
      BURIN_CHECK(readEscape(value));
    }
    ++at_;
    add(Token::Kind::Text, std::move(value));
    return {};
  }

  // Behind the backslash; leaves the last character of the escape to be skipped.
  Status readEscape(std::string& value) {
    constexpr std::string_view kNames = "ntrabfv\\'\"", kValues = "\n\t\r\a\b\f\v\\'\"";
    if (size_t i = kNames.find(peek()); i != std::string_view::npos && peek())
      return value += kValues[i], Status();
    int base = peek() == 'x' ? 16 : 8;
    if (base == 16) ++at_;
    size_t count = base == 16 ? 2 : 3;
    if (source_.size() - at_ < count) return bad("a string does not end");
    unsigned char byte = 0;
    const char* digits = source_.data() + at_;
    auto result = std::from_chars(digits, digits + count, byte, base);
    if (result.ec != std::errc() || result.ptr != digits + count)
      return bad("a string holds an unknown escape");
    value += static_cast<char>(byte);
    at_ += count - 1;
    return {};
  }

  Status readMark() {
    char c = peek();
    if (c == '-' && peek(1) == '>') {
      at_ += 2;
      add(Token::Kind::Mark, "->");
      return {};
    }
    if (std::string_view("()[]{},:.=-*").find(c) == std::string_view::npos)
      return bad(
          fmt::format("the character {:#04x} is not part of TorchScript", static_cast<unsigned char>(c)));
    if (c == '(' || c == '[' || c == '{') ++nesting_;
    if ((c == ')' || c == ']' || c == '}') && nesting_ > 0) --nesting_;
    ++at_;
    add(Token::Kind::Mark, std::string(1, c));
    return {};
  }

  const std::string& source_;
  size_t at_ = 0;
  int line_ = 1;
  int nesting_ = 0;
  bool atLineStart_ = true;
  std::vector<size_t> indents_ = {0};
  std::vector<Token> tokens_;
};
} // namespace

Result<std::vector<Token>> tokenize(const std::string& source) { return Lexer(source).run(); }

} // namespace burin::torch
