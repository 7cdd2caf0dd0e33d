// A TensorFlow graph without its wrapping: functions are inlined, conditions on constants decided, tensors
// named "node" (output 0) and "node:1".
#pragma once

#include "lib/import/common.h"
#include "schema/tensorflow.pb.h"

#include <optional>
#include <unordered_map>

namespace burin::tensorflow {

using AttributeMap = google::protobuf::Map<std::string, tfpb::AttrValue>;

struct GraphNode {
  std::string name; // behind the names of the calls it was inlined from: "call/conv"
  std::string type;
  std::vector<std::string> inputs;  // tensors
  std::vector<std::string> control; // nodes that have to run before
  // Tensors; empty for an ordinary node, whose outputs are named after it.
  std::vector<std::string> outputs;
  const tfpb::NodeDef* def = nullptr;
  const AttributeMap* call = nullptr; // attributes of the call it was inlined from; may be null
};

std::string tensorName(const std::string& node, int64_t output);
// "node:0" as "node".
std::string withoutZero(const std::string& tensor);
// The node of a tensor and which of its outputs it is.
std::pair<std::string, int> splitTensor(const std::string& tensor);

// Null for an attribute that the node does not have.
const tfpb::AttrValue* findAttribute(const GraphNode& node, const std::string& name);

// Inlines calls of functions, and conditionals (If, Switch with Merge) whose condition is constant; what
// depends on a branch not taken is gone. Fails beyond `maxNodes` nodes. The result points into `graph`.
Result<std::vector<GraphNode>> flatten(const tfpb::GraphDef& graph, int64_t maxNodes);

// A function's nodes as a call makes them: `call` has the function's arguments as inputs and its results as
// outputs 0, 1,
// ...; `results` tells how many those are.
Result<std::vector<GraphNode>> flattenCall(const tfpb::GraphDef& graph, const GraphNode& call,
                                           const std::string& function, int64_t maxNodes, int& results);

// The constant that a boolean tensor holds: through identities, not, and, or.
class ConstantConditions {
public:
  explicit ConstantConditions(const std::vector<GraphNode>& nodes);
  std::optional<bool> valueOf(const std::string& tensor) { return valueOf(tensor, 0); }

private:
  std::optional<bool> valueOf(const std::string& tensor, int depth);
  std::optional<bool> compute(const GraphNode& node, int depth);

  const std::vector<GraphNode>& nodes_;
  std::unordered_map<std::string, size_t> producer_;
  std::unordered_map<std::string, std::optional<bool>> known_;
};

// Decides every Switch whose condition is constant, and the Merge behind it.
void decideSwitches(std::vector<GraphNode>& nodes);

// Nodes that change a variable before one of `outputs` is there, from `inputs` on: the network has a state.
std::vector<const GraphNode*> updatesBefore(const std::vector<GraphNode>& nodes,
                                            const std::vector<std::string>& inputs,
                                            const std::vector<std::string>& outputs);

} // namespace burin::tensorflow
