#include "lib/import/mxnet/node.h"

#include <charconv>
#include <cstring>
#include <fmt/format.h>

namespace burin::mxnet {

namespace {
// The pieces between brackets and commas, without blanks and the L of long numbers.
std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> list;
  std::string piece;
  auto end = [&] {
    if (!piece.empty()) list.push_back(piece);
    piece.clear();
  };
  for (char c : text)
    if (c == ',')
      end();
    else if (!std::strchr("()[] \tL", c))
      piece += c;
  end();
  return list;
}

template <class T>
std::optional<T> number(const std::string& text) {
  T value{};
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  auto [end, status] = std::from_chars(begin, text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "3", and "3.0" where an operator of an older release wrote a float.
std::optional<int64_t> integerOf(const std::string& text) {
  if (auto value = number<int64_t>(text)) return value;
  auto real = number<double>(text);
  bool whole =
      real && *real == static_cast<double>(static_cast<int32_t>(*real > -2e9 && *real < 2e9 ? *real : 0));
  return whole ? std::optional(static_cast<int64_t>(*real)) : std::nullopt;
}
} // namespace

const std::string* Node::find(const char* name) const {
  auto it = node_.attributes.find(name);
  return it == node_.attributes.end() || it->second == "None" || it->second == "null" ? nullptr : &it->second;
}

void Node::malformed(const char* name) const {
  context_.invalid(fmt::format("attribute '{}' holds '{}'", name, find(name)->substr(0, 80)));
}

int64_t Node::integer(const char* name, int64_t fallback) const {
  const std::string* text = find(name);
  if (!text) return fallback;
  auto list = pieces(*text);
  auto value = list.size() == 1 ? integerOf(list.front()) : std::nullopt;
  if (!value) malformed(name);
  return value.value_or(fallback);
}

float Node::real(const char* name, float fallback) const {
  const std::string* text = find(name);
  if (!text) return fallback;
  auto value = number<double>(*text);
  if (!value) malformed(name);
  return value ? static_cast<float>(*value) : fallback;
}

bool Node::flag(const char* name, bool fallback) const {
  const std::string* text = find(name);
  if (!text) return fallback;
  if (*text == "True" || *text == "true" || *text == "1") return true;
  if (*text != "False" && *text != "false" && *text != "0") malformed(name);
  return false;
}

std::string Node::text(const char* name, const std::string& fallback) const {
  const std::string* text = find(name);
  return text ? *text : fallback;
}

std::vector<std::optional<int64_t>> Node::optionalInts(const char* name) const {
  std::vector<std::optional<int64_t>> values;
  const std::string* text = find(name);
  for (const std::string& piece : text ? pieces(*text) : std::vector<std::string>()) {
    std::optional<int64_t> value = piece == "None" ? std::nullopt : integerOf(piece);
    if (!value && piece != "None") malformed(name);
    values.push_back(value);
  }
  return values;
}

std::optional<int64_t> Node::optionalInt(const char* name) const {
  return find(name) ? std::optional(integer(name)) : std::nullopt;
}

Ints Node::ints(const char* name, const Ints& fallback) const {
  if (!find(name)) return fallback;
  Ints values;
  for (std::optional<int64_t> value : optionalInts(name)) {
    if (!value && !context_.failed()) malformed(name);
    values.push_back(value.value_or(0));
  }
  return values;
}

std::vector<float> Node::reals(const char* name, const std::vector<float>& fallback) const {
  const std::string* text = find(name);
  if (!text) return fallback;
  std::vector<float> values;
  for (const std::string& piece : pieces(*text)) {
    auto value = number<double>(piece);
    if (!value) malformed(name);
    values.push_back(static_cast<float>(value.value_or(0)));
  }
  return values;
}

std::optional<rt::DType> Node::dtype(const char* name, rt::DType fallback) const {
  const std::string* text = find(name);
  if (!text) return fallback;
  static const std::map<std::string, rt::DType> types = {
      {"float32", rt::DType::F32}, {"float64", rt::DType::F32}, {"float16", rt::DType::F16},
      {"uint8", rt::DType::U8},    {"int8", rt::DType::I8},     {"int32", rt::DType::I32},
      {"int64", rt::DType::I64},   {"bool", rt::DType::Bool},   {"bfloat16", rt::DType::BF16}};
  if (auto it = types.find(*text); it != types.end()) return it->second;
  malformed(name);
  return std::nullopt;
}

} // namespace burin::mxnet
