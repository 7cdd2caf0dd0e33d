#include "lib/export/onnx_graph.h"

namespace burin::onnx_export {

namespace {
// Of the release that brought the opset.
int64_t irVersion(int64_t opset) { return opset >= 21 ? 10 : opset >= 19 ? 9 : 8; }
// Protobuf messages end at 2 GiB.
constexpr size_t kLargestModelBytes = (size_t(1) << 31) - 1;

template <class... T>
struct Overloaded : T... {
  using T::operator()...;
};
template <class... T>
Overloaded(T...) -> Overloaded<T...>;

void setValue(onnxpb::AttributeProto& a, const Attribute& attribute) {
  using Proto = onnxpb::AttributeProto;
  a.set_name(attribute.name);
  std::visit(Overloaded{
                 [&](int64_t v) { a.set_type(Proto::INT), a.set_i(v); },
                 [&](float v) { a.set_type(Proto::FLOAT), a.set_f(v); },
                 [&](const std::string& v) { a.set_type(Proto::STRING), a.set_s(v); },
                 [&](const std::vector<int64_t>& v) {
                   a.set_type(Proto::INTS);
                   for (int64_t i : v) a.add_ints(i);
                 },
                 [&](const std::vector<float>& v) {
                   a.set_type(Proto::FLOATS);
                   for (float f : v) a.add_floats(f);
                 },
                 [&](const std::vector<std::string>& v) {
                   a.set_type(Proto::STRINGS);
                   for (const std::string& s : v) a.add_strings(s);
                 },
             },
             attribute.value);
}
} // namespace

int32_t onnxType(rt::DType dtype) {
  using Proto = onnxpb::TensorProto;
  switch (dtype) {
  case rt::DType::F32:
    return Proto::FLOAT;
  case rt::DType::F16:
    return Proto::FLOAT16;
  case rt::DType::BF16:
    return Proto::BFLOAT16;
  case rt::DType::I8:
    return Proto::INT8;
  case rt::DType::U8:
    return Proto::UINT8;
  case rt::DType::I16:
    return Proto::INT16;
  case rt::DType::U16:
    return Proto::UINT16;
  case rt::DType::I32:
    return Proto::INT32;
  case rt::DType::U32:
    return Proto::UINT32;
  case rt::DType::I64:
    return Proto::INT64;
  case rt::DType::U64:
    return Proto::UINT64;
  case rt::DType::Bool:
    return Proto::BOOL;
  default:
    return Proto::UNDEFINED;
  }
}

OnnxGraph::OnnxGraph(int64_t opset) : opset_(opset) {
  model_.set_ir_version(irVersion(opset));
  model_.set_producer_name("burin");
  model_.add_opset_import()->set_version(opset);
  graph().set_name("main");
}

void OnnxGraph::describe(onnxpb::ValueInfoProto& info, const std::string& name, const rt::TensorType& type) {
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnxType(type.dtype));
  tensor.mutable_shape();
  for (int axis = 0; axis < type.shape.rank; ++axis)
    tensor.mutable_shape()->add_dim()->set_dim_value(type.shape.dim[axis]);
}

std::string OnnxGraph::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; !used_.insert(name).second; ++number) name = wanted + "_" + std::to_string(number);
  return name;
}

// Several nodes may stand for one of the source: the first has its name, the others say what they do. A bare
// number would not do: executors number the nodes that they make themselves.
std::string OnnxGraph::nodeName(const std::string& type, const std::string& wanted) {
  std::string name = wanted, typed = wanted + "/" + type;
  for (int number = 1; !nodeNames_.insert(name).second; ++number)
    name = number == 1 ? typed : typed + "_" + std::to_string(number);
  return name;
}

void OnnxGraph::node(const std::string& type, const Names& inputs, const Names& outputs,
                     const Attributes& attributes, const std::string& name) {
  auto& node = *graph().add_node();
  node.set_op_type(type);
  node.set_name(nodeName(type, name));
  size_t used = inputs.size(); // optional inputs left out at the end are not written
  while (used > 0 && inputs[used - 1].empty()) --used;
  for (size_t i = 0; i < used; ++i) node.add_input(inputs[i]);
  for (const std::string& output : outputs) node.add_output(output);
  for (const Attribute& a : attributes) setValue(*node.add_attribute(), a);
}

std::string OnnxGraph::initializer(const std::string& wanted, const rt::TensorType& type,
                                   std::span<const char> data) {
  auto& tensor = *graph().add_initializer();
  tensor.set_name(unique(wanted));
  tensor.set_data_type(onnxType(type.dtype));
  for (int axis = 0; axis < type.shape.rank; ++axis) tensor.add_dims(type.shape.dim[axis]);
  tensor.set_raw_data(data.data(), data.size());
  return tensor.name();
}

std::string OnnxGraph::floats(const std::string& wanted, std::span<const float> values,
                              const std::vector<int64_t>& shape) {
  rt::TensorType type;
  type.dtype = rt::DType::F32;
  for (int64_t d : shape) type.shape.push(d);
  return initializer(wanted, type, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

std::string OnnxGraph::ints(const std::string& wanted, std::span<const int64_t> values) {
  rt::TensorType type;
  type.dtype = rt::DType::I64;
  type.shape.push(static_cast<int64_t>(values.size()));
  return initializer(wanted, type, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

std::string OnnxGraph::integer(const std::string& wanted, int64_t value) {
  rt::TensorType type;
  type.dtype = rt::DType::I64;
  return initializer(wanted, type, {reinterpret_cast<const char*>(&value), sizeof value});
}

Result<std::string> OnnxGraph::serialize() {
  if (model_.ByteSizeLong() > kLargestModelBytes)
    return fail(ErrorCode::Unsupported, "the model is larger than the 2 GiB that an ONNX file can hold",
                "cut it with --outputs");
  std::string bytes;
  if (!model_.SerializeToString(&bytes))
    return fail(ErrorCode::Internal, "the ONNX model cannot be serialized");
  return bytes;
}

} // namespace burin::onnx_export
