#include "lib/import/darknet/operators.h"

#include <algorithm>
#include <unordered_map>

namespace burin::darknet {

namespace {
const std::unordered_map<std::string, const LayerRow*>& index() {
  static const std::unordered_map<std::string, const LayerRow*> rows = [] {
    std::unordered_map<std::string, const LayerRow*> map;
    for (const LayerTable* table : {&kWeightedLayers, &kPoolingLayers, &kJoiningLayers, &kHeadLayers})
      for (size_t i = 0; i < table->count; ++i) map.emplace(table->rows[i].type, &table->rows[i]);
    return map;
  }();
  return rows;
}
} // namespace

const LayerRow* findOperator(const std::string& type) {
  auto it = index().find(type);
  return it == index().end() ? nullptr : it->second;
}

std::vector<SupportedOperator> darknetOperators() {
  std::vector<SupportedOperator> list;
  for (const auto& [type, row] : index()) list.push_back({type, "", row->shownBy});
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}

std::string remedyFor(const std::string& type) {
  if (isHead(type)) return "leave --outputs out and decode the raw head, which is the default output";
  if (type == "crop") return "remove it from the .cfg and feed pictures of the cropped size";
  if (type == "rnn" || type == "lstm" || type == "gru" || type == "crnn" || type == "conv_lstm")
    return "recurrent layers are read from ONNX, not from Darknet";
  if (type == "local")
    return "replace it by [convolutional] and train again; its filters differ from pixel to pixel";
  if (type == "deconvolutional" || type == "deconv")
    return "replace it by [upsample] and [convolutional], and train again";
  if (type == "batchnorm") return "put batch_normalize=1 into the layer before it, and train again";
  return {};
}

} // namespace burin::darknet
