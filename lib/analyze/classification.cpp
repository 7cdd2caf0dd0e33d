#include "lib/analyze/classification.h"

#include "lib/support/file.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace burin {

namespace {
constexpr std::string_view kBlank = " \t\r";

std::string_view trim(std::string_view text) {
  size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}
} // namespace

Status ClassLabels::addRow(std::string_view line, size_t number) {
  line = trim(line);
  if (line.empty() || line.front() == '#') return {};
  auto bad = [&](const std::string& what) {
    return fail(ErrorCode::Input, "line " + std::to_string(number) + ": " + what,
                "write rows of the form 'picture.jpg 17'");
  };
  size_t space = line.find_last_of(kBlank);
  if (space == std::string_view::npos) return bad("no class after the file's name");
  std::string_view digits = line.substr(space + 1);
  int64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0)
    return bad("'" + std::string(digits) + "' is no class index");
  auto [row, added] = classes_.emplace(trim(line.substr(0, space)), value);
  if (!added && row->second != value) return bad("'" + row->first + "' has another class further up");
  return {};
}

Result<ClassLabels> ClassLabels::parse(std::string_view text) {
  ClassLabels labels;
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    BURIN_CHECK(labels.addRow(text.substr(0, end), number));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (labels.classes_.empty())
    return fail(ErrorCode::Input, "no labels", "write rows of the form 'picture.jpg 17'");
  return labels;
}

Result<ClassLabels> ClassLabels::load(const std::string& path) {
  BURIN_ASSIGN(std::string text, readTextFile(path));
  auto labels = parse(text);
  if (!labels) return tl::unexpected(inFile(labels.error(), path));
  return labels;
}

std::optional<int64_t> ClassLabels::find(const std::string& file) const {
  auto it = classes_.find(file);
  if (it == classes_.end()) it = classes_.find(file.substr(file.find_last_of('/') + 1));
  if (it == classes_.end()) return std::nullopt;
  return it->second;
}

size_t rankOf(std::span<const float> scores, size_t index) {
  size_t rank = 0;
  for (size_t i = 0; i < scores.size(); ++i)
    rank += scores[i] > scores[index] || (scores[i] == scores[index] && i < index);
  return rank;
}

size_t firstClass(std::span<const float> scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

std::optional<size_t> findNan(std::span<const float> scores) {
  auto it = std::ranges::find_if(scores, [](float v) { return std::isnan(v); });
  if (it == scores.end()) return std::nullopt;
  return static_cast<size_t>(it - scores.begin());
}

} // namespace burin
