// Python pickles as TorchScript writes them. Nothing is ever executed: the few names that such files call
// build values here, every other one is refused.
#pragma once

#include "lib/import/torch/data.h"

#include <span>

namespace burin::torch {

// `storageFolder` is what the keys of tensors in this pickle are relative to ("data/").
Result<Data> readPickle(std::span<const uint8_t> bytes, const std::string& storageFolder, Heap& heap);

} // namespace burin::torch
