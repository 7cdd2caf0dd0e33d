// The preprocessing as JSON: keys are the flags' names with underscores (mean, scale, pixel, layout, fit,
// resize, pad_value, pad_align). resize is N or [H, W], and absent for the model's input size.
#pragma once

#include "lib/support/error.h"
#include "runtime/image/preprocess.h"

#include <nlohmann/json.hpp>

namespace burin {

// Every key is written (but a default resize), numbers as the shortest text that gives the same float.
nlohmann::json preprocessToJson(const rt::Preprocess& preprocess);

// Absent keys keep their default. Errors (ErrorCode::Input): an unknown key, a value of the wrong kind or
// range.
Result<rt::Preprocess> preprocessFromJson(const nlohmann::json& json);

} // namespace burin
