// What a pickle may build: the names on our list, and instances of the archive's own classes.
#pragma once

#include "lib/import/torch/data.h"

namespace burin::torch {

constexpr const char* kQuantizedTensor = "quantized tensor"; // type of the object that stands for one
extern const char* const kScriptRemedy;                      // how to make a TorchScript file

// An error for a name that is not on the list.
Status checkAllowed(const std::string& path);
// What a listed function gives for these arguments.
Result<Data> callBuilder(const Data& function, const Data& arguments, const std::string& storageFolder,
                         Heap& heap);
Result<Data> makeObject(const Data& type, Heap& heap);
// The object again, with the attributes of a dict, or with a state that its class is to unpack.
Result<Data> giveState(const Data& object, const Data& state);

// The element type of the class "torch.FloatStorage" or of a number as in torch.zeros(dtype=6).
struct ElementType {
  rt::DType dtype = rt::DType::F32;
  bool isDouble = false;
};
std::optional<ElementType> storageType(const std::string& path);

} // namespace burin::torch
