#include "lib/import/caffe/operators.h"

#include <algorithm>
#include <unordered_map>

namespace burin::caffe {

namespace {
const LayerTable* const kTables[] = {&kConvolutionLayers,   &kPoolingLayers,  &kElementwiseLayers,
                                     &kNormalizationLayers, &kMovementLayers, &kReductionLayers,
                                     &kDetectionLayers};

const std::unordered_map<std::string, const LayerRow*>& index() {
  static const std::unordered_map<std::string, const LayerRow*> rows = [] {
    std::unordered_map<std::string, const LayerRow*> map;
    for (const LayerTable* table : kTables)
      for (size_t i = 0; i < table->count; ++i) map.emplace(table->rows[i].type, &table->rows[i]);
    return map;
  }();
  return rows;
}

// Without underscores, in lower case.
std::string plain(const std::string& type) {
  std::string text;
  for (char c : type)
    if (c != '_') text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}
} // namespace

const LayerRow* findOperator(const std::string& type) {
  auto it = index().find(type);
  return it == index().end() ? nullptr : it->second;
}

std::vector<SupportedOperator> caffeOperators() {
  std::vector<SupportedOperator> list;
  for (const auto& [type, row] : index()) list.push_back({type, "", row->shownBy});
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}

std::string modernType(const std::string& type) {
  if (type == "SOFTMAX_LOSS") return "SoftmaxWithLoss";
  static constexpr const char* kOthers[] = {"Data",         "ImageData",       "HDF5Data",
                                            "HDF5Output",   "MemoryData",      "WindowData",
                                            "Silence",      "ContrastiveLoss", "EuclideanLoss",
                                            "InfogainLoss", "HingeLoss",       "MultinomialLogisticLoss",
                                            "Accuracy",     "DummyData",       "SigmoidCrossEntropyLoss"};
  const std::string wanted = plain(type);
  for (const char* name : kOthers)
    if (plain(name) == wanted) return name;
  for (const auto& [name, row] : index())
    if (plain(name) == wanted) return name;
  return type;
}

std::string remedyFor(const std::string& type) {
  if (type == "Python") return "it is code that the file does not hold; cut it off with --outputs";
  if (type == "LSTM" || type == "RNN" || type == "Recurrent")
    return "recurrent layers are read from ONNX, not from Caffe";
  if (type == "ROIPooling" || type == "PSROIPooling" || type == "Proposal")
    return "cut the network before it with --outputs and propose regions outside";
  if (type == "SPP") return "write it as Pooling, Flatten and Concat layers";
  if (type == "Im2col") return "write it and the product behind it as a Convolution";
  if (type == "Filter") return "its result has no fixed shape; cut before it with --outputs";
  return {};
}

} // namespace burin::caffe
