#include "lib/data/skipped.h"

#include <fmt/format.h>

namespace burin {

std::vector<std::string> skippedWarnings(const std::vector<std::string>& problems) {
  constexpr size_t kListed = 5;
  // "1 more" would take the room of the one that it hides.
  const size_t listed = problems.size() > kListed + 1 ? kListed : problems.size();
  std::vector<std::string> warnings;
  for (size_t i = 0; i < listed; ++i) warnings.push_back(problems[i] + " (sample skipped)");
  if (problems.size() > listed)
    warnings.push_back(fmt::format("{} more samples were skipped", problems.size() - listed));
  return warnings;
}

} // namespace burin
