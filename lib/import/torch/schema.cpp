#include "lib/import/torch/schema.h"

#include <algorithm>
#include <cstdlib>

namespace burin::torch {

namespace {
using Kind = ArgumentType::Kind;

std::string trimmed(std::string s) {
  s.erase(0, s.find_first_not_of(' '));
  s.erase(s.find_last_not_of(' ') + 1);
  return s;
}

// At commas outside brackets.
std::vector<std::string> splitList(const std::string& text) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  for (char c : text) {
    depth += (c == '[') - (c == ']');
    if (c == ',' && depth == 0) {
      parts.push_back(trimmed(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!trimmed(part).empty()) parts.push_back(trimmed(part));
  return parts;
}

ArgumentType parseType(std::string text) {
  ArgumentType type;
  if (text == "any...") {
    type.isList = type.takesRest = true;
    return type;
  }
  if (text.ends_with("?")) type.isOptional = true, text.pop_back();
  if (size_t bracket = text.find('['); bracket != std::string::npos) {
    type.isList = true;
    type.acceptsItem = text[bracket + 1] != ']';
    text.resize(bracket);
    if (text.ends_with("?")) type.itemsOptional = true, text.pop_back();
  }
  type.kind = text == "Tensor"   ? Kind::Tensor
              : text == "int"    ? Kind::Int
              : text == "float"  ? Kind::Float
              : text == "bool"   ? Kind::Bool
              : text == "str"    ? Kind::Text
              : text == "Scalar" ? Kind::Scalar
                                 : Kind::Any;
  return type;
}

bool fitsItem(Kind kind, const Data& data) {
  if (isUnknown(data)) return true;
  switch (kind) {
  case Kind::Any:
    return true;
  case Kind::Tensor:
    return pointer<Tensor>(data);
  case Kind::Int:
    return integerOf(data).has_value();
  case Kind::Float:
  case Kind::Scalar:
    return realOf(data).has_value();
  case Kind::Bool:
    return as<bool>(data);
  case Kind::Text:
    return text(data);
  }
  return false;
}

bool fits(const ArgumentType& type, const Data& data) {
  if (isUnknown(data) || (type.isOptional && isNone(data))) return true;
  if (!type.isList) return fitsItem(type.kind, data);
  const List* list = pointer<List>(data);
  if (!list) return type.acceptsItem && fitsItem(type.kind, data);
  return std::all_of(list->items.begin(), list->items.end(), [&](const Data& item) {
    return (type.itemsOptional && isNone(item)) || fitsItem(type.kind, item);
  });
}

Data literal(const std::string& text, Heap& heap) {
  if (text == "None") return {};
  if (text == "True" || text == "False") return text == "True";
  if (text.starts_with("[")) {
    List* list = heap.list();
    for (const std::string& item : splitList(text.substr(1, text.size() - 2)))
      list->items.push_back(literal(item, heap));
    return list;
  }
  bool isNumber = std::isdigit(static_cast<unsigned char>(text.back())) || text.back() == '.';
  if (!isNumber) return heap.text(text);
  if (text.find_first_of(".e") == std::string::npos) return static_cast<int64_t>(std::atoll(text.c_str()));
  return std::strtod(text.c_str(), nullptr);
}
} // namespace

Schema parseSchema(const std::string& text) {
  Schema schema;
  size_t open = text.find('('), arrow = text.find(" -> "), close = text.rfind(')', arrow);
  schema.name = text.substr(0, open);
  bool keywordOnly = false;
  for (const std::string& part : splitList(text.substr(open + 1, close - open - 1))) {
    if (part == "*") {
      keywordOnly = true;
      continue;
    }
    size_t space = part.find(' '), equals = part.find('=');
    SchemaParameter p;
    p.type = parseType(part.substr(0, space));
    p.name = part.substr(space + 1, equals == std::string::npos ? equals : equals - space - 1);
    if (equals != std::string::npos) p.fallback = part.substr(equals + 1);
    p.keywordOnly = keywordOnly;
    schema.parameters.push_back(std::move(p));
  }
  if (arrow == std::string::npos) return schema;
  std::string results = text.substr(arrow + 4);
  schema.givesList = results.ends_with("[]");
  schema.results = static_cast<int>(std::count(results.begin(), results.end(), ',')) + 1;
  return schema;
}

std::optional<std::vector<Data>> bindArguments(const Schema& schema, const std::vector<Argument>& arguments,
                                               Heap& heap) {
  const auto& parameters = schema.parameters;
  std::vector<Data> bound(parameters.size());
  std::vector<bool> given(parameters.size(), false);
  size_t next = 0;
  for (const Argument& argument : arguments) {
    size_t at = next;
    if (argument.name.empty() && at < parameters.size() && parameters[at].type.takesRest) {
      if (!given[at]) bound[at] = heap.list(), given[at] = true;
      pointer<List>(bound[at])->items.push_back(argument.value);
      continue;
    }
    if (argument.name.empty()) {
      if (at >= parameters.size() || parameters[at].keywordOnly) return std::nullopt;
      ++next;
    } else {
      auto it = std::find_if(parameters.begin(), parameters.end(),
                             [&](auto& p) { return p.name == argument.name; });
      if (it == parameters.end()) return std::nullopt;
      at = static_cast<size_t>(it - parameters.begin());
    }
    if (given[at] || !fits(parameters[at].type, argument.value)) return std::nullopt;
    bound[at] = argument.value, given[at] = true;
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (given[i]) continue;
    if (!parameters[i].fallback) return std::nullopt;
    bound[i] = literal(*parameters[i].fallback, heap);
  }
  return bound;
}

} // namespace burin::torch
