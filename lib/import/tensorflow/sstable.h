// Sorted string tables, the file format of a checkpoint's index: blocks of key-value pairs whose keys leave
// out what they share with the key before, and an index of the blocks at the end.
#pragma once

#include "lib/support/error.h"

#include <map>
#include <span>
#include <string>

namespace burin::tensorflow {

// All pairs of a table. Damage is an error; memory is bounded by the file's size.
Result<std::map<std::string, std::string>> readTable(std::span<const char> file);

// Unpacks one Snappy block. `limit` bounds the result.
Result<std::string> unpackSnappy(std::span<const char> packed, size_t limit);

} // namespace burin::tensorflow
