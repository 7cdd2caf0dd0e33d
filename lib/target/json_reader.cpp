#include "lib/target/json_reader.h"

#include <algorithm>

namespace burin {

namespace {
const Json kNull;
}

JsonReader::JsonReader(std::optional<Error>& error, const Json& value, std::string key,
                       std::initializer_list<std::string_view> known)
    : error_(error), value_(value), path_(std::move(key)) {
  if (failed()) return;
  if (!value_.is_object()) {
    error_ = Error{ErrorCode::Input, {}, path_, "expected an object", {}};
    return;
  }
  for (const auto& [name, ignored] : value_.items())
    if (std::find(known.begin(), known.end(), name) == known.end()) report(name, "is not a known key");
}

void JsonReader::report(const std::string& key, const std::string& message) const {
  if (failed()) return;
  error_ = Error{
      ErrorCode::Input, {}, path(key), message, "see schema/target.schema.json and docs/adding-a-target.md"};
}

const Json* JsonReader::find(const char* key) const {
  if (failed()) return nullptr;
  const auto it = value_.find(key);
  return it == value_.end() ? nullptr : &*it;
}

const Json& JsonReader::require(const char* key) const {
  const Json* found = find(key);
  if (!found) report(key, "is missing");
  return found ? *found : kNull;
}

JsonReader JsonReader::object(const char* key, std::initializer_list<std::string_view> known) const {
  const Json& value = require(key);
  return JsonReader(error_, value, path(key), known);
}

std::string JsonReader::text(const char* key) const {
  const Json& value = require(key);
  if (failed()) return {};
  if (value.is_string()) return value.get<std::string>();
  report(key, "must be a string");
  return {};
}

double JsonReader::number(const char* key, double low, double high) const {
  const Json& value = require(key);
  if (failed()) return low;
  const double result = value.is_number() ? value.get<double>() : low - 1;
  if (result >= low && result <= high) return result;
  report(key, "must be a number from " + Json(low).dump() + " to " + Json(high).dump());
  return low;
}

int64_t JsonReader::integer(const char* key, int64_t low, int64_t high) const {
  const Json& value = require(key);
  if (failed()) return low;
  // A number beyond int64 reads as unsigned or as a float; as double it is out of any range asked for here.
  const bool whole = value.is_number_integer() && value.get<double>() >= static_cast<double>(low) &&
                     value.get<double>() <= static_cast<double>(high);
  if (whole) return value.get<int64_t>();
  report(key, "must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
  return low;
}

} // namespace burin
