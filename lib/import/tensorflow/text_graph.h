// Graphs and SavedModels in protobuf's text form (.pbtxt).
#pragma once

#include "lib/support/error.h"

#include <string>
#include <string_view>

namespace burin::tensorflow {

enum class TextKind { None, Graph, SavedModel };

// By the first field of the text.
TextKind textKind(std::string_view text);

// The binary form of what our schema reads; other fields are left out.
Result<std::string> binaryGraph(std::string_view text, TextKind kind);

} // namespace burin::tensorflow
