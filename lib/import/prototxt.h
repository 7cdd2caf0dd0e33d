// The text form of protocol buffers, read without a schema: forks add fields of their own, and what uses them
// says what it needs. Sizes and nesting are bounded.
#pragma once

#include "lib/support/error.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace burin {

class TextMessage;

struct TextField {
  std::string name;
  std::string value;                    // of a scalar, unquoted
  std::unique_ptr<TextMessage> message; // null for a scalar
  int line = 0;
};

class TextMessage {
public:
  const std::vector<TextField>& fields() const { return fields_; }
  std::vector<TextField>& fields() { return fields_; }

  bool has(std::string_view name) const;
  size_t count(std::string_view name) const;
  // The last one counts where a field that is not repeated is written twice, as everywhere in protobuf.
  const TextField* find(std::string_view name) const;
  std::string text(std::string_view name) const;               // "" without one
  std::vector<std::string> texts(std::string_view name) const; // every scalar of that name
  const TextMessage& message(std::string_view name) const;     // an empty one without one
  std::vector<const TextMessage*> messages(std::string_view name) const;

private:
  std::vector<TextField> fields_;
};

constexpr size_t kMaxPrototxtBytes = size_t(1) << 23;
constexpr int kMaxPrototxtDepth = 32;

// `remedy` is for a text that is too long.
Result<TextMessage> parsePrototxt(std::string_view text, const std::string& remedy);

} // namespace burin
