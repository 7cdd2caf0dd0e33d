// The text form of the calibration table (the layout is in table.h).
#include "lib/calibrate/kl_divergence.h"
#include "lib/calibrate/table.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <unordered_set>

namespace burin {
namespace {

constexpr const char* kRowRemedy = "a row is: name threshold min max";

bool isSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && isSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && isSpace(text.back())) text.remove_suffix(1);
  return text;
}

// --- writing
// ---------------------------------------------------------------------------------------------------

bool needsQuotes(std::string_view name) {
  if (name.empty() || name.front() == '#') return true;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f || c == '"' || c == '\\') return true;
  }
  return false;
}

std::string quoted(std::string_view name) {
  if (!needsQuotes(name)) return std::string(name);
  std::string text = "\"";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      text += {'\\', c};
    else if (c == '\n')
      text += "\\n";
    else if (c == '\r')
      text += "\\r";
    else if (c == '\t')
      text += "\\t";
    else if (byte < ' ' || byte == 0x7f)
      text += fmt::format("\\x{:02x}", byte);
    else
      text += c;
  }
  return text + '"';
}

std::string number(float value) {
  std::string text = fmt::format("{:.7f}", value);
  float back = 0;
  std::from_chars(text.data(), text.data() + text.size(), back);
  return back == value ? text : fmt::format("{}", value);
}

void appendRow(std::string& text, const TensorRange& row) {
  text +=
      fmt::format("{} {} {} {}\n", quoted(row.name), number(row.threshold), number(row.min), number(row.max));
}

// --- reading
// ---------------------------------------------------------------------------------------------------

// Takes the last word off the line.
std::string_view takeLastWord(std::string_view& line) {
  line = trim(line);
  std::size_t begin = line.size();
  while (begin > 0 && !isSpace(line[begin - 1])) --begin;
  const std::string_view word = line.substr(begin);
  line = trim(line.substr(0, begin));
  return word;
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> unquoted(std::string_view text) {
  if (text.size() < 2 || text.back() != '"')
    return fail(ErrorCode::Input, "the quoted name has no end", "close it with \"");
  std::string name;
  const std::string_view body = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '"') return fail(ErrorCode::Input, "a quote inside a quoted name", "write it as \\\"");
    if (body[i] != '\\') {
      name += body[i];
      continue;
    }
    const char escape = ++i < body.size() ? body[i] : '\0';
    if (escape == '"' || escape == '\\')
      name += escape;
    else if (escape == 'n')
      name += '\n';
    else if (escape == 'r')
      name += '\r';
    else if (escape == 't')
      name += '\t';
    else if (escape == 'x' && i + 2 < body.size() && hexDigit(body[i + 1]) >= 0 &&
             hexDigit(body[i + 2]) >= 0) {
      name += static_cast<char>(hexDigit(body[i + 1]) * 16 + hexDigit(body[i + 2]));
      i += 2;
    } else
      return fail(ErrorCode::Input, "unknown escape in a quoted name", "use \\\" \\\\ \\n \\r \\t or \\xHH");
  }
  return name;
}

Result<float> parseNumber(std::string_view word, const char* column) {
  float value = 0;
  std::string_view digits = word;
  if (digits.size() > 1 && digits.front() == '+') digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || digits.empty() || error == std::errc::invalid_argument)
    return fail(ErrorCode::Input, fmt::format("{} '{}' is not a number", column, word.substr(0, 40)),
                kRowRemedy);
  if (error != std::errc() || !std::isfinite(value))
    return fail(ErrorCode::Input, fmt::format("{} '{}' does not fit a float", column, word.substr(0, 40)),
                "calibrate again, or correct the table");
  return value;
}

Result<TensorRange> parseRow(std::string_view line) {
  TensorRange row;
  const std::string_view maximum = takeLastWord(line);
  const std::string_view minimum = takeLastWord(line);
  const std::string_view threshold = takeLastWord(line);
  if (line.empty()) return fail(ErrorCode::Input, "fewer than four columns", kRowRemedy);
  BURIN_ASSIGN(row.threshold, parseNumber(threshold, "threshold"));
  BURIN_ASSIGN(row.min, parseNumber(minimum, "min"));
  BURIN_ASSIGN(row.max, parseNumber(maximum, "max"));
  if (line.front() == '"') {
    BURIN_ASSIGN(row.name, unquoted(line));
  } else {
    row.name = line;
  }
  if (!(row.threshold > 0))
    return fail(Error{ErrorCode::Input,
                      {},
                      row.name,
                      fmt::format("threshold {} is not above zero", row.threshold),
                      "calibrate again, or correct the table"});
  if (row.min > row.max)
    return fail(Error{
        ErrorCode::Input, {}, row.name, fmt::format("min {} is above max {}", row.min, row.max), kRowRemedy});
  return row;
}

class TextReader {
public:
  Status readLine(std::string_view line) {
    line = trim(line);
    if (line.empty()) return {};
    if (line.front() == '#') {
      readComment(line);
      return {};
    }
    if (section_ == Section::Skipped) return {};
    BURIN_ASSIGN(TensorRange row, parseRow(line));
    const bool int4 = section_ == Section::Int4;
    if (!(int4 ? int4Names_ : names_).insert(row.name).second)
      return fail(Error{ErrorCode::Input, {}, row.name, "listed twice", "remove one of the two rows"});
    (int4 ? table_.int4Entries : table_.entries).push_back(std::move(row));
    return {};
  }

  Result<CalibrationTable> finish() {
    if (table_.entries.empty())
      return fail(ErrorCode::Input, "no row of a calibration table in this file",
                  "make one with 'burin calibrate'");
    return std::move(table_);
  }

private:
  enum class Section { Ranges, Int4, Skipped };

  void readComment(std::string_view line) {
    line.remove_prefix(1);
    line = trim(line);
    constexpr std::string_view kSamples = "sample number:";
    if (line.starts_with("int4_th"))
      section_ = Section::Int4;
    else if (line.starts_with("weight_scale"))
      section_ = Section::Skipped;
    else if (line.starts_with(kSamples)) {
      const std::string_view value = trim(line.substr(kSamples.size()));
      std::from_chars(value.data(), value.data() + value.size(), table_.samples);
    }
  }

  CalibrationTable table_;
  Section section_ = Section::Ranges;
  std::unordered_set<std::string> names_, int4Names_;
};

} // namespace

std::string formatTableText(const CalibrationTable& table) {
  std::string text = fmt::format("# histogram number: {}\n# sample number: {}\n###\n"
                                 "# op_name    threshold    min    max\n",
                                 kKlBins, table.samples);
  for (const TensorRange& row : table.entries) appendRow(text, row);
  if (!table.int4Entries.empty()) text += "#int4_th\n";
  for (const TensorRange& row : table.int4Entries) appendRow(text, row);
  return text;
}

Result<CalibrationTable> parseTableText(std::string_view text) {
  TextReader reader;
  std::size_t lineNumber = 0;
  while (!text.empty()) {
    ++lineNumber;
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (Status status = reader.readLine(text.substr(0, end)); !status) {
      Error error = std::move(status).error();
      error.message = fmt::format("line {}: {}", lineNumber, error.message);
      return fail(std::move(error));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.finish();
}

} // namespace burin
