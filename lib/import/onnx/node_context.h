// A rule's view of an ONNX node: attributes, subgraphs, sequences, opset.
#pragma once

#include "lib/import/onnx/graph_importer.h"
#include "lib/import/rule_context.h"

namespace burin::onnx {

struct OperatorRow;

class NodeContext : public RuleContext {
public:
  NodeContext(GraphImporter& importer, const Scope& scope, const onnxpb::NodeProto& node,
              std::vector<ImportValue> inputs, const OperatorRow& row, int64_t opset);

  // The node.
  const OperatorRow& row() const { return row_; }
  int64_t opset() const { return opset_; } // version of the operator's domain
  GraphImporter& importer() { return importer_; }
  const Scope& scope() const { return scope_; }

  // Attributes. A wrong type is an error; an absent attribute gives the fallback.
  bool hasAttribute(const char* name) const { return find(name) != nullptr; }
  int64_t integer(const char* name, int64_t fallback = 0);
  bool flag(const char* name, bool fallback = false) { return integer(name, fallback) != 0; }
  float real(const char* name, float fallback = 0);
  std::string text(const char* name, const std::string& fallback = {});
  Ints ints(const char* name, const Ints& fallback = {});
  std::vector<float> floats(const char* name, const std::vector<float>& fallback = {});
  std::vector<std::string> texts(const char* name);
  const onnxpb::GraphProto* graph(const char* name);
  const onnxpb::TensorProto* tensor(const char* name);

  // Inputs that may be more than tensors.
  const ImportValue& input(int i) const { return inputs_[static_cast<size_t>(i)]; }
  // Attribute `name` up to the opset before `inputSince`, input i from then on. Empty optional: absent.
  std::optional<Ints> attributeOrInput(const char* name, int i, int64_t inputSince);

  // Outputs that may be more than tensors.
  using RuleContext::set;
  void set(int i, ImportValue value);
  void adopt(const ImportValue& value);
  std::optional<ImportValue> output(int i) const; // nothing where the rule bound nothing

private:
  const onnxpb::AttributeProto* find(const char* name) const;
  const onnxpb::AttributeProto* find(const char* name, int32_t type);

  GraphImporter& importer_;
  const Scope& scope_;
  const onnxpb::NodeProto& node_;
  std::vector<ImportValue> inputs_;
  const OperatorRow& row_;
  int64_t opset_;
  std::vector<std::optional<ImportValue>> structured_; // what set(int, ImportValue) bound
};

} // namespace burin::onnx
