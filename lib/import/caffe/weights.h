// The stored blobs of a .caffemodel, by layer.
#pragma once

#include "lib/support/error.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace burin::caffe {

struct Blob {
  std::vector<int64_t> dims;
  std::span<const float> values;
  std::shared_ptr<const void> owner; // of the memory behind `values`
};

class Weights {
public:
  static Result<Weights> parse(std::span<const char> bytes);

  // Null for a layer that is not in the file.
  const std::vector<Blob>* find(const std::string& layer) const;
  bool empty() const { return layers_.empty(); }
  bool holdsDoubles() const { return doubles_; } // read as float

private:
  std::unordered_map<std::string, std::vector<Blob>> layers_;
  bool doubles_ = false;
};

} // namespace burin::caffe
