#include "lib/import/mxnet/flatten.h"

#include "lib/import/mxnet/node.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace burin::mxnet {

namespace {
bool isVariable(const SymbolNode& node) { return node.op == "null"; }

// Layers that compare with a label while training. The label is no input of the network.
bool hasLabel(const SymbolNode& node) {
  return node.op == "SoftmaxOutput" || node.op == "Softmax" || node.op == "SVMOutput" ||
         node.op.ends_with("RegressionOutput");
}

bool isBatchNorm(const SymbolNode& node) {
  return node.op.starts_with("BatchNorm") || node.op == "CuDNNBatchNorm" ||
         node.op == "_contrib_SyncBatchNorm";
}

// Is input `i` of this operator stored with the model, whatever the model is?
bool isParameter(const SymbolNode& node, size_t i) {
  static const std::set<std::string> layers = {"Convolution",  "Deconvolution", "FullyConnected",
                                               "InstanceNorm", "LayerNorm",     "GroupNorm",
                                               "LeakyReLU",    "Embedding"};
  if (node.op == "RNN") return i == 1;
  return i > 0 && (isBatchNorm(node) || layers.contains(node.op));
}

// The name under which a variable is stored: some tools wrote running statistics under another of their two
// names than the symbol has.
std::string storedName(const std::string& name, const Parameters& parameters) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {{"_moving_mean", "_running_mean"},
                                                                      {"_moving_var", "_running_var"}};
  for (auto [moving, running] : kNames)
    for (auto [from, to] : {std::pair(moving, running), std::pair(running, moving)})
      if (!parameters.contains(name) && name.ends_with(from)) {
        std::string other = name.substr(0, name.size() - from.size()) + std::string(to);
        if (parameters.contains(other)) return other;
      }
  return name;
}

// A shape as the variable declares it; 0 and -1 are open there.
std::optional<std::vector<DeclaredDim>> declaredShape(const SymbolNode& variable) {
  auto it = variable.attributes.find("__shape__");
  if (it == variable.attributes.end()) return std::nullopt;
  std::vector<DeclaredDim> dims;
  for (const char* at = it->second.c_str(); *at;) {
    int64_t value = 0;
    auto [end, status] = std::from_chars(at, it->second.c_str() + it->second.size(), value);
    if (status == std::errc()) dims.push_back({value > 0 ? value : -1, {}});
    at = status == std::errc() ? end : at + 1;
  }
  return dims.empty() ? std::nullopt : std::optional(dims);
}

class Flattener {
public:
  Flattener(const Symbol& symbol, const Parameters& parameters) : symbol_(symbol), parameters_(parameters) {}

  Result<FlatSymbol> run() {
    countOutputs();
    for (size_t i = 0; i < symbol_.nodes.size(); ++i)
      if (!isVariable(symbol_.nodes[i])) addNode(i);
    for (const Entry& head : symbol_.heads) {
      std::string name = read(head);
      auto& outputs = flat_.graph.outputs;
      if (std::find(outputs.begin(), outputs.end(), name) == outputs.end()) outputs.push_back(name);
    }
    for (const auto& [name, tensor] : parameters_) flat_.graph.constants.insert(name);
    if (missing_.empty()) return std::move(flat_);
    size_t count = missing_.size();
    missing_.resize(std::min<size_t>(count, 5));
    return fail(ErrorCode::Input,
                fmt::format("{} of its parameters are not in the parameter file: {}{}", count,
                            joined(missing_, ", "), count > 5 ? ", ..." : ""),
                "the two files must be of the same model; name the right one with --weights");
  }

private:
  // How many results of a node anything reads.
  void countOutputs() {
    outputs_.assign(symbol_.nodes.size(), 1);
    auto use = [&](const Entry& entry) {
      outputs_[entry.node] = std::max(outputs_[entry.node], entry.output + 1);
    };
    for (const SymbolNode& node : symbol_.nodes)
      for (const Entry& input : node.inputs) use(input);
    for (const Entry& head : symbol_.heads) use(head);
  }

  // "conv1_output", as get_internals lists it, and "split_output0" where a node has several results.
  std::string nameOf(const Entry& entry) const {
    const SymbolNode& node = symbol_.nodes[entry.node];
    if (isVariable(node)) return node.name;
    bool several = node.op == "SliceChannel" || node.op == "split" || node.op == "_split_v2" ||
                   (outputs_[entry.node] > 1 && !isBatchNorm(node));
    if (several || entry.output) return fmt::format("{}_output{}", node.name, entry.output);
    return node.name + "_output";
  }

  // The tensor's name; a variable without a stored tensor becomes an input of the network.
  std::string read(const Entry& entry, bool isStored = false) {
    const SymbolNode& node = symbol_.nodes[entry.node];
    if (!isVariable(node)) return nameOf(entry);
    std::string name = storedName(node.name, parameters_);
    if (parameters_.contains(name)) return name;
    if (isStored)
      missing_.push_back(name);
    else if (inputs_.insert(name).second)
      flat_.graph.inputs.push_back({name, rt::DType::F32, declaredShape(node)});
    return name;
  }

  void addNode(size_t index) {
    const SymbolNode& node = symbol_.nodes[index];
    FlatNode flat{node.name, node.op, {}, {}};
    size_t inputs = hasLabel(node) ? std::min<size_t>(1, node.inputs.size()) : node.inputs.size();
    for (size_t i = 0; i < inputs; ++i) flat.inputs.push_back(read(node.inputs[i], isParameter(node, i)));
    if (isBatchNorm(node) && flat.inputs.size() == 3) // before 0.9 running statistics were not written
      for (const char* statistic : {"_moving_mean", "_moving_var"})
        flat.inputs.push_back(node.name + statistic);
    for (size_t i = 0; i < outputs_[index]; ++i) flat.outputs.push_back(nameOf({index, i}));
    flat_.graph.nodes.push_back(std::move(flat));
    flat_.symbols.push_back(&node);
  }

  const Symbol& symbol_;
  const Parameters& parameters_;
  FlatSymbol flat_;
  std::vector<size_t> outputs_;
  std::vector<std::string> missing_;
  std::set<std::string> inputs_;
};
} // namespace

Result<FlatSymbol> flatten(const Symbol& symbol, const Parameters& parameters) {
  return Flattener(symbol, parameters).run();
}

} // namespace burin::mxnet
