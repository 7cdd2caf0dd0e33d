// The JSON form of the calibration table.
#include "lib/calibrate/table.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

namespace burin {
namespace {

// Written in our order; read into a sorted map, as the ordered one takes quadratic time for hostile objects.
using OrderedJson = nlohmann::ordered_json;
using Json = nlohmann::json;

constexpr int kSchemaVersion = 1;
constexpr const char* kSchema = "burin-calibration";

// A float as the double with the fewest digits that gives the same float back: 0.1, not 0.10000000149011612.
double shortest(float value) {
  char text[32];
  const char* end = std::to_chars(text, text + sizeof text, value).ptr;
  double result = 0;
  std::from_chars(text, end, result);
  return result;
}

std::string percentileKey(double percent) { return fmt::format("{}", percent); }

OrderedJson rangeToJson(const TensorRange& range) {
  OrderedJson percentiles = OrderedJson::object();
  for (std::size_t i = 0; i < kSummaryPercentiles.size(); ++i)
    percentiles[percentileKey(kSummaryPercentiles[i])] = range.percentiles[i];
  OrderedJson json = {{"name", range.name},
                      {"threshold", shortest(range.threshold)},
                      {"min", shortest(range.min)},
                      {"max", shortest(range.max)},
                      {"absmax", shortest(range.absoluteMaximum)},
                      {"mean", range.mean},
                      {"zeros", range.zerosFraction},
                      {"constant", range.constant},
                      {"non_finite", range.nonFinite},
                      {"percentiles", std::move(percentiles)},
                      {"clipped", range.quality.clippedFraction},
                      {"sqnr_db", range.quality.sqnrDb},
                      {"best_threshold", shortest(range.bestThreshold)},
                      {"best_sqnr_db", range.bestSqnrDb}};
  for (const auto& [key, values] :
       {std::pair{"channel_min", &range.channelMin}, {"channel_max", &range.channelMax}}) {
    if (values->empty()) continue;
    json[key] = OrderedJson::array();
    for (float v : *values) json[key].push_back(shortest(v));
  }
  return json;
}

// One field of an object: absent fields keep their value, fields of the wrong kind are errors that say where.
class FieldReader {
public:
  FieldReader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  Status read(const char* key, std::string& value, bool needed = false) const {
    const Json* field = find(key);
    if (!field) return missing(key, needed);
    if (!field->is_string()) return wrong(key, "a string");
    value = field->get<std::string>();
    return {};
  }

  Status read(const char* key, bool& value) const {
    const Json* field = find(key);
    if (!field) return {};
    if (!field->is_boolean()) return wrong(key, "true or false");
    value = field->get<bool>();
    return {};
  }

  Status read(const char* key, std::uint64_t& value) const {
    const Json* field = find(key);
    if (!field) return {};
    if (!field->is_number_unsigned()) return wrong(key, "a whole number, zero or more");
    value = field->get<std::uint64_t>();
    return {};
  }

  Status read(const char* key, double& value, bool needed = false) const {
    const Json* field = find(key);
    if (!field) return missing(key, needed);
    if (!field->is_number() || !std::isfinite(field->get<double>())) return wrong(key, "a number");
    value = field->get<double>();
    return {};
  }

  Status read(const char* key, float& value, bool needed = false) const {
    double wide = value;
    BURIN_CHECK(read(key, wide, needed));
    if (std::abs(wide) > static_cast<double>(std::numeric_limits<float>::max()))
      return wrong(key, "a finite float");
    value = static_cast<float>(wide);
    return {};
  }

  Status read(const char* key, std::vector<float>& values) const {
    const Json* field = find(key);
    if (!field) return {};
    if (!field->is_array()) return wrong(key, "a list of numbers");
    for (const Json& value : *field) {
      if (!value.is_number() || !std::isfinite(value.get<float>()))
        return wrong(key, "a list of finite numbers");
      values.push_back(value.get<float>());
    }
    return {};
  }

  // Null if there is none.
  Result<const Json*> readList(const char* key, bool object = false) const {
    const Json* field = find(key);
    if (field && !(object ? field->is_object() : field->is_array()))
      return fail(error(key, object ? "an object" : "a list"));
    return field;
  }

private:
  const Json* find(const char* key) const {
    const auto field = object_.find(key);
    return field == object_.end() ? nullptr : &*field;
  }
  Error error(const char* key, const char* expected) const {
    return {ErrorCode::Input,
            {},
            {},
            fmt::format("{}{} is not {}", where_, key, expected),
            "make the table again with 'burin calibrate'"};
  }
  Status wrong(const char* key, const char* expected) const { return fail(error(key, expected)); }
  Status missing(const char* key, bool needed) const {
    if (!needed) return {};
    return fail(ErrorCode::Input, fmt::format("{}{} is missing", where_, key),
                "make the table again with 'burin calibrate'");
  }

  const Json& object_;
  std::string where_;
};

Result<TensorRange> rangeFromJson(const Json& json, const std::string& where) {
  if (!json.is_object()) return fail(ErrorCode::Input, where + " is not an object");
  const FieldReader fields(json, where + ".");
  TensorRange range;
  BURIN_CHECK(fields.read("name", range.name, true));
  BURIN_CHECK(fields.read("threshold", range.threshold, true));
  BURIN_CHECK(fields.read("min", range.min, true));
  BURIN_CHECK(fields.read("max", range.max, true));
  BURIN_CHECK(fields.read("absmax", range.absoluteMaximum));
  BURIN_CHECK(fields.read("mean", range.mean));
  BURIN_CHECK(fields.read("zeros", range.zerosFraction));
  BURIN_CHECK(fields.read("constant", range.constant));
  BURIN_CHECK(fields.read("non_finite", range.nonFinite));
  BURIN_CHECK(fields.read("clipped", range.quality.clippedFraction));
  BURIN_CHECK(fields.read("sqnr_db", range.quality.sqnrDb));
  BURIN_CHECK(fields.read("best_threshold", range.bestThreshold));
  BURIN_CHECK(fields.read("best_sqnr_db", range.bestSqnrDb));
  BURIN_ASSIGN(const Json* percentiles, fields.readList("percentiles", true));
  if (percentiles) {
    const FieldReader entries(*percentiles, where + ".percentiles.");
    for (std::size_t i = 0; i < kSummaryPercentiles.size(); ++i)
      BURIN_CHECK(entries.read(percentileKey(kSummaryPercentiles[i]).c_str(), range.percentiles[i]));
  }
  BURIN_CHECK(fields.read("channel_min", range.channelMin));
  BURIN_CHECK(fields.read("channel_max", range.channelMax));
  if (range.channelMin.size() != range.channelMax.size())
    return fail(ErrorCode::Input, where + ": channel_min and channel_max differ in length",
                "make the table again with 'burin calibrate'");
  if (!(range.threshold > 0))
    return fail(Error{ErrorCode::Input,
                      {},
                      range.name,
                      where + ".threshold is not above zero",
                      "calibrate again, or correct the table"});
  if (range.min > range.max)
    return fail(Error{ErrorCode::Input,
                      {},
                      range.name,
                      where + ".min is above max",
                      "calibrate again, or correct the table"});
  return range;
}

Status readRanges(const FieldReader& fields, const char* key, std::vector<TensorRange>& ranges) {
  BURIN_ASSIGN(const Json* list, fields.readList(key));
  if (!list) return {};
  std::unordered_set<std::string> names;
  for (std::size_t i = 0; i < list->size(); ++i) {
    BURIN_ASSIGN(TensorRange range, rangeFromJson((*list)[i], fmt::format("{}[{}]", key, i)));
    if (!names.insert(range.name).second)
      return fail(Error{ErrorCode::Input,
                        {},
                        range.name,
                        fmt::format("{}[{}] is listed twice", key, i),
                        "remove one of the two"});
    ranges.push_back(std::move(range));
  }
  return {};
}

Status readWarnings(const FieldReader& fields, std::vector<CalibrationWarning>& warnings) {
  BURIN_ASSIGN(const Json* list, fields.readList("warnings"));
  if (!list) return {};
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string where = fmt::format("warnings[{}]", i);
    if (!(*list)[i].is_object()) return fail(ErrorCode::Input, where + " is not an object");
    const FieldReader entry((*list)[i], where + ".");
    CalibrationWarning warning;
    std::string kind;
    BURIN_CHECK(entry.read("kind", kind, true));
    BURIN_CHECK(entry.read("tensor", warning.tensor));
    BURIN_CHECK(entry.read("text", warning.text, true));
    // Kinds of a later version mean nothing here.
    if (const auto known = parseWarningKind(kind)) {
      warning.kind = *known;
      warnings.push_back(std::move(warning));
    }
  }
  return {};
}

Result<CalibrationTable> tableFromJson(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::Input, "not a calibration table: the JSON is not an object");
  const FieldReader fields(json, "");
  std::string schema;
  std::uint64_t version = 0;
  BURIN_CHECK(fields.read("schema", schema, true));
  BURIN_CHECK(fields.read("version", version));
  if (schema != kSchema)
    return fail(ErrorCode::Input, fmt::format("not a calibration table: schema is '{}', not '{}'",
                                              schema.substr(0, 40), kSchema));
  if (version != kSchemaVersion)
    return fail(
        ErrorCode::Input,
        fmt::format("calibration table of version {}, this program reads {}", version, kSchemaVersion),
        "make the table again with 'burin calibrate'");
  CalibrationTable table;
  BURIN_CHECK(fields.read("graph_hash", table.graphHash));
  BURIN_CHECK(fields.read("method", table.method));
  BURIN_CHECK(fields.read("samples", table.samples));
  BURIN_CHECK(readRanges(fields, "tensors", table.entries));
  BURIN_CHECK(readRanges(fields, "int4_tensors", table.int4Entries));
  BURIN_CHECK(readWarnings(fields, table.warnings));
  if (table.entries.empty())
    return fail(ErrorCode::Input, "the calibration table has no tensors", "make one with 'burin calibrate'");
  return table;
}

} // namespace

std::string formatTableJson(const CalibrationTable& table) {
  OrderedJson json{{"schema", kSchema},      {"version", kSchemaVersion}, {"graph_hash", table.graphHash},
                   {"method", table.method}, {"samples", table.samples},  {"tensors", OrderedJson::array()}};
  for (const TensorRange& range : table.entries) json["tensors"].push_back(rangeToJson(range));
  for (const TensorRange& range : table.int4Entries) json["int4_tensors"].push_back(rangeToJson(range));
  json["warnings"] = OrderedJson::array();
  for (const CalibrationWarning& warning : table.warnings)
    json["warnings"].push_back(
        {{"kind", warningKindName(warning.kind)}, {"tensor", warning.tensor}, {"text", warning.text}});
  // Names may be any bytes; what is not UTF-8 is replaced, as JSON cannot hold it.
  return json.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

Result<CalibrationTable> parseTableJson(std::string_view text) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 3, column 5: ..."
    std::string what = error.what();
    if (const std::size_t end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
    return fail(ErrorCode::Input, what.substr(0, 200), "make the table again with 'burin calibrate'");
  }
  return tableFromJson(json);
}

} // namespace burin
