#include "lib/data/preprocess_json.h"

#include "lib/data/preprocess_text.h"

#include <charconv>

namespace burin {
namespace {

using nlohmann::json;

// The double with the float's shortest text, so that 0.0171f is written as 0.0171 and not as
// 0.017100000753998756.
double shortDouble(float value) {
  std::string text = numberText(value);
  double out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

json channelsToJson(const float* values, int count) {
  json out = json::array();
  for (int c = 0; c < count; ++c) out.push_back(shortDouble(values[c]));
  return out;
}

// A value as the text that the flag would take; empty for what no flag takes.
std::string flagText(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  if (value.is_number()) return numberText(static_cast<float>(value.get<double>()));
  return {};
}

std::string joinedText(const json& values, char separator) {
  if (!values.is_array()) return flagText(values);
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].is_number()) return {};
    if (i) out += separator;
    out += flagText(values[i]);
  }
  return out;
}

Status setFromJson(rt::Preprocess& p, const std::string& key, const json& value) {
  if (key == "pixel") return setPixel(p, flagText(value));
  if (key == "layout") return setLayout(p, flagText(value));
  if (key == "fit") return setFit(p, flagText(value));
  if (key == "pad_align") return setPadAlign(p, flagText(value));
  if (key == "pad_value") return setPadValue(p, flagText(value));
  if (key == "resize") return setResize(p, joinedText(value, 'x'));
  if (key == "mean") return setMean(p, joinedText(value, ','));
  if (key == "scale") return setScale(p, joinedText(value, ','));
  return fail(ErrorCode::Input, "the key '" + key + "' is unknown");
}

// The texts' errors speak of flags; here they are entries of a file.
Status entry(rt::Preprocess& p, const std::string& key, const json& value) {
  Status status = setFromJson(p, key, value);
  if (status) return {};
  Error error = std::move(status).error();
  error.code = ErrorCode::Input;
  error.message = "preprocess: " + error.message;
  return fail(std::move(error));
}

} // namespace

json preprocessToJson(const rt::Preprocess& p) {
  int channels = rt::channelCount(p.pixel);
  json out = {{"mean", channelsToJson(p.mean, channels)},
              {"scale", channelsToJson(p.scale, channels)},
              {"pixel", pixelName(p.pixel)},
              {"layout", layoutName(p.layout)},
              {"fit", fitName(p.fit)},
              {"pad_value", p.padValue},
              {"pad_align", padAlignName(p.padAlign)}};
  if (p.resizeWidth != 0)
    out["resize"] = {p.resizeHeight, p.resizeWidth};
  else if (p.resizeHeight != 0)
    out["resize"] = p.resizeHeight;
  return out;
}

Result<rt::Preprocess> preprocessFromJson(const json& object) {
  if (!object.is_object()) return fail(ErrorCode::Input, "preprocess: is not a JSON object");
  rt::Preprocess p;
  // mean and scale are counted against the pixel order, which therefore comes first.
  if (object.contains("pixel")) BURIN_CHECK(entry(p, "pixel", object["pixel"]));
  for (const auto& [key, value] : object.items()) BURIN_CHECK(entry(p, key, value));
  if (Status status = checkPreprocess(p); !status) {
    Error error = std::move(status).error();
    error.code = ErrorCode::Input;
    return fail(std::move(error));
  }
  return p;
}

} // namespace burin
