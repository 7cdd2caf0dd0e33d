#include "lib/import/flat_graph.h"

#include "lib/import/graph_plan.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace burin {

namespace {
bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string labelOf(const FlatNode& node) {
  std::string name = !node.name.empty() ? node.name : node.outputs.empty() ? "unnamed" : node.outputs.front();
  return fmt::format("{} ({})", name, node.type);
}

class FlatImporter {
public:
  FlatImporter(const FlatGraph& graph, ImportSession& session) : graph_(graph), session_(session) {}

  Result<mlir::OwningOpRef<mlir::ModuleOp>> run() {
    BURIN_ASSIGN(std::vector<std::string> outputs, outputNames());
    BURIN_ASSIGN(std::vector<DeclaredInput> inputs, declaredInputs());
    std::vector<PlanNode> nodes = planNodes();
    NameSet known(graph_.constants.begin(), graph_.constants.end());
    for (const DeclaredInput& input : inputs) known.insert(input.name);
    BURIN_ASSIGN(GraphPlan plan, planGraph(nodes, outputs, known));
    BURIN_CHECK(bindInputs(inputs, plan));
    for (int index : plan.order) BURIN_CHECK(runNode(static_cast<size_t>(index)));
    return finish(outputs);
  }

  Result<std::vector<Value>> runOn(std::unordered_map<std::string, Value> values) {
    values_ = std::move(values);
    std::vector<PlanNode> nodes = planNodes();
    NameSet known(graph_.constants.begin(), graph_.constants.end());
    for (const auto& [name, value] : values_) known.insert(name);
    BURIN_ASSIGN(GraphPlan plan, planGraph(nodes, graph_.outputs, known));
    for (int index : plan.order) BURIN_CHECK(runNode(static_cast<size_t>(index)));
    std::vector<Value> results;
    for (const std::string& name : graph_.outputs) {
      BURIN_ASSIGN(Value value, lookup(name, "result '" + name + "'"));
      results.push_back(value);
    }
    return results;
  }

private:
  std::vector<PlanNode> planNodes() const {
    std::vector<PlanNode> nodes;
    for (const FlatNode& node : graph_.nodes)
      nodes.push_back({labelOf(node),
                       {node.inputs.begin(), node.inputs.end()},
                       {node.outputs.begin(), node.outputs.end()}});
    return nodes;
  }

  std::vector<std::string> tensorNames() const {
    std::vector<std::string> names;
    for (const FlatNode& node : graph_.nodes)
      for (const std::string& output : node.outputs)
        if (!output.empty()) names.push_back(output);
    for (const DeclaredInput& input : graph_.inputs) names.push_back(input.name);
    return names;
  }

  Result<std::vector<std::string>> outputNames() const {
    const std::vector<std::string>& wanted = session_.options().outputs;
    if (wanted.empty() && graph_.outputs.empty())
      return fail(ErrorCode::Input, "the graph has no outputs", "name some with --outputs");
    if (wanted.empty()) return graph_.outputs;
    std::vector<std::string> names = tensorNames(), outputs;
    for (const std::string& name : wanted) {
      if (!contains(names, name)) return fail(unknownTensor("--outputs", name, names));
      if (!contains(outputs, name)) outputs.push_back(name);
    }
    return outputs;
  }

  // The file's, then the cuts.
  Result<std::vector<DeclaredInput>> declaredInputs() const {
    std::vector<DeclaredInput> inputs = graph_.inputs;
    std::vector<std::string> names = tensorNames();
    for (const std::string& cut : session_.options().inputs) {
      if (!contains(names, cut)) return fail(unknownTensor("--inputs", cut, names));
      if (std::none_of(inputs.begin(), inputs.end(), [&](const auto& i) { return i.name == cut; }))
        inputs.push_back({cut, rt::DType::F32, {}});
    }
    return inputs;
  }

  Status bindInputs(const std::vector<DeclaredInput>& inputs, const GraphPlan& plan) {
    std::vector<DeclaredInput> needed;
    std::vector<std::string> others;
    for (const DeclaredInput& input : inputs) {
      const auto bound = session_.options().boundInputs.find(input.name);
      const bool isBound = bound != session_.options().boundInputs.end();
      if (plan.used.contains(input.name) && !isBound) {
        needed.push_back(input);
        continue;
      }
      others.push_back(input.name);
      if (isBound)
        values_[input.name] =
            session_.builder().constant(bound->second.type, bound->second.bytes, input.name);
      else
        session_.warn(fmt::format("input '{}' is used by no output and left out", input.name));
    }
    BURIN_ASSIGN(std::vector<Ints> shapes, resolveInputShapes(needed, others, session_));
    for (size_t i = 0; i < needed.size(); ++i) {
      BURIN_ASSIGN(values_[needed[i].name], makeInput(needed[i], shapes[i], session_));
    }
    return {};
  }

  // Null for a tensor whose node was reported already.
  Result<Value> lookup(const std::string& name, const std::string& reader) {
    if (auto it = values_.find(name); it != values_.end()) return it->second;
    if (!graph_.constants.contains(name))
      return fail(Error{ErrorCode::Input,
                        {},
                        reader,
                        fmt::format("its input '{}' is produced by no node, input or stored tensor", name),
                        "the model is damaged or incomplete; export it again"});
    BURIN_ASSIGN(Value value, graph_.constant(name));
    values_[name] = value;
    return value;
  }

  Status runNode(size_t index) {
    const FlatNode& node = graph_.nodes[index];
    NodeFacts facts{node.name, node.type, {}, node.inputs, node.outputs};
    bool available = graph_.hasRule(node);
    if (!available) session_.report().addOperator(node.type, labelOf(node), graph_.remedy(node.type));
    for (const std::string& input : node.inputs) {
      Value value;
      if (!input.empty()) {
        BURIN_ASSIGN(value, lookup(input, labelOf(node)));
        available &= static_cast<bool>(value);
      }
      facts.inputs.push_back(value);
    }
    if (!available) return bind(node, {});
    std::unique_ptr<RuleContext> context = graph_.context
                                               ? graph_.context(index, std::move(facts))
                                               : std::make_unique<RuleContext>(session_, std::move(facts));
    graph_.rule(index, *context);
    if (!context->failed()) return bind(node, context->results());
    if (context->error()->code != ErrorCode::Unsupported) return fail(*context->error());
    session_.report().addUse(*context->error());
    return bind(node, {});
  }

  Status bind(const FlatNode& node, const std::vector<Value>& results) {
    for (size_t i = 0; i < node.outputs.size(); ++i)
      if (!node.outputs[i].empty()) values_[node.outputs[i]] = i < results.size() ? results[i] : Value();
    return {};
  }

  Result<mlir::OwningOpRef<mlir::ModuleOp>> finish(const std::vector<std::string>& outputs) {
    std::vector<Value> values;
    for (const std::string& name : outputs) {
      BURIN_ASSIGN(Value value, lookup(name, "output '" + name + "'"));
      if (!value && session_.report().empty())
        return fail(Error{ErrorCode::Unsupported,
                          {},
                          "output '" + name + "'",
                          "the operator that makes it does not give this result",
                          "choose other outputs with --outputs"});
      values.push_back(value);
    }
    if (!session_.report().empty()) return fail(session_.report().error());
    return session_.builder().finish(values, outputs);
  }

  const FlatGraph& graph_;
  ImportSession& session_;
  std::unordered_map<std::string, Value> values_;
};
} // namespace

Result<mlir::OwningOpRef<mlir::ModuleOp>> importFlatGraph(const FlatGraph& graph, ImportSession& session) {
  return FlatImporter(graph, session).run();
}

Result<std::vector<Value>> runFlatGraph(const FlatGraph& graph, ImportSession& session,
                                        std::unordered_map<std::string, Value> values) {
  return FlatImporter(graph, session).runOn(std::move(values));
}

} // namespace burin
