// Walks a graph, its subgraphs and functions, and hands every node to the rule of its operator.
#pragma once

#include "lib/import/graph_plan.h"
#include "lib/import/interface.h"
#include "lib/import/onnx/tensor_reader.h"

#include <memory>
#include <optional>
#include <unordered_map>

namespace burin::onnx {

// What a name stands for while importing. Sequences and optionals exist only here: they are resolved into the
// tensors they hold.
struct ImportValue {
  enum class Kind {
    Absent, // an optional input that is left out
    Tensor,
    Sequence,
    Empty,      // an optional without a value
    Unavailable // a result that could not be made; `reason` says why, empty when it was reported already
  };
  Kind kind = Kind::Absent;
  mlir::Value tensor;
  mlir::Value count; // i64 [1]: how many leading entries of a data-dependent result are valid
  std::vector<ImportValue> items;
  std::string reason;

  ImportValue() = default;
  ImportValue(mlir::Value value) : kind(Kind::Tensor), tensor(value) {}
  static ImportValue sequence(std::vector<ImportValue> items) {
    ImportValue value;
    value.kind = Kind::Sequence;
    value.items = std::move(items);
    return value;
  }
  static ImportValue unavailable(std::string reason) {
    ImportValue value;
    value.kind = Kind::Unavailable;
    value.reason = std::move(reason);
    return value;
  }
  static ImportValue empty() {
    ImportValue value;
    value.kind = Kind::Empty;
    return value;
  }
  bool isTensor() const { return kind == Kind::Tensor; }
};

using NodeList = google::protobuf::RepeatedPtrField<onnxpb::NodeProto>;
using OpsetMap = std::map<std::string, int64_t>; // domain ("" = ai.onnx) -> version
using AttributeMap = std::unordered_map<std::string, const onnxpb::AttributeProto*>;

// Names visible to the nodes of one graph or function body.
struct Scope {
  const Scope* parent = nullptr;
  std::unordered_map<std::string, ImportValue> values;
  std::unordered_map<std::string_view, const onnxpb::TensorProto*> initializers;
  std::string prefix; // of tensor and node names, for bodies that run more than once
  const OpsetMap* opsets = nullptr;
  const AttributeMap* attributes = nullptr; // of the call, inside a function
  int depth = 0;
};

class GraphImporter : public ImportSession {
public:
  GraphImporter(const onnxpb::ModelProto& model, std::shared_ptr<const void> owner, const std::string& folder,
                const ImportOptions& options, nn::GraphBuilder& builder, ImportInfo& info);

  // Imports the main graph and ends the builder's module.
  Result<mlir::OwningOpRef<mlir::ModuleOp>> run();

  // Runs a body (of If, Loop, Scan) with its inputs bound to `inputs`; `prefix` makes the names of this run
  // unique.
  Result<std::vector<ImportValue>> runBody(const onnxpb::GraphProto& body, const Scope& parent,
                                           const std::string& prefix, const std::vector<ImportValue>& inputs);

  TensorReader& tensors() { return tensors_; }

private:
  struct GraphInput {
    std::string name;
    const onnxpb::TypeProto* type = nullptr; // may be null
  };
  NameSet knownNames(const onnxpb::GraphProto& graph) const;
  Result<std::vector<std::string>> outputNames() const;
  std::vector<std::string> tensorNames() const;
  Result<std::vector<GraphInput>> graphInputs() const;
  mlir::Value boundConstant(const GraphInput& input, const BoundTensor& tensor);
  Status bindInputs(const GraphPlan& plan, Scope& scope);
  Result<DeclaredInput> declarationOf(const GraphInput& input);
  Result<mlir::OwningOpRef<mlir::ModuleOp>> finish(const std::vector<std::string>& outputs, Scope& scope);

  Status runNodes(const NodeList& nodes, const GraphPlan& plan, Scope& scope);
  Status runNode(const onnxpb::NodeProto& node, Scope& scope);
  Status runFunction(const onnxpb::FunctionProto& function, const onnxpb::NodeProto& node,
                     std::vector<ImportValue> inputs, Scope& scope);
  Status runOperator(const onnxpb::NodeProto& node, std::vector<ImportValue> inputs, Scope& scope);
  // Null when nothing provides the name.
  Result<const ImportValue*> lookup(const std::string& name, const Scope& scope);
  Result<std::vector<ImportValue>> gatherInputs(const onnxpb::NodeProto& node, const Scope& scope,
                                                bool& available);
  const onnxpb::FunctionProto* findFunction(const onnxpb::NodeProto& node) const;
  Result<const GraphPlan*> planOf(const void* key, const NodeList& nodes,
                                  const std::vector<std::string>& outputs, const NameSet& known);

  const onnxpb::ModelProto& model_;
  TensorReader tensors_;
  OpsetMap opsets_;
  std::map<std::string, OpsetMap> functionOpsets_;
  std::unordered_map<std::string, const onnxpb::FunctionProto*> functions_;
  std::unordered_map<const void*, GraphPlan> plans_;
  std::unordered_map<const onnxpb::TensorProto*, ImportValue> constants_;
  int64_t nodeBudget_;
};

// "conv1 (Conv)": how errors name a node; an unnamed one goes by its first output.
std::string nodeLabel(const onnxpb::NodeProto& node);

} // namespace burin::onnx
