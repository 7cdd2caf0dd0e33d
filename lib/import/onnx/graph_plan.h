// Which nodes of a graph are needed, and in which order they can run.
#pragma once

#include "lib/support/error.h"
#include "schema/onnx.pb.h"

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace burin::onnx {

using NodeList = google::protobuf::RepeatedPtrField<onnxpb::NodeProto>;
using NameSet = std::unordered_set<std::string_view>;

// Names that the subgraphs of `node` use from outside.
NameSet capturedNames(const onnxpb::NodeProto& node);

struct GraphPlan {
  std::vector<int> order; // indices of the needed nodes; the file's order wherever that is valid
  NameSet used;           // every name that a needed node or an output reads
};

// `known` are names that exist without any node (inputs, initializers, cuts); a name that nothing provides
// may come from an enclosing graph and is checked when it is read. Errors: a tensor produced twice, a cycle.
Result<GraphPlan> planGraph(const NodeList& nodes, const std::vector<std::string>& outputs,
                            const NameSet& known);

} // namespace burin::onnx
