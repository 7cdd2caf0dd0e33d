// Test support: small TensorFlow graphs written in code, imported, and looked at.
#pragma once

#include "lib/import/tensorflow/importer.h"
#include "lib/import/test_support.h"
#include "schema/tensorflow.pb.h"

namespace burin::tensorflow::test {

using burin::test::counting;
using burin::test::has;
using burin::test::Imported;
using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;
using Attribute = std::pair<std::string, tfpb::AttrValue>;
using Attributes = std::vector<Attribute>;

inline Attribute integer(const std::string& name, int64_t value) {
  Attribute a{name, {}};
  a.second.set_i(value);
  return a;
}
inline Attribute flag(const std::string& name, bool value = true) {
  Attribute a{name, {}};
  a.second.set_b(value);
  return a;
}
inline Attribute real(const std::string& name, float value) {
  Attribute a{name, {}};
  a.second.set_f(value);
  return a;
}
inline Attribute text(const std::string& name, const std::string& value) {
  Attribute a{name, {}};
  a.second.set_s(value);
  return a;
}
inline Attribute type(const std::string& name, int value) {
  Attribute a{name, {}};
  a.second.set_type(value);
  return a;
}
inline Attribute ints(const std::string& name, const Ints& values) {
  Attribute a{name, {}};
  a.second.mutable_list();
  for (int64_t v : values) a.second.mutable_list()->add_i(v);
  return a;
}
inline Attribute function(const std::string& name, const std::string& called) {
  Attribute a{name, {}};
  a.second.mutable_func()->set_name(called);
  return a;
}

inline void setShape(tfpb::ShapeProto& shape, const Ints& dims) {
  for (int64_t d : dims) shape.add_dim()->set_size(d);
}

inline tfpb::NodeDef makeNode(const std::string& op, const std::string& name,
                              const std::vector<std::string>& inputs, const Attributes& attributes = {}) {
  tfpb::NodeDef node;
  node.set_op(op), node.set_name(name);
  for (const auto& input : inputs) node.add_input(input);
  for (const auto& [key, value] : attributes) (*node.mutable_attr())[key] = value;
  return node;
}

inline tfpb::NodeDef floatConst(const std::string& name, const Ints& dims, const Floats& values) {
  tfpb::NodeDef node = makeNode("Const", name, {}, {type("dtype", 1)});
  auto& tensor = *(*node.mutable_attr())["value"].mutable_tensor();
  tensor.set_dtype(1);
  setShape(*tensor.mutable_tensor_shape(), dims);
  tensor.set_tensor_content(values.data(), values.size() * sizeof(float));
  return node;
}
// int32, written value by value.
inline tfpb::NodeDef intConst(const std::string& name, const Ints& dims, const Ints& values) {
  tfpb::NodeDef node = makeNode("Const", name, {}, {type("dtype", 3)});
  auto& tensor = *(*node.mutable_attr())["value"].mutable_tensor();
  tensor.set_dtype(3);
  setShape(*tensor.mutable_tensor_shape(), dims);
  for (int64_t v : values) tensor.add_int_val(static_cast<int32_t>(v));
  return node;
}
inline tfpb::NodeDef boolConst(const std::string& name, const Ints& dims, const Ints& values) {
  tfpb::NodeDef node = makeNode("Const", name, {}, {type("dtype", 10)});
  auto& tensor = *(*node.mutable_attr())["value"].mutable_tensor();
  tensor.set_dtype(10);
  setShape(*tensor.mutable_tensor_shape(), dims);
  for (int64_t v : values) tensor.add_bool_val(v != 0);
  return node;
}

class Graph {
public:
  Graph() { proto.mutable_versions()->set_producer(27); }
  Graph& add(const tfpb::NodeDef& node) {
    *proto.add_node() = node;
    return *this;
  }
  Graph& node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs,
              const Attributes& attributes = {}) {
    return add(makeNode(op, name, inputs, attributes));
  }
  Graph& placeholder(const std::string& name, const Ints& dims, int dtype = 1) {
    tfpb::NodeDef node = makeNode("Placeholder", name, {}, {type("dtype", dtype)});
    setShape(*(*node.mutable_attr())["shape"].mutable_shape(), dims);
    return add(node);
  }
  Graph& constant(const std::string& name, const Ints& dims, const Floats& values) {
    return add(floatConst(name, dims, values));
  }
  Graph& constant(const std::string& name, const Ints& values) { // int32 [n]
    return add(intConst(name, {static_cast<int64_t>(values.size())}, values));
  }
  Graph& scalar(const std::string& name, int64_t value) { return add(intConst(name, {}, {value})); }
  Graph& scalar(const std::string& name, float value) { return add(floatConst(name, {}, {value})); }

  Imported import(const ImportOptions& options = {}) const {
    auto context = std::make_unique<mlir::MLIRContext>();
    nn::loadDialects(*context);
    std::string bytes = proto.SerializeAsString();
    auto result = importGraphDefBytes({bytes.data(), bytes.size()}, options, *context);
    return {std::move(context), std::move(result)};
  }
  Imported outputs(const std::vector<std::string>& names) const {
    ImportOptions options;
    options.outputs = names;
    options.keepQuantization = false;
    return import(options);
  }

  tfpb::GraphDef proto;
};

// One node "y" of constants: its inputs' names in order.
struct Case : Graph {
  explicit Case(const std::string& op, const std::vector<std::string>& inputs,
                const Attributes& attributes = {})
      : op_(op), inputs_(inputs), attributes_(attributes) {}
  Case& x(const Ints& dims, const Floats& values = {}) { return with("x", dims, values); }
  Case& with(const std::string& name, const Ints& dims, const Floats& values = {}) {
    size_t n = 1;
    for (int64_t d : dims) n *= static_cast<size_t>(d);
    constant(name, dims, values.empty() ? counting(n) : values);
    return *this;
  }
  Case& numbers(const std::string& name, const Ints& values) { // int32 [n]
    constant(name, values);
    return *this;
  }
  Case& number(const std::string& name, int64_t value) { // int32
    scalar(name, value);
    return *this;
  }
  Case& with(const tfpb::NodeDef& node) {
    add(node);
    return *this;
  }
  Imported run(const std::vector<std::string>& names = {"y"}) {
    node(op_, "y", inputs_, attributes_);
    return Graph::outputs(names);
  }

private:
  std::string op_;
  std::vector<std::string> inputs_;
  Attributes attributes_;
};

} // namespace burin::tensorflow::test
