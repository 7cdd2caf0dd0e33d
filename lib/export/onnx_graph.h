// An ONNX graph under construction: nodes, initializers and unique names.
#pragma once

#include "lib/support/error.h"
#include "runtime/core/types.h"
#include "schema/onnx.pb.h"

#include <set>
#include <span>
#include <variant>

namespace burin::onnx_export {

struct Attribute {
  std::string name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
               std::vector<std::string>>
      value;
};
using Attributes = std::vector<Attribute>;
using Names = std::vector<std::string>;

int32_t onnxType(rt::DType dtype);

class OnnxGraph {
public:
  explicit OnnxGraph(int64_t opset);
  int64_t opset() const { return opset_; }

  void input(const std::string& name, const rt::TensorType& type) {
    describe(*graph().add_input(), name, type);
  }
  void output(const std::string& name, const rt::TensorType& type) {
    describe(*graph().add_output(), name, type);
  }

  // A name that nothing else has: `wanted`, or with a number.
  std::string unique(const std::string& wanted);
  void reserve(const std::string& name) { used_.insert(name); }
  bool taken(const std::string& name) const { return used_.count(name) != 0; }

  void node(const std::string& type, const Names& inputs, const Names& outputs, const Attributes& attributes,
            const std::string& name);
  // Data in row-major order. Returns the name it was given.
  std::string initializer(const std::string& wanted, const rt::TensorType& type, std::span<const char> data);
  std::string floats(const std::string& wanted, std::span<const float> values,
                     const std::vector<int64_t>& shape);
  std::string ints(const std::string& wanted, std::span<const int64_t> values); // i64 [n]
  std::string integer(const std::string& wanted, int64_t value);                // i64 scalar

  // Empty when the model is larger than a protobuf message may be.
  Result<std::string> serialize();

private:
  std::string nodeName(const std::string& type, const std::string& wanted);
  onnxpb::GraphProto& graph() { return *model_.mutable_graph(); }
  static void describe(onnxpb::ValueInfoProto& info, const std::string& name, const rt::TensorType& type);

  int64_t opset_;
  onnxpb::ModelProto model_;
  std::set<std::string> used_, nodeNames_;
};

} // namespace burin::onnx_export
