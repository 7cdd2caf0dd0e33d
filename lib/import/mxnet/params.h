// PREFIX-0000.params: a list of arrays with names.
#pragma once

#include "lib/import/stored_tensor.h"

#include <map>

namespace burin::mxnet {

using Parameters = std::map<std::string, StoredTensor>; // by name, without "arg:" or "aux:"

Result<Parameters> readParameters(std::span<const char> bytes, std::shared_ptr<const void> owner);

} // namespace burin::mxnet
