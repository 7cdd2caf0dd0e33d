// A .cfg as a network: which layers read which, the sizes that the file declares, and where in the .weights
// each layer's numbers lie. Darknet stores them one after another without names, so every size before counts.
#pragma once

#include "lib/import/darknet/config.h"

#include <optional>

namespace burin::darknet {

struct Size {
  int64_t channels = 0, height = 0, width = 0;
  int64_t elements() const { return channels * height * width; }
};

struct Layer {
  int index = 0; // as Darknet counts: the first section behind [net] is 0
  const Section* section = nullptr;
  std::vector<int> inputs;          // layers; -1: the picture
  std::optional<Size> in, out;      // declared; nothing behind a layer that we do not know
  std::optional<int64_t> weightsAt; // in floats, behind the header; nothing: not known
  int64_t weights = 0;              // how many floats

  std::string name() const; // "convolutional_12"
};

struct Network {
  std::vector<Section> sections; // [0] is [net]; what the layers point to
  Size picture;
  std::vector<Layer> layers;
  std::vector<int> heads;         // detection layers; their inputs are the network's results
  std::optional<int64_t> weights; // floats in all
};

Result<Network> readNetwork(std::string_view config);

bool isHead(const std::string& type);    // yolo, gaussian_yolo, region, detection
bool isIgnored(const std::string& type); // only for training

} // namespace burin::darknet
