// Test support: small ONNX models written in code, imported, and looked at.
#pragma once

#include "lib/import/onnx/importer.h"
#include "lib/import/test_support.h"
#include "schema/onnx.pb.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace burin::onnx::test {

using namespace burin::test;

using onnxpb::AttributeProto;
using onnxpb::GraphProto;
using onnxpb::NodeProto;
using onnxpb::TensorProto;

inline AttributeProto attribute(const std::string& name, int64_t value) {
  AttributeProto a;
  a.set_name(name), a.set_type(AttributeProto::INT), a.set_i(value);
  return a;
}
inline AttributeProto attribute(const std::string& name, float value) {
  AttributeProto a;
  a.set_name(name), a.set_type(AttributeProto::FLOAT), a.set_f(value);
  return a;
}
inline AttributeProto attribute(const std::string& name, const char* value) {
  AttributeProto a;
  a.set_name(name), a.set_type(AttributeProto::STRING), a.set_s(value);
  return a;
}
inline AttributeProto attribute(const std::string& name, const std::vector<int64_t>& values) {
  AttributeProto a;
  a.set_name(name), a.set_type(AttributeProto::INTS);
  for (int64_t v : values) a.add_ints(v);
  return a;
}
inline AttributeProto attribute(const std::string& name, const std::vector<float>& values) {
  AttributeProto a;
  a.set_name(name), a.set_type(AttributeProto::FLOATS);
  for (float v : values) a.add_floats(v);
  return a;
}
inline AttributeProto attribute(const std::string& name, const GraphProto& graph) {
  AttributeProto a;
  a.set_name(name), a.set_type(AttributeProto::GRAPH), *a.mutable_g() = graph;
  return a;
}
inline AttributeProto reference(const std::string& name, const std::string& outer,
                                AttributeProto::AttributeType type) {
  AttributeProto a;
  a.set_name(name), a.set_type(type), a.set_ref_attr_name(outer);
  return a;
}

using Attributes = std::vector<AttributeProto>;

inline NodeProto makeNode(const std::string& type, const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs, const Attributes& attributes = {},
                          const std::string& name = {}) {
  NodeProto node;
  node.set_op_type(type), node.set_name(name);
  for (const auto& i : inputs) node.add_input(i);
  for (const auto& o : outputs) node.add_output(o);
  for (const auto& a : attributes) *node.add_attribute() = a;
  return node;
}

inline TensorProto floatTensor(const std::string& name, const std::vector<int64_t>& dims,
                               const std::vector<float>& values) {
  TensorProto t;
  t.set_name(name), t.set_data_type(TensorProto::FLOAT);
  for (int64_t d : dims) t.add_dims(d);
  t.set_raw_data(values.data(), values.size() * sizeof(float));
  return t;
}
inline TensorProto intTensor(const std::string& name, const std::vector<int64_t>& dims,
                             const std::vector<int64_t>& values) {
  TensorProto t;
  t.set_name(name), t.set_data_type(TensorProto::INT64);
  for (int64_t d : dims) t.add_dims(d);
  for (int64_t v : values) t.add_int64_data(v);
  return t;
}

// A model under construction. Dimensions below 0 are left open, named "dim<i>".
class Model {
public:
  explicit Model(int64_t opset = 13) {
    proto.mutable_graph()->set_name("g");
    proto.add_opset_import()->set_version(opset);
  }
  Model& input(const std::string& name, const std::vector<int64_t>& dims, int type = TensorProto::FLOAT) {
    setType(*proto.mutable_graph()->add_input(), name, dims, type);
    return *this;
  }
  Model& output(const std::string& name) {
    proto.mutable_graph()->add_output()->set_name(name);
    return *this;
  }
  Model& node(const std::string& type, const std::vector<std::string>& inputs,
              const std::vector<std::string>& outputs, const Attributes& attributes = {},
              const std::string& name = {}) {
    *proto.mutable_graph()->add_node() = makeNode(type, inputs, outputs, attributes, name);
    return *this;
  }
  Model& constant(const TensorProto& tensor) {
    *proto.mutable_graph()->add_initializer() = tensor;
    return *this;
  }
  static void setType(onnxpb::ValueInfoProto& info, const std::string& name, const std::vector<int64_t>& dims,
                      int type = TensorProto::FLOAT) {
    info.set_name(name);
    auto* tensor = info.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    auto* shape = tensor->mutable_shape();
    for (size_t i = 0; i < dims.size(); ++i)
      if (dims[i] >= 0)
        shape->add_dim()->set_dim_value(dims[i]);
      else
        shape->add_dim()->set_dim_param("dim" + std::to_string(i));
  }

  onnxpb::ModelProto proto;
};

inline Imported import(const Model& model, const ImportOptions& options = {},
                       const std::string& folder = {}) {
  auto context = std::make_unique<mlir::MLIRContext>();
  nn::loadDialects(*context);
  std::string bytes = model.proto.SerializeAsString();
  auto result = importOnnxBytes({bytes.data(), bytes.size()}, folder, options, *context);
  return {std::move(context), std::move(result)};
}

// One node with input x, constants for the others, and outputs.
struct Case {
  Model model;
  Case(int64_t opset, const std::string& type, const Attributes& attributes,
       const std::vector<TensorProto>& constants, const std::vector<std::string>& outputs = {"y"})
      : model(opset) {
    std::vector<std::string> inputs = {"x"};
    for (const TensorProto& t : constants) inputs.push_back(t.name());
    for (const TensorProto& t : constants)
      if (!t.name().empty()) model.constant(t);
    model.node(type, inputs, outputs, attributes, "node");
    for (const auto& name : outputs) model.output(name);
  }
  // With x = 0, 1, 2, ... in this shape, everything folded.
  Imported run(const std::vector<int64_t>& dims, const std::vector<float>& values = {}) {
    size_t n = 1;
    for (int64_t d : dims) n *= static_cast<size_t>(d);
    ImportOptions options;
    options.keepQuantization = false;
    options.boundInputs["x"] = boundFloats(dims, values.empty() ? counting(n) : values);
    model.input("x", dims);
    return import(model, options);
  }
  // With x as a run-time input.
  Imported graph(const std::vector<int64_t>& dims) {
    model.input("x", dims);
    return import(model);
  }
};

} // namespace burin::onnx::test
