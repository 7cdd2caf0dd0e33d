// Class labels and ranks of class scores.
#pragma once

#include "lib/support/error.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace burin {

// Rows "<file> <class>", the file's name as in the data directory. Empty lines and lines that start with '#'
// are skipped.
class ClassLabels {
public:
  static Result<ClassLabels> load(const std::string& path);
  static Result<ClassLabels> parse(std::string_view text); // errors name the line

  // By name, or by name without folders.
  std::optional<int64_t> find(const std::string& file) const;
  size_t size() const { return classes_.size(); }

private:
  Status addRow(std::string_view line, size_t number);
  std::unordered_map<std::string, int64_t> classes_;
};

// How many scores come before scores[index]: higher ones, and equal ones of lower index. Rank 0 is the first
// class.
size_t rankOf(std::span<const float> scores, size_t index);
size_t firstClass(std::span<const float> scores);
std::optional<size_t> findNan(std::span<const float> scores);

} // namespace burin
