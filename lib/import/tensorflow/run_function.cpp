// A function of the model run on values: the rounds of loops, and branches that constants choose.
#include "lib/import/tensorflow/graph_importer.h"

#include "lib/import/tensorflow/operators.h"
#include "lib/import/tensorflow/tensor_reader.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
class FunctionRunner {
public:
  FunctionRunner(const GraphSource& source, GraphSession& session, std::vector<GraphNode> nodes)
      : source_(source), session_(session), nodes_(std::move(nodes)) {
    for (const GraphNode& node : nodes_)
      for (const std::string& input : node.inputs) {
        auto [name, index] = splitTensor(input);
        int& count = outputCounts_[name];
        count = std::max(count, std::min(index, 65535) + 1);
      }
    for (size_t i = 0; i < nodes_.size(); ++i) add(i);
    flat_.constant = [this](const std::string& name) { return constant(name); };
    flat_.hasRule = [](const FlatNode& node) { return operators().find(node.type) != nullptr; };
    flat_.remedy = remedyFor;
    flat_.rule = [this](size_t index, RuleContext& context) {
      runRule(*operators().find(flat_.nodes[index].type), nodes_[origin_[index]], context);
    };
  }

  Result<std::vector<Value>> run(const std::vector<std::string>& results,
                                 std::unordered_map<std::string, Value> arguments) {
    flat_.outputs = results;
    return runFlatGraph(flat_, session_, std::move(arguments));
  }

private:
  void add(size_t index) {
    const GraphNode& node = nodes_[index];
    if (node.type == "Const") {
      flat_.constants.insert(node.name);
      constants_.emplace(node.name, index);
      return;
    }
    std::vector<std::string> outputs = node.outputs;
    for (int i = 0; node.outputs.empty() && i < std::max(outputCounts_[node.name], 1); ++i)
      outputs.push_back(tensorName(node.name, i));
    flat_.nodes.push_back({node.name, node.type, node.inputs, std::move(outputs)});
    origin_.push_back(index);
  }

  Result<Value> constant(const std::string& name) {
    const tfpb::AttrValue* value = findAttribute(nodes_[constants_.at(name)], "value");
    if (!value || !value->has_tensor())
      return fail(Error{ErrorCode::Input,
                        {},
                        name + " (Const)",
                        "it holds no value",
                        "the model is damaged; export it again"});
    return readTensor(session_, value->tensor(), source_.owner, name);
  }

  const GraphSource& source_;
  GraphSession& session_;
  std::vector<GraphNode> nodes_;
  FlatGraph flat_;
  std::vector<size_t> origin_; // of each flat node, in nodes_
  std::unordered_map<std::string, size_t> constants_;
  std::unordered_map<std::string, int> outputCounts_; // by node
};
} // namespace

Result<std::vector<Value>> runFunction(const GraphSource& source, GraphSession& session,
                                       const std::string& function, const std::string& name,
                                       const std::vector<Value>& arguments) {
  GraphNode call{name, function, {}, {}, {}, &tfpb::NodeDef::default_instance(), nullptr};
  std::unordered_map<std::string, Value> values;
  for (size_t i = 0; i < arguments.size(); ++i) {
    call.inputs.push_back(tensorName(name + "/argument", static_cast<int64_t>(i)));
    values.emplace(call.inputs.back(), arguments[i]);
  }
  int count = 0;
  BURIN_ASSIGN(std::vector<GraphNode> nodes,
               flattenCall(*source.graph, call, function, session.options().maxNodes, count));
  session.unrolledNodes += static_cast<int64_t>(nodes.size());
  if (session.unrolledNodes > session.options().maxNodes)
    return fail(Error{ErrorCode::Unsupported,
                      {},
                      name,
                      "unrolling its loops gives too many nodes",
                      "export the loop with fewer rounds"});
  std::vector<std::string> results;
  for (int i = 0; i < count; ++i) results.push_back(tensorName(name, i));
  return FunctionRunner(source, session, std::move(nodes)).run(results, std::move(values));
}

} // namespace burin::tensorflow
