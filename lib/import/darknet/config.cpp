#include "lib/import/darknet/config.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

namespace burin::darknet {

std::string Section::text(const std::string& key, const std::string& fallback) const {
  auto it = options.find(key);
  return it == options.end() ? fallback : it->second;
}

namespace {
// Far from where sums and products of sizes overflow.
int64_t limited(const char* text) {
  constexpr long long kLimit = 1LL << 31;
  return std::clamp(std::strtoll(text, nullptr, 10), -kLimit, kLimit);
}
} // namespace

int64_t Section::integer(const std::string& key, int64_t fallback) const {
  return has(key) ? limited(options.at(key).c_str()) : fallback;
}

float Section::real(const std::string& key, float fallback) const {
  if (!has(key)) return fallback;
  float value = std::strtof(options.at(key).c_str(), nullptr);
  return std::isfinite(value) ? value : 0;
}

namespace {
template <class T, class Read>
std::vector<T> listOf(const std::string& list, const Read& read) {
  std::vector<T> values;
  for (size_t at = 0; at < list.size();) {
    values.push_back(read(list.c_str() + at));
    size_t comma = list.find(',', at);
    at = comma == std::string::npos ? list.size() : comma + 1;
  }
  return values;
}
} // namespace

std::vector<int64_t> Section::integers(const std::string& key) const {
  return listOf<int64_t>(text(key), limited);
}

std::vector<float> Section::reals(const std::string& key) const {
  return listOf<float>(text(key), [](const char* item) {
    float value = std::strtof(item, nullptr);
    return std::isfinite(value) ? value : 0;
  });
}

namespace {
// Without any white space, as Darknet reads lines.
std::string stripped(std::string_view line) {
  std::string text;
  for (char c : line)
    if (c != ' ' && c != '\t' && c != '\r') text += c;
  return text;
}

tl::unexpected<Error> wrong(int line, const std::string& message) {
  return fail(ErrorCode::Input, fmt::format("line {}: {}", line, message),
              "the file is no Darknet .cfg, or it is damaged");
}

Status readLine(const std::string& line, int number, std::vector<Section>& sections) {
  if (line[0] == '[') {
    size_t end = line.find(']');
    if (end == std::string::npos) return wrong(number, "']' is missing");
    if (sections.size() == kMaxSections)
      return wrong(number, fmt::format("more than {} sections", kMaxSections));
    Section section{line.substr(1, end - 1), number, {}};
    for (char& c : section.type)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    sections.push_back(std::move(section));
    return {};
  }
  size_t equals = line.find('=');
  if (equals == std::string::npos)
    return wrong(number, fmt::format("'{}' is neither [SECTION] nor KEY=VALUE", line.substr(0, 40)));
  if (sections.empty()) return wrong(number, "a value before the first section");
  sections.back().options[line.substr(0, equals)] = line.substr(equals + 1);
  return {};
}
} // namespace

Result<std::vector<Section>> parseConfig(std::string_view text) {
  if (text.size() > kMaxConfigBytes)
    return fail(ErrorCode::Input, "is too large for a Darknet .cfg", "give the .cfg, not the .weights");
  std::vector<Section> sections;
  int number = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string line = stripped(text.substr(at, end - at));
    at = end + 1;
    ++number;
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    BURIN_CHECK(readLine(line, number, sections));
  }
  if (sections.empty() || (sections[0].type != "net" && sections[0].type != "network"))
    return fail(ErrorCode::Input, "does not start with [net]", "give a Darknet .cfg");
  return sections;
}

} // namespace burin::darknet
