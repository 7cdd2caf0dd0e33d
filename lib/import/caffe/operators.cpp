#include "lib/import/caffe/operators.h"

namespace burin::caffe {

namespace {
// Without underscores, in lower case.
std::string plain(const std::string& type) {
  std::string text;
  for (char c : type)
    if (c != '_') text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}
} // namespace

const OperatorIndex<LayerRow>& operators() {
  static const OperatorIndex<LayerRow> index = {kConvolutionLayers,   kPoolingLayers,  kElementwiseLayers,
                                                kNormalizationLayers, kMovementLayers, kReductionLayers,
                                                kDetectionLayers};
  return index;
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
  for (const auto& [name, row] : operators().rows())
    if (plain(row->name) == wanted) return row->name;
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
