#include "lib/import/format.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace burin {

namespace fs = std::filesystem;

Result<std::string> weightsFile(const std::string& modelPath, const std::string& flag,
                                std::span<const std::string> extensions) {
  if (!flag.empty()) return flag;
  const fs::path model(modelPath), folder = model.has_parent_path() ? model.parent_path() : fs::path(".");
  const std::string stem = model.stem().string();
  std::error_code error;
  std::vector<std::string> starting, all;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path& path = entry.path();
    if (std::find(extensions.begin(), extensions.end(), path.extension().string()) == extensions.end())
      continue;
    if (path.stem() == stem) return path.string();
    all.push_back(path.filename().string());
    if (all.back().starts_with(stem)) starting.push_back(path.string());
  }
  if (starting.size() == 1) return starting.front();
  std::sort(all.begin(), all.end());
  all.resize(std::min<size_t>(all.size(), 8));
  std::string wanted = joined(extensions, " or ");
  return fail(Error{ErrorCode::Input,
                    modelPath,
                    {},
                    fmt::format("its weights file ({}) was not found beside it", wanted),
                    all.empty() ? "give it with --weights"
                                : "give one with --weights; there are " + joined(all, ", ")});
}

} // namespace burin
