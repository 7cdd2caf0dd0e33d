// Samples of a data set that could not be used.
#pragma once

#include <string>
#include <vector>

namespace burin {

// A warning for each of the problems; many of them are counted instead of listed.
std::vector<std::string> skippedWarnings(const std::vector<std::string>& problems);

} // namespace burin
