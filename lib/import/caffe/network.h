// A .prototxt as a network of layers over uniquely named tensors: formats and phases resolved, in-place
// layers given tensors of their own.
#pragma once

#include "lib/import/interface.h"
#include "lib/import/prototxt.h"

namespace burin::caffe {

struct Layer {
  std::string name, type;                 // the type under its V2 name
  std::vector<std::string> bottoms, tops; // tensor names, unique in the network
  const TextMessage* text = nullptr;
};

struct Network {
  TextMessage text; // owns what the layers point to
  std::string name;
  std::vector<Layer> layers; // those that compute something when testing
  std::vector<DeclaredInput> inputs;
  std::vector<std::string> outputs;
  std::vector<PreprocessHint> preprocess;
  std::vector<std::string> warnings;
};

Result<Network> readNetwork(std::string_view prototxt);

// Does a layer with these include and exclude rules take part when testing?
bool isTestLayer(const TextMessage& layer, const TextMessage& state);

} // namespace burin::caffe
