// Element type conversions and what passes values through.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"
#include "lib/import/onnx/tensor_reader.h"

#include <fmt/format.h>

namespace burin::onnx {

namespace {
// Before opset 6 the type was a word: the name in TensorProto.DataType.
int64_t elementTypeNamed(const std::string& word) {
  onnxpb::TensorProto::DataType type = onnxpb::TensorProto::UNDEFINED;
  return onnxpb::TensorProto::DataType_Parse(word, &type) ? type : onnxpb::TensorProto::UNDEFINED;
}

void importCast(NodeContext& c) {
  int64_t to = c.opset() < 6 ? elementTypeNamed(c.text("to")) : c.integer("to");
  auto type = elementType(static_cast<int32_t>(to));
  if (c.failed()) return;
  if (!type) return c.fail(type.error());
  if (to == onnxpb::TensorProto::INT4 || to == onnxpb::TensorProto::UINT4)
    return c.unsupported("casts to 4-bit integers are not supported");
  c.set(0, c.cast(c.in(0), *type));
}

void importCastLike(NodeContext& c) { c.set(0, c.cast(c.in(0), NodeContext::dtype(c.in(1)))); }

// Training is an input since opset 12, unknown to 7..11, and before that the default, with an attribute for
// inference. A ratio of zero drops nothing in either mode.
bool drops(NodeContext& c) {
  if (c.opset() < 7) return !c.flag("is_test") && c.real("ratio", 0.5f) > 0;
  if (!c.has(2)) return false;
  auto training = c.constantInt(2, "training_mode");
  if (!training || *training == 0) return false;
  if (!c.has(1)) return true;
  auto ratio = c.constantFloat(1, "ratio");
  return ratio && *ratio > 0;
}

// Inference: the input passes, the mask is all true (of the input's own type before opset 10).
void importDropout(NodeContext& c) {
  if (drops(c)) return c.unsupported("it is in training mode", "export the model in inference mode");
  c.set(0, c.in(0));
  if (!c.wants(1)) return;
  rt::DType type = c.opset() >= 10 ? rt::DType::Bool : NodeContext::dtype(c.in(0));
  c.set(1, c.expand(c.scalar(1, type), NodeContext::dims(c.in(0))));
}

const OperatorRow kRows[] = {
    {"Cast", importCast, 1, 1},
    {"CastLike", importCastLike, 2, 2},
    {"Dropout", importDropout, 1, 3},
    {"Identity", importIdentity, 1, 1, 1, "", true},
};
} // namespace

const OperatorTable<OperatorRow> kCastOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
