#include "lib/import/tflite/dilation.h"

#include <cstring>
#include <map>

namespace burin::tflite {

namespace {
const TensorFacts* tensorAt(const Model& model, const Ints& list, size_t i) {
  return i < list.size() && list[i] >= 0 ? &model.tensors()[static_cast<size_t>(list[i])] : nullptr;
}

// A stored tensor of small int32 values.
Ints storedInts(const TensorFacts* tensor) {
  Ints values;
  if (!tensor || tensor->type != tfl::TensorType::INT32 || tensor->data.size() > 64) return values;
  for (size_t at = 0; at + sizeof(int32_t) <= tensor->data.size(); at += sizeof(int32_t)) {
    int32_t value;
    std::memcpy(&value, tensor->data.data() + at, sizeof value);
    values.push_back(value);
  }
  return values;
}

template <class Options>
bool isPlain(const OperatorFacts& op) {
  const auto* o = op.stored->options_as<Options>();
  return o && o->padding() == tfl::Padding::VALID && o->stride_h() == 1 && o->stride_w() == 1 &&
         o->dilation_h() == 1 && o->dilation_w() == 1;
}

class Fuser {
public:
  Fuser(const Model& model, const std::set<int64_t>& kept, std::vector<OperatorFacts>& operators)
      : model_(model), kept_(kept), operators_(operators) {
    for (size_t i = 0; i < operators.size(); ++i)
      for (int64_t input : operators[i].inputs)
        if (input >= 0) readers_[input].push_back(i);
  }

  void fuse(OperatorFacts& split) {
    OperatorFacts* conv = onlyReader(split);
    const bool plain =
        conv && ((conv->type == "CONV_2D" && isPlain<tfl::Conv2DOptions>(*conv)) ||
                 (conv->type == "DEPTHWISE_CONV_2D" && isPlain<tfl::DepthwiseConv2DOptions>(*conv)));
    OperatorFacts* join = plain ? onlyReader(*conv) : nullptr;
    if (!join || join->type != "BATCH_TO_SPACE_ND" || join->outputs.size() != 1 || conv->inputs.size() < 2)
      return;
    if (conv->inputs[1] == split.outputs[0] || !sameScale(split) || !sameScale(*join)) return;
    Ints block = storedInts(tensorAt(model_, split.inputs, 1)),
         pads = storedInts(tensorAt(model_, split.inputs, 2)),
         crops = storedInts(tensorAt(model_, join->inputs, 2));
    if (block.size() != 2 || pads.size() != 4 || crops.size() != 4 || block[0] < 1 || block[1] < 1 ||
        storedInts(tensorAt(model_, join->inputs, 1)) != block)
      return;
    for (size_t i = 0; i < 4; ++i) {
      pads[i] -= crops[i];
      if (pads[i] < 0 || crops[i] < 0) return;
    }
    conv->dilations = block;
    conv->pads = {pads[0], pads[2], pads[1], pads[3]};
    conv->inputs[0] = split.inputs[0];
    conv->outputs = join->outputs;
    split.outputs.clear(), join->outputs.clear();
  }

private:
  OperatorFacts* onlyReader(const OperatorFacts& op) {
    if (op.outputs.size() != 1 || kept_.contains(op.outputs[0])) return nullptr;
    auto it = readers_.find(op.outputs[0]);
    return it != readers_.end() && it->second.size() == 1 ? &operators_[it->second[0]] : nullptr;
  }
  // Between its data and its result nothing is rounded.
  bool sameScale(const OperatorFacts& op) const {
    const TensorFacts *x = tensorAt(model_, op.inputs, 0), *y = tensorAt(model_, op.outputs, 0);
    return x && y && x->quantization == y->quantization;
  }

  const Model& model_;
  const std::set<int64_t>& kept_;
  std::vector<OperatorFacts>& operators_;
  std::map<int64_t, std::vector<size_t>> readers_;
};
} // namespace

void fuseDilations(const Model& model, const std::set<int64_t>& kept, std::vector<OperatorFacts>& operators) {
  Fuser fuser(model, kept, operators);
  for (OperatorFacts& op : operators)
    if (op.type == "SPACE_TO_BATCH_ND" && op.inputs.size() == 3) fuser.fuse(op);
}

} // namespace burin::tflite
