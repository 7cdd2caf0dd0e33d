// The preprocessing flags that import, calibrate, compile and quantize share, for models with one input or
// several.
#pragma once

#include "lib/data/input_spec.h"
#include "lib/support/error.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace burin {

// The texts as given, one per use of the flag. A value holds for every input that takes pictures, or for one
// when it starts with the input's name and a colon: "--mean left:123.7,116.3,103.5 --mean right:0". Several
// inputs fit into one text, too: "left:rgb,right:gray". Names may hold colons themselves ("input:0:127.5"):
// the last one counts.
struct PreprocessFlags {
  std::vector<std::string> mean, scale, pixel, layout, fit, resize, padValue, padAlign;
  bool any() const;
};

// The preprocessing of each input (parallel to `inputs`): what the flags say on top of the input's own, or of
// defaultPreprocess() when it has none yet. Nothing for an input that neither has one nor is touched by a
// flag. Errors (ErrorCode::Usage): a bad value, an unknown input, an input that cannot take pictures, a
// number of channels that does not match the input's shape.
Result<std::vector<std::optional<rt::Preprocess>>> resolvePreprocess(const PreprocessFlags& flags,
                                                                     std::span<const InputSpec> inputs);

// An error (ErrorCode::Usage) that lists what differs when `requested` is not what the input was imported
// with; the remedy is --override-preprocess.
Status checkSamePreprocess(const InputSpec& input, const rt::Preprocess& requested);

} // namespace burin
