#include "lib/import/darknet/operators.h"

namespace burin::darknet {

const OperatorIndex<LayerRow>& operators() {
  static const OperatorIndex<LayerRow> index = {kWeightedLayers, kPoolingLayers, kJoiningLayers, kHeadLayers};
  return index;
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
