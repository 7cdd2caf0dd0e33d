#include "lib/import/common.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <numeric>
#include <xxhash.h>

namespace burin {

std::string hashBytes(std::span<const char> bytes) {
  return fmt::format("{:016x}", static_cast<uint64_t>(XXH3_64bits(bytes.data(), bytes.size())));
}

void attachSource(mlir::ModuleOp module, const ImportInfo& info) {
  mlir::Builder builder(module.getContext());
  mlir::NamedAttrList list;
  list.set("format", builder.getStringAttr(info.format));
  list.set("hash", builder.getStringAttr(info.hash));
  list.set("opset", builder.getStringAttr(info.opset));
  list.set("producer", builder.getStringAttr(info.producer));
  module->setAttr("nn.source", list.getDictionary(module.getContext()));
}

std::string dimsText(std::span<const int64_t> dims) {
  if (dims.empty()) return "scalar";
  std::string text;
  for (int64_t d : dims) text += (text.empty() ? "" : "x") + (d < 0 ? std::string("N") : std::to_string(d));
  return text;
}

std::string inputShapesFlag(const std::string& name, std::span<const int64_t> dims) {
  return fmt::format("--input-shapes \"{}:{}\"", name, dimsText(dims));
}

namespace {
bool parseDims(const std::string& text, std::vector<int64_t>& dims) {
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    int64_t value = 0;
    auto [next, status] = std::from_chars(at, end, value);
    if (status != std::errc() || value < 1 || value > (int64_t(1) << 40) || dims.size() == rt::kMaxRank)
      return false;
    dims.push_back(value);
    if (next < end && (*next != 'x' || next + 1 == end)) return false;
    at = next < end ? next + 1 : next;
  }
  return !dims.empty();
}
} // namespace

Result<InputShapes> parseInputShapes(const std::string& text) {
  InputShapes shapes;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    std::string part = text.substr(at, end - at);
    size_t colon = part.rfind(':'); // names of TensorFlow tensors contain colons themselves
    std::string name = colon == std::string::npos ? "" : part.substr(0, colon);
    std::vector<int64_t> dims;
    if (!parseDims(colon == std::string::npos ? part : part.substr(colon + 1), dims))
      return fail(ErrorCode::Usage, fmt::format("--input-shapes: '{}' is not a shape", part),
                  "write --input-shapes \"name:1x3x224x224,other:1x10\"");
    if (!shapes.emplace(name, std::move(dims)).second)
      return fail(ErrorCode::Usage, fmt::format("--input-shapes: '{}' is given twice", name),
                  "give each input once");
    at = end + 1;
  }
  return shapes;
}

namespace {
// Levenshtein distance; names are cut so that a hostile file cannot make this slow.
size_t editDistance(std::string_view a, std::string_view b) {
  a = a.substr(0, 64), b = b.substr(0, 64);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}
} // namespace

std::vector<std::string> nearNames(const std::string& name, std::span<const std::string> candidates,
                                   size_t count) {
  std::vector<std::pair<size_t, std::string>> scored;
  for (const std::string& candidate : candidates.first(std::min<size_t>(candidates.size(), 20000))) {
    bool contained = !name.empty() && candidate.find(name) != std::string::npos;
    scored.emplace_back(contained ? 1 : editDistance(name, candidate), candidate);
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> best;
  for (const auto& entry : scored)
    if (best.size() < count) best.push_back(entry.second);
  return best;
}

std::string joined(std::span<const std::string> parts, const std::string& separator) {
  std::string text;
  for (const std::string& part : parts) text += (&part == parts.data() ? "" : separator) + part;
  return text;
}

void UnsupportedReport::addOperator(const std::string& operatorName, const std::string& node,
                                    const std::string& remedy) {
  Entry& entry = operators_[operatorName];
  ++entry.count;
  if (entry.nodes.size() < 3) entry.nodes.push_back(node);
  entry.remedy = remedy;
}

void UnsupportedReport::addUse(const Error& error) {
  ++useCount_;
  if (uses_.size() < 20) uses_.push_back(error);
}

Error UnsupportedReport::error() const {
  std::vector<std::string> lines;
  for (const auto& [name, entry] : operators_) {
    std::string line = fmt::format("operator {} ({} node{}: {}{}) is not supported", name, entry.count,
                                   entry.count == 1 ? "" : "s", joined(entry.nodes, ", "),
                                   entry.count > entry.nodes.size() ? ", ..." : "");
    if (!entry.remedy.empty()) line += "; " + entry.remedy;
    lines.push_back(std::move(line));
  }
  for (const Error& use : uses_) lines.push_back(use.text());
  if (useCount_ > uses_.size()) lines.push_back(fmt::format("and {} more", useCount_ - uses_.size()));
  Error error{ErrorCode::Unsupported, {}, {}, joined(lines, "\n  "), {}};
  if (lines.size() > 1)
    error.message = fmt::format("{} things are not supported:\n  {}", lines.size(), error.message);
  if (!operators_.empty())
    error.remedy = lines.size() > 1
                       ? "\n  cut the model before these nodes with --outputs, or export it without them"
                       : "cut the model before the node with --outputs, or export it without the operator";
  return error;
}

} // namespace burin
