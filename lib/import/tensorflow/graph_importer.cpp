#include "lib/import/tensorflow/graph_importer.h"

#include "lib/import/tensorflow/operators.h"
#include "lib/import/tensorflow/tensor_reader.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
bool isOneOf(const std::string& type, std::initializer_list<const char*> list) {
  return std::any_of(list.begin(), list.end(), [&](const char* one) { return type == one; });
}
bool isPlaceholder(const GraphNode& node) { return isOneOf(node.type, {"Placeholder", "PlaceholderV2"}); }
bool isVariable(const GraphNode& node) {
  return isOneOf(node.type, {"Variable", "VariableV2", "VarHandleOp"});
}
// What graphs hold at their ends besides results.
bool isBookkeeping(const std::string& type) {
  return isOneOf(type, {"NoOp", "Assert", "Print", "PrintV2", "SaveV2", "SaveSlices", "Save"}) ||
         type.starts_with("Assign") || type.ends_with("Summary") || type.ends_with("SummaryV2");
}

// The shape attribute, or what shape inference wrote behind it.
std::optional<std::vector<DeclaredDim>> declaredDims(const GraphNode& node, bool scalarMeansUnknown) {
  const tfpb::AttrValue* shape = findAttribute(node, "shape");
  const tfpb::ShapeProto* proto = shape && shape->has_shape() ? &shape->shape() : nullptr;
  bool unknown = !proto || proto->unknown_rank() || (scalarMeansUnknown && proto->dim_size() == 0);
  if (const tfpb::AttrValue* inferred = findAttribute(node, "_output_shapes");
      unknown && inferred && inferred->has_list() && inferred->list().shape_size() > 0)
    proto = &inferred->list().shape(0), unknown = proto->unknown_rank();
  if (unknown) return std::nullopt;
  std::vector<DeclaredDim> dims;
  for (const auto& dim : proto->dim()) dims.push_back({dim.size(), {}});
  return dims;
}

// A default that stands for pictures, not for a switch: the graph is meant to be fed there.
bool isFedDefault(const GraphNode& node) {
  if (node.type != "PlaceholderWithDefault") return false;
  const tfpb::AttrValue* type = findAttribute(node, "dtype");
  const tfpb::AttrValue* shape = findAttribute(node, "shape");
  return type && type->type() == kFloat && shape && shape->shape().dim_size() >= 2;
}

class GraphImporter : public GraphSession {
public:
  GraphImporter(const GraphSource& source, const ImportOptions& options, nn::GraphBuilder& builder,
                ImportInfo& info)
      : GraphSession(builder, options_, info), source_(source), options_(options) {}

  Result<mlir::OwningOpRef<mlir::ModuleOp>> run() {
    BURIN_ASSIGN(nodes_, flatten(*source_.graph, options_.maxNodes));
    if (source_.openVariables) variables_ = source_.openVariables(nodes_);
    normalizeOptions();
    BURIN_CHECK(countOutputs());
    BURIN_CHECK(addSignature());
    for (size_t i = 0; i < nodes_.size(); ++i) addNode(i);
    if (!source_.signature && options_.outputs.empty()) flat_.outputs = ends();
    reportUpdates();
    flat_.constant = [this](const std::string& name) { return constant(name); };
    flat_.hasRule = [](const FlatNode& node) { return operators().find(node.type) != nullptr; };
    flat_.remedy = remedyFor;
    flat_.rule = [this](size_t index, RuleContext& context) {
      runRule(*operators().find(flat_.nodes[index].type), nodes_[origin_[index]], context);
    };
    callFunction = [this](const std::string& function, const std::string& name,
                          const std::vector<Value>& arguments) {
      return runFunction(source_, *this, function, name, arguments);
    };
    return importFlatGraph(flat_, *this);
  }

private:
  // Variables are constants here.
  void reportUpdates() {
    for (const GraphNode* node :
         updatesBefore(nodes_, options_.inputs, options_.outputs.empty() ? flat_.outputs : options_.outputs))
      report().addUse({ErrorCode::Unsupported,
                       {},
                       fmt::format("{} ({})", node->name, node->type),
                       "it changes a variable while the network runs",
                       "export the model for inference, its states as inputs and outputs"});
  }

  // Flags may write "node:0", and the graph's own name for an input or output of the signature.
  void normalizeOptions() {
    std::map<std::string, std::string> inputs, outputs;
    if (const tfpb::SignatureDef* signature = source_.signature) {
      for (const auto& [key, info] : signature->inputs()) inputs.emplace(withoutZero(info.name()), key);
      for (const auto& [key, info] : signature->outputs()) outputs.emplace(withoutZero(info.name()), key);
    }
    auto normal = [](const std::map<std::string, std::string>& keys, const std::string& name) {
      auto it = keys.find(withoutZero(name));
      return it == keys.end() ? withoutZero(name) : it->second;
    };
    InputShapes shapes;
    for (const auto& [name, dims] : options_.inputShapes) shapes[normal(inputs, name)] = dims;
    options_.inputShapes = std::move(shapes);
    for (std::string& name : options_.inputs) name = normal(inputs, name);
    for (std::string& name : options_.outputs) name = normal(outputs, name);
  }

  // How many outputs of each node anything refers to.
  Status countOutputs() {
    auto refer = [&](const std::string& tensor) {
      auto [node, index] = splitTensor(tensor);
      int& count = outputCounts_[node];
      count = std::max(count, std::min(index, 65535) + 1);
    };
    for (const GraphNode& node : nodes_) {
      names_.insert(node.name);
      for (const std::string& input : node.inputs) refer(input);
    }
    for (const std::string& name : options_.inputs) refer(name);
    for (const std::string& name : options_.outputs) refer(name);
    if (source_.signature)
      for (const auto& [key, info] : source_.signature->outputs()) refer(withoutZero(info.name()));
    int64_t all = 0;
    for (const auto& [node, count] : outputCounts_) all += count;
    if (all <= 4 * options_.maxNodes) return {};
    return fail(ErrorCode::Input, fmt::format("its nodes have {} outputs together", all),
                "the model is damaged; export it again");
  }

  std::vector<std::string> outputsOf(const GraphNode& node) const {
    if (!node.outputs.empty()) return node.outputs;
    auto it = outputCounts_.find(node.name);
    int count = it == outputCounts_.end() ? 0 : it->second;
    // What nothing reads may be a result: then all of it is.
    if (count == 0) count = std::max<int>(1, static_cast<int>(resultsOf(node)));
    std::vector<std::string> outputs;
    for (int i = 0; i < count; ++i) outputs.push_back(tensorName(node.name, i));
    return outputs;
  }
  static size_t resultsOf(const GraphNode& node) {
    return node.type.starts_with("FusedBatchNorm") ? 1 : outputNames(node.type).size();
  }

  // The signature's keys name inputs and outputs, unless the graph means another tensor by them.
  Status addSignature() {
    if (!source_.signature) return {};
    // In the order of their names: the file's is arbitrary.
    std::map<std::string, tfpb::TensorInfo> inputs(source_.signature->inputs().begin(),
                                                   source_.signature->inputs().end());
    std::map<std::string, tfpb::TensorInfo> outputs(source_.signature->outputs().begin(),
                                                    source_.signature->outputs().end());
    for (const auto& [key, info] : inputs) {
      std::string tensor = withoutZero(info.name());
      DeclaredInput input{names_.contains(key) ? tensor : key, rt::DType::F32, {}};
      auto type = elementType(info.dtype());
      if (!type) return tl::unexpected(atOp(type.error(), "input '" + key + "'"));
      input.dtype = *type;
      if (!info.tensor_shape().unknown_rank()) {
        input.dims.emplace();
        for (const auto& dim : info.tensor_shape().dim()) input.dims->push_back({dim.size(), {}});
      }
      fed_.insert(tensor);
      if (input.name != tensor) addIdentity(input.name, tensor);
      flat_.inputs.push_back(std::move(input));
    }
    for (const auto& [key, info] : outputs) {
      std::string tensor = withoutZero(info.name());
      if (info.name().empty()) continue; // of a signature that only runs something
      const bool taken = names_.contains(key) || inputs.contains(key);
      if (!taken) addIdentity(tensor, key);
      flat_.outputs.push_back(taken ? tensor : key);
    }
    return {};
  }

  void addIdentity(const std::string& from, const std::string& to) {
    nodes_.push_back({to, "Identity", {from}, {}, {to}, &tfpb::NodeDef::default_instance(), nullptr});
    added_.insert(nodes_.size() - 1);
  }

  void addNode(size_t index) {
    const GraphNode& node = nodes_[index];
    if (fed_.contains(node.name) && !added_.contains(index)) return;
    if (node.type == "Const" || isVariable(node)) {
      flat_.constants.insert(node.name);
      stored_.emplace(node.name, index);
    } else if (isPlaceholder(node) || isFedDefault(node)) {
      addPlaceholder(index);
    } else {
      flat_.nodes.push_back({node.name, node.type, node.inputs, outputsOf(node)});
      origin_.push_back(index);
    }
  }

  void addPlaceholder(size_t index) {
    const GraphNode& node = nodes_[index];
    // Before version 24 an open shape was written like a scalar's.
    bool old = source_.graph->versions().producer() < 24;
    const tfpb::AttrValue* type = findAttribute(node, "dtype");
    auto dtype = elementType(type ? type->type() : int32_t(kFloat));
    if (dtype) {
      flat_.inputs.push_back({node.name, *dtype, declaredDims(node, old)});
    } else { // strings and the like: reported if an output needs them
      flat_.nodes.push_back({node.name, "Placeholder of " + elementTypeName(type->type()), {}, {node.name}});
      origin_.push_back(index);
    }
  }

  Result<Value> constant(const std::string& name) {
    const GraphNode& node = nodes_[stored_.at(name)];
    if (isVariable(node)) {
      if (variables_) return variables_->read(*this, node, name);
      return fail(Error{ErrorCode::Input,
                        {},
                        fmt::format("{} ({})", node.name, node.type),
                        "the value of a variable is not in the graph",
                        "freeze the graph, or give the folder of the SavedModel"});
    }
    const tfpb::AttrValue* value = findAttribute(node, "value");
    if (!value || !value->has_tensor())
      return fail(Error{ErrorCode::Input,
                        {},
                        node.name + " (Const)",
                        "it holds no value",
                        "the model is damaged; export it again"});
    return readTensor(*this, value->tensor(), source_.owner, name);
  }

  // Outputs of a graph that does not name them: what depends on an input and is read by nothing.
  std::vector<std::string> ends() const {
    std::unordered_map<std::string, std::vector<size_t>> readers;
    for (size_t i = 0; i < flat_.nodes.size(); ++i)
      for (const std::string& input : flat_.nodes[i].inputs) readers[input].push_back(i);
    std::vector<std::string> pending = options_.inputs, outputs;
    if (pending.empty())
      for (const DeclaredInput& input : flat_.inputs) pending.push_back(input.name);
    std::vector<bool> reached(flat_.nodes.size());
    while (!pending.empty()) {
      std::string tensor = std::move(pending.back());
      pending.pop_back();
      auto it = readers.find(tensor);
      if (it == readers.end()) continue;
      for (size_t node : it->second) {
        if (reached[node]) continue;
        reached[node] = true;
        pending.insert(pending.end(), flat_.nodes[node].outputs.begin(), flat_.nodes[node].outputs.end());
      }
    }
    for (size_t i = 0; i < flat_.nodes.size(); ++i) {
      const FlatNode& node = flat_.nodes[i];
      if (!reached[i] || isBookkeeping(node.type)) continue;
      bool isRead = std::any_of(node.outputs.begin(), node.outputs.end(), [&](const std::string& output) {
        auto it = readers.find(output);
        return it != readers.end() && std::any_of(it->second.begin(), it->second.end(), [&](size_t reader) {
                 return !isBookkeeping(flat_.nodes[reader].type);
               });
      });
      if (!isRead) outputs.insert(outputs.end(), node.outputs.begin(), node.outputs.end());
    }
    return outputs;
  }

  const GraphSource& source_;
  ImportOptions options_;
  std::vector<GraphNode> nodes_;
  std::unique_ptr<VariableStore> variables_;
  FlatGraph flat_;
  std::vector<size_t> origin_;                        // of each flat node, in nodes_
  std::unordered_map<std::string, size_t> stored_;    // constants and variables
  std::unordered_map<std::string, int> outputCounts_; // by node
  std::unordered_set<std::string> names_;             // of the graph's nodes
  std::unordered_set<std::string> fed_;               // tensors that the signature's inputs replace
  std::unordered_set<size_t> added_;                  // nodes of ours
};
} // namespace

Result<mlir::OwningOpRef<mlir::ModuleOp>> importGraph(const GraphSource& source, const ImportOptions& options,
                                                      nn::GraphBuilder& builder, ImportInfo& info) {
  return GraphImporter(source, options, builder, info).run();
}

} // namespace burin::tensorflow
