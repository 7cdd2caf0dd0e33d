// A GraphDef with its interface, as a flat graph.
#pragma once

#include "lib/import/flat_graph.h"
#include "lib/import/tensorflow/graph.h"

namespace burin::tensorflow {

// Where the values of variables come from.
class VariableStore {
public:
  virtual ~VariableStore() = default;
  // `tensor` is the output of a VariableV2 or VarHandleOp node.
  virtual Result<Value> read(ImportSession& session, const GraphNode& variable,
                             const std::string& tensor) = 0;
};

struct GraphSource {
  const tfpb::GraphDef* graph = nullptr;
  std::shared_ptr<const void> owner;             // of the graph
  const tfpb::SignatureDef* signature = nullptr; // names the inputs and outputs; may be null
  // Of the flattened graph; may be null.
  std::function<std::unique_ptr<VariableStore>(const std::vector<GraphNode>&)> openVariables;
};

// Runs one function of the model, for loops and branches; see GraphSession::callFunction.
class GraphSession;
Result<std::vector<Value>> runFunction(const GraphSource& source, GraphSession& session,
                                       const std::string& function, const std::string& name,
                                       const std::vector<Value>& arguments);

Result<mlir::OwningOpRef<mlir::ModuleOp>> importGraph(const GraphSource& source, const ImportOptions& options,
                                                      nn::GraphBuilder& builder, ImportInfo& info);

} // namespace burin::tensorflow
