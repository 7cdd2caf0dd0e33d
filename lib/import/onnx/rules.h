// Pieces that rules of several files share.
#pragma once

#include "lib/import/onnx/node_context.h"

namespace burin::onnx {

// ops_convolution.cpp: convolution with the node's window attributes.
Value emitConv(NodeContext& context, Value x, Value w, Value bias);
// ops_elementwise.cpp: an activation by its ONNX name ("" or none gives x).
Value namedActivation(NodeContext& context, Value x, const std::string& name,
                      const std::vector<float>& parameters);
// ops_pooling.cpp: mean over the window of the node's attributes.
Value emitAveragePool(NodeContext& context, Value x);
// ops_linear.cpp: alpha * op(a) op(b) with a bias that may be absent (null).
Value emitGemm(NodeContext& context, Value a, Value b, Value bias, bool transA, bool transB);
Value addBias(NodeContext& context, Value y, Value bias);
// ops_normalization.cpp: over one axis; before opset 13 over axis and all behind it.
Value emitSoftmax(NodeContext& context, Value x, bool log);
// ops_quantization.cpp
Value emitDequantize(NodeContext& context, Value x, Value scale, Value zeroPoint, int64_t axis = 1);
Value emitQuantize(NodeContext& context, Value x, Value scale, Value zeroPoint, int64_t axis = 1);
// ops_gather.cpp: binds a result whose size depends on data: cut to `count` entries along `axis` when that is
// known, else the maximum with its valid count.
void setCounted(NodeContext& context, int output, Value result, Value count, int64_t axis);
// ops_control.cpp: the identity on sequences and tensors.
void importIdentity(NodeContext& context);

Ints movedToEnd(int64_t rank, int64_t axis); // permutation that moves `axis` behind all others
Ints inverse(const Ints& permutation);

} // namespace burin::onnx
