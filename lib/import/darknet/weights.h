// A .weights file: a header and floats.
#pragma once

#include "lib/support/error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace burin::darknet {

class Weights {
public:
  // `expected` is the number of floats that the .cfg asks for, if that is known.
  static Result<Weights> parse(std::span<const char> bytes, std::optional<int64_t> expected,
                               std::shared_ptr<const void> owner);

  // Matrices of fully connected layers are stored input by input instead of output by output.
  bool isTransposed() const { return transposed_; }
  // Bytes of floats [at, at + count); empty where the file has none.
  std::span<const char> floats(int64_t at, int64_t count) const;
  const std::shared_ptr<const void>& owner() const { return owner_; }

private:
  std::span<const char> floats_;
  std::shared_ptr<const void> owner_;
  bool transposed_ = false;
};

} // namespace burin::darknet
