// Strict reading of a JSON object: every key must be known, present and of its type. The first error is kept
// with the path of its key; later reads return defaults, so callers check once at the end.
#pragma once

#include "lib/support/error.h"

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace burin {

using Json = nlohmann::ordered_json;

class JsonReader {
public:
  // `key` is the path of `value`, empty for the root. A value that is no object is an error.
  JsonReader(std::optional<Error>& error, const Json& value, std::string key,
             std::initializer_list<std::string_view> known);

  JsonReader object(const char* key, std::initializer_list<std::string_view> known) const;
  const Json* find(const char* key) const; // no error when absent
  const Json& require(const char* key) const;

  std::string text(const char* key) const;
  double number(const char* key, double low, double high) const;
  int64_t integer(const char* key, int64_t low, int64_t high) const;

  // Reads a name through `parse`, an overload set as bool(std::string_view, Enum&).
  template <class Enum, class Parse>
  Enum named(const char* key, Parse parse) const {
    Enum value{};
    const std::string name = text(key);
    if (!failed() && !parse(name, value)) report(key, "has no value \"" + name + "\"");
    return value;
  }

  bool failed() const { return error_.has_value(); }
  void report(const std::string& key, const std::string& message) const;
  std::string path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  std::optional<Error>& error() const { return error_; }

private:
  std::optional<Error>& error_;
  const Json& value_;
  std::string path_;
};

} // namespace burin
