#include "lib/data/preprocess_flags.h"

#include "lib/data/preprocess_json.h"
#include "lib/data/preprocess_text.h"

#include <algorithm>
#include <map>

namespace burin {
namespace {

using Setter = Status (*)(rt::Preprocess&, std::string_view);

struct Flag {
  const char* name;
  std::vector<std::string> PreprocessFlags::* texts;
  Setter set;
};

// The pixel order comes before the flags that count channels.
constexpr Flag kFlags[] = {
    {"--pixel", &PreprocessFlags::pixel, setPixel},
    {"--layout", &PreprocessFlags::layout, setLayout},
    {"--fit", &PreprocessFlags::fit, setFit},
    {"--resize", &PreprocessFlags::resize, setResize},
    {"--pad-value", &PreprocessFlags::padValue, setPadValue},
    {"--pad-align", &PreprocessFlags::padAlign, setPadAlign},
    {"--mean", &PreprocessFlags::mean, setMean},
    {"--scale", &PreprocessFlags::scale, setScale},
};

using ValueByInput = std::map<std::string, std::string>; // the empty name stands for every input

tl::unexpected<Error> usage(const std::string& message, const std::string& remedy = {}) {
  return fail(ErrorCode::Usage, message, remedy);
}

// Splits "1,2,a:3,4" into {"": "1,2", "a": "3,4"}.
Status splitByInput(const char* flag, const std::string& text, ValueByInput& values) {
  std::string name;
  bool started = false;
  for (size_t at = 0; at <= text.size();) {
    size_t comma = std::min(text.find(',', at), text.size());
    std::string part = text.substr(at, comma - at);
    size_t colon = part.rfind(':');
    if (colon != std::string::npos || !started) {
      name = colon == std::string::npos ? "" : part.substr(0, colon);
      std::string value = colon == std::string::npos ? part : part.substr(colon + 1);
      if (colon == 0) return usage(std::string(flag) + " '" + text + "' has a colon without an input's name");
      if (!values.emplace(name, value).second)
        return usage(std::string(flag) + " is given twice" +
                     (name.empty() ? "" : " for input '" + name + "'"));
      started = true;
    } else {
      values[name] += "," + part;
    }
    at = comma + 1;
  }
  return {};
}

std::string namesOf(std::span<const InputSpec> inputs) {
  std::string out;
  for (const InputSpec& input : inputs) out += (out.empty() ? "" : ", ") + input.name;
  return out.empty() ? "none" : out;
}

Status checkNames(const char* flag, const ValueByInput& values, std::span<const InputSpec> inputs) {
  for (const auto& [name, value] : values)
    if (!name.empty() && std::ranges::find(inputs, name, &InputSpec::name) == inputs.end())
      return usage(std::string(flag) + ": the model has no input '" + name +
                   "'; its inputs are: " + namesOf(inputs));
  return {};
}

Status applyFlag(const Flag& flag, const ValueByInput& values, std::span<const InputSpec> inputs,
                 std::vector<std::optional<rt::Preprocess>>& working, std::vector<bool>& touched) {
  bool used = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    auto own = values.find(inputs[i].name);
    bool named = own != values.end() && !own->first.empty();
    if (!named) own = values.find("");
    if (own == values.end() || (!named && !working[i])) continue;
    if (!working[i])
      return fail(
          Error{ErrorCode::Usage,
                {},
                inputs[i].name,
                std::string(flag.name) + " is for pictures, but the shape is " + dimsText(inputs[i].shape),
                "leave the flag out for this input"});
    Status status = flag.set(*working[i], own->second);
    if (!status) return fail(atOp(std::move(status).error(), named ? inputs[i].name : ""));
    touched[i] = used = true;
  }
  if (!used && !values.empty())
    return usage(std::string(flag.name) + " is for pictures, but no input of the model looks like one",
                 "leave it out; arrays are fed as they are");
  return {};
}

} // namespace

bool PreprocessFlags::any() const {
  return std::ranges::any_of(kFlags, [&](const Flag& flag) { return !(this->*flag.texts).empty(); });
}

Result<std::vector<std::optional<rt::Preprocess>>> resolvePreprocess(const PreprocessFlags& flags,
                                                                     std::span<const InputSpec> inputs) {
  std::vector<std::optional<rt::Preprocess>> working;
  std::vector<bool> touched;
  for (const InputSpec& input : inputs) {
    working.push_back(input.preprocess ? input.preprocess : defaultPreprocess(input.shape));
    touched.push_back(input.preprocess.has_value());
  }
  for (const Flag& flag : kFlags) {
    ValueByInput values;
    for (const std::string& text : flags.*flag.texts) BURIN_CHECK(splitByInput(flag.name, text, values));
    BURIN_CHECK(checkNames(flag.name, values, inputs));
    BURIN_CHECK(applyFlag(flag, values, inputs, working, touched));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!touched[i]) working[i].reset();
    if (!working[i]) continue;
    BURIN_CHECK(checkPreprocess(*working[i]));
    BURIN_CHECK(checkedPictureShape(inputs[i], *working[i]));
  }
  return working;
}

Status checkSamePreprocess(const InputSpec& input, const rt::Preprocess& requested) {
  if (!input.preprocess || *input.preprocess == requested) return {};
  nlohmann::json before = preprocessToJson(*input.preprocess), after = preprocessToJson(requested);
  for (nlohmann::json* json : {&before, &after})
    if (!json->contains("resize")) (*json)["resize"] = nullptr; // the only key that may be absent
  std::string changes;
  for (const auto& [key, value] : after.items())
    if (before[key] != value)
      changes +=
          (changes.empty() ? "" : ", ") + key + " was " + before[key].dump() + " and is now " + value.dump();
  return fail(Error{ErrorCode::Usage,
                    {},
                    input.name,
                    "the preprocessing differs from the stored one: " + changes,
                    "leave the flags out, or pass --override-preprocess"});
}

} // namespace burin
