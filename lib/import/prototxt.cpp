#include "lib/import/prototxt.h"

#include <fmt/format.h>

namespace burin {

bool TextMessage::has(std::string_view name) const { return find(name) != nullptr; }

size_t TextMessage::count(std::string_view name) const {
  size_t found = 0;
  for (const TextField& field : fields_) found += field.name == name;
  return found;
}

const TextField* TextMessage::find(std::string_view name) const {
  for (auto it = fields_.rbegin(); it != fields_.rend(); ++it)
    if (it->name == name) return &*it;
  return nullptr;
}

std::string TextMessage::text(std::string_view name) const {
  const TextField* field = find(name);
  return field ? field->value : std::string();
}

std::vector<std::string> TextMessage::texts(std::string_view name) const {
  std::vector<std::string> values;
  for (const TextField& field : fields_)
    if (field.name == name && !field.message) values.push_back(field.value);
  return values;
}

const TextMessage& TextMessage::message(std::string_view name) const {
  static const TextMessage kEmpty;
  const TextField* field = find(name);
  return field && field->message ? *field->message : kEmpty;
}

std::vector<const TextMessage*> TextMessage::messages(std::string_view name) const {
  std::vector<const TextMessage*> found;
  for (const TextField& field : fields_)
    if (field.name == name && field.message) found.push_back(field.message.get());
  return found;
}

namespace {
bool isWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '+' || c == '-';
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

class Parser {
public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<TextMessage> run() {
    TextMessage top;
    BURIN_CHECK(readFields(top, '\0', 0));
    return top;
  }

private:
  tl::unexpected<Error> wrong(const std::string& message) const {
    return fail(ErrorCode::Input, fmt::format("line {}: {}", line_, message),
                "the file is no network description in protobuf's text form, or it is damaged");
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skipSpace() {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '#')
        while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      else if (text_[at_] == '\n')
        ++line_;
      else if (text_[at_] != ' ' && text_[at_] != '\t' && text_[at_] != '\r' && text_[at_] != '\f')
        return;
    }
  }

  bool take(char c) {
    skipSpace();
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  std::string word() {
    skipSpace();
    size_t begin = at_;
    while (at_ < text_.size() && isWord(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  // Fields up to `end` ('\0': the end of the text).
  Status readFields(TextMessage& into, char end, int depth) {
    if (depth > kMaxPrototxtDepth)
      return wrong(fmt::format("messages are nested deeper than {}", kMaxPrototxtDepth));
    for (;;) {
      skipSpace();
      if (at_ >= text_.size()) {
        if (end) return wrong(fmt::format("the file ends where '{}' is missing", end));
        return {};
      }
      if (end && take(end)) return {};
      BURIN_CHECK(readField(into, depth));
      if (!take(',')) take(';');
    }
  }

  Status readField(TextMessage& into, int depth) {
    TextField field;
    BURIN_ASSIGN(field.name, fieldName());
    bool colon = take(':');
    skipSpace();
    if (peek() == '{' || peek() == '<') return readMessage(into, std::move(field), depth);
    if (!colon) return wrong(fmt::format("':' or '{{' is missing after '{}'", field.name));
    if (take('[')) return readList(into, field.name, depth);
    return readScalar(into, std::move(field));
  }

  // A plain name, or that of an extension in brackets.
  Result<std::string> fieldName() {
    bool bracket = take('[');
    std::string name = word();
    while (bracket && take('/')) name += "/" + word();
    if (bracket && !take(']')) return wrong("']' is missing after an extension's name");
    if (name.empty()) return wrong(fmt::format("a field name is expected, not '{}'", printable(peek())));
    return name;
  }

  static std::string printable(char c) {
    return c >= 32 && c < 127 ? std::string(1, c) : fmt::format("byte {}", static_cast<unsigned char>(c));
  }

  Status readMessage(TextMessage& into, TextField field, int depth) {
    field.line = line_;
    field.message = std::make_unique<TextMessage>();
    char end = take('{') ? '}' : (take('<'), '>');
    BURIN_CHECK(readFields(*field.message, end, depth + 1));
    into.fields().push_back(std::move(field));
    return {};
  }

  Status readList(TextMessage& into, const std::string& name, int depth) {
    if (take(']')) return {};
    do {
      TextField field;
      field.name = name;
      skipSpace();
      bool isMessage = peek() == '{' || peek() == '<';
      BURIN_CHECK(isMessage ? readMessage(into, std::move(field), depth)
                            : readScalar(into, std::move(field)));
    } while (take(','));
    if (!take(']')) return wrong(fmt::format("']' is missing after the list '{}'", name));
    return {};
  }

  Status readScalar(TextMessage& into, TextField field) {
    skipSpace();
    field.line = line_;
    if (peek() == '"' || peek() == '\'') {
      // Neighbouring strings are one.
      while (peek() == '"' || peek() == '\'') {
        BURIN_CHECK(readString(field.value));
        skipSpace();
      }
    } else {
      field.value = word();
      if (field.value.empty()) return wrong(fmt::format("field '{}' has no value", field.name));
      if (field.value == "-") field.value += word(); // "- 1"
    }
    into.fields().push_back(std::move(field));
    return {};
  }

  Status readString(std::string& into) {
    char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        into.push_back(escaped());
      } else {
        into.push_back(text_[at_++]);
      }
    }
    if (at_ >= text_.size() || text_[at_] != quote) return wrong("a string is not closed");
    ++at_;
    return {};
  }

  // What follows a backslash.
  char escaped() {
    char c = text_[at_++];
    int value = 0, digits = 0;
    if (c == 'x' || c == 'X') {
      for (; digits < 2 && hexDigit(peek()) >= 0; ++digits) value = value * 16 + hexDigit(text_[at_++]);
      return static_cast<char>(value);
    }
    if (c >= '0' && c <= '7') {
      value = c - '0';
      for (digits = 1; digits < 3 && peek() >= '0' && peek() <= '7'; ++digits)
        value = value * 8 + (text_[at_++] - '0');
      return static_cast<char>(value);
    }
    constexpr std::string_view kNames = "abfnrtv", kValues = "\a\b\f\n\r\t\v";
    size_t known = kNames.find(c);
    return known == std::string_view::npos ? c : kValues[known];
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
};
} // namespace

Result<TextMessage> parsePrototxt(std::string_view text, const std::string& remedy) {
  if (text.size() > kMaxPrototxtBytes)
    return fail(
        ErrorCode::Input,
        fmt::format("is larger than {} MB, too much for a network description", kMaxPrototxtBytes >> 20),
        remedy);
  return Parser(text).run();
}

} // namespace burin
