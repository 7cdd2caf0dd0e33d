// A .cfg: sections in brackets with KEY=VALUE lines.
#pragma once

#include "lib/support/error.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace burin::darknet {

struct Section {
  std::string type; // "convolutional", in lower case
  int line = 0;
  std::map<std::string, std::string> options;

  bool has(const std::string& key) const { return options.contains(key); }
  std::string text(const std::string& key, const std::string& fallback = {}) const;
  // As Darknet reads numbers: what follows the digits is ignored, and a text without any counts as 0.
  int64_t integer(const std::string& key, int64_t fallback) const;
  float real(const std::string& key, float fallback) const;
  bool flag(const std::string& key) const { return integer(key, 0) != 0; }
  std::vector<int64_t> integers(const std::string& key) const; // separated by commas
  std::vector<float> reals(const std::string& key) const;
};

constexpr size_t kMaxConfigBytes = size_t(1) << 22;
constexpr size_t kMaxSections = 10000;

// The first section is [net] or [network].
Result<std::vector<Section>> parseConfig(std::string_view text);

} // namespace burin::darknet
