#include "lib/calibrate/table.h"

#include "lib/support/file.h"

#include <fmt/format.h>
#include <unordered_map>
#include <unordered_set>

namespace burin {
namespace {

constexpr const char* kJsonSuffix = ".json";

// Newton's iteration may end beside the optimum, so nothing clipped is a candidate too.
void setBest(TensorRange& range, const ValueProfile& profile, int bits) {
  if (!(range.absoluteMaximum > 0)) return;
  for (float threshold : {range.absoluteMaximum, static_cast<float>(mseThreshold(profile, bits))})
    if (double sqnr = rangeQuality(profile, threshold).sqnrDb; sqnr > range.bestSqnrDb) {
      range.bestThreshold = threshold;
      range.bestSqnrDb = sqnr;
    }
}

TensorRange makeRange(const std::string& name, const TensorStatistics& statistics,
                      const RangeOptions& options) {
  const ValueProfile profile = statistics.profile();
  TensorRange range;
  range.name = name;
  range.threshold = chooseThreshold(profile, options);
  range.min = profile.minimum;
  range.max = profile.maximum;
  range.absoluteMaximum = profile.absoluteMaximum;
  range.mean = profile.mean();
  if (profile.count > 0)
    range.zerosFraction = static_cast<double>(profile.zeroCount) / static_cast<double>(profile.count);
  range.constant = profile.minimum == profile.maximum;
  for (std::size_t i = 0; i < kSummaryPercentiles.size(); ++i)
    range.percentiles[i] = magnitudePercentile(profile, kSummaryPercentiles[i]);
  range.quality = rangeQuality(profile, range.threshold);
  setBest(range, profile, options.bits);
  range.nonFinite = statistics.nanCount() + statistics.infinityCount();
  return range;
}

Status checkOptions(const TableOptions& options) {
  if (!(options.percentile > 0 && options.percentile <= 100))
    return fail(ErrorCode::Usage, fmt::format("percentile {} is not in (0, 100]", options.percentile),
                "give --percentile a value such as 99.99");
  if (options.bits < 2 || options.bits > 16)
    return fail(ErrorCode::Usage, fmt::format("{} bits for the mse method", options.bits), "use 2 to 16");
  return {};
}

// Rows stay as the text has them; everything it cannot hold comes from the JSON.
void addDetails(CalibrationTable& table, CalibrationTable details) {
  table.graphHash = std::move(details.graphHash);
  table.method = std::move(details.method);
  table.samples = details.samples;
  table.warnings = std::move(details.warnings);
  std::unordered_map<std::string_view, const TensorRange*> known;
  for (const TensorRange& entry : details.entries) known.emplace(entry.name, &entry);
  for (TensorRange& entry : table.entries) {
    const auto found = known.find(entry.name);
    if (found == known.end()) continue;
    const TensorRange row = std::move(entry);
    entry = *found->second;
    // A threshold that somebody changed is meant so: what was measured is not its quality.
    if (entry.threshold != row.threshold) entry.quality = {}, entry.bestSqnrDb = 0;
    entry.threshold = row.threshold;
    entry.min = row.min;
    entry.max = row.max;
  }
}

bool looksLikeJson(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

Result<CalibrationTable> parseFile(const std::string& path, bool onlyJson) {
  BURIN_ASSIGN(const std::string text, readTextFile(path));
  auto table = onlyJson || looksLikeJson(text) ? parseTableJson(text) : parseTableText(text);
  if (!table) return fail(inFile(std::move(table).error(), path));
  return table;
}

bool exists(const std::string& path) { return MappedFile::open(path).has_value(); }

} // namespace

const TensorRange* CalibrationTable::find(std::string_view name) const {
  for (const TensorRange& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

Result<CalibrationTable> buildTable(std::span<const std::string> names,
                                    std::span<const TensorStatistics> statistics,
                                    const TableOptions& options) {
  BURIN_CHECK(checkOptions(options));
  if (names.size() != statistics.size())
    return fail(ErrorCode::Internal, "as many tensor names as statistics are needed for a calibration table");
  CalibrationTable table;
  table.graphHash = options.graphHash;
  table.method = rangeMethodName(options.method);
  table.samples = options.samples;
  if (auto warning = checkSampleCount(options.samples)) table.warnings.push_back(std::move(*warning));
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!seen.insert(names[i]).second)
      return fail(
          Error{ErrorCode::Internal, {}, names[i], "two tensors to calibrate have the same name", {}});
    table.entries.push_back(
        makeRange(names[i], statistics[i], {options.method, options.percentile, options.bits}));
    for (CalibrationWarning& warning : checkTensor(names[i], statistics[i]))
      table.warnings.push_back(std::move(warning));
  }
  return table;
}

Status saveTable(const CalibrationTable& table, const std::string& path) {
  // The JSON goes first: a text table is never seen beside the JSON of an older one that it does not match.
  const std::string json = formatTableJson(table), text = formatTableText(table);
  const FileContent files[] = {{path + kJsonSuffix, json}, {path, text}};
  return writeFiles(files);
}

Result<CalibrationTable> loadTable(const std::string& path) {
  BURIN_ASSIGN(CalibrationTable table, parseFile(path, false));
  if (!table.graphHash.empty() || !exists(path + kJsonSuffix)) return table;
  BURIN_ASSIGN(CalibrationTable details, parseFile(path + kJsonSuffix, true));
  addDetails(table, std::move(details));
  return table;
}

} // namespace burin
