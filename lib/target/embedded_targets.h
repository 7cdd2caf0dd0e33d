// The table that the build makes of targets/*.json.
#pragma once

#include <cstddef>

namespace burin {

struct EmbeddedTarget {
  const char* name;
  const char* json;
};
extern const EmbeddedTarget kEmbeddedTargets[];
extern const size_t kEmbeddedTargetCount;

} // namespace burin
