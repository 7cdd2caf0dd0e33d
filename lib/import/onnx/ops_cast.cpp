// Element type conversions and what passes values through.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"
#include "lib/import/onnx/tensor_reader.h"

#include <fmt/format.h>

namespace burin::onnx {

namespace {
void importCast(NodeContext& c) {
  int64_t to = c.integer("to");
  auto type = elementType(static_cast<int32_t>(to));
  if (c.failed()) return;
  if (!type) return c.fail(type.error());
  if (to == onnxpb::TensorProto::INT4 || to == onnxpb::TensorProto::UINT4)
    return c.unsupported("casts to 4-bit integers are not supported");
  c.set(0, c.cast(c.in(0), *type));
}

void importCastLike(NodeContext& c) { c.set(0, c.cast(c.in(0), NodeContext::dtype(c.in(1)))); }

// Inference: the input passes, the mask is all true (of the input's own type before opset 10).
void importDropout(NodeContext& c) {
  if (c.has(2)) {
    if (!nn::isConstant(c.in(2)))
      return c.unsupported("its training_mode is computed at run time", "export the model in inference mode");
    if (c.constantInt(2, "training_mode").value_or(0))
      return c.unsupported("it is in training mode", "export the model in inference mode");
  }
  c.set(0, c.in(0));
  if (!c.wants(1)) return;
  rt::DType type = c.opset() >= 10 ? rt::DType::Bool : NodeContext::dtype(c.in(0));
  c.set(1, c.expand(c.scalar(1, type), NodeContext::dims(c.in(0))));
}

const OperatorRow kRows[] = {
    {"Cast", importCast, 1, 1, 6},
    {"CastLike", importCastLike, 2, 2},
    {"Dropout", importDropout, 1, 3, 7},
    {"Identity", importIdentity, 1, 1, 1, "", true},
};
} // namespace

const OperatorTable kCastOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
