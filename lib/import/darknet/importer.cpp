#include "lib/import/darknet/importer.h"

#include "lib/import/darknet/operators.h"
#include "lib/import/flat_graph.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace burin {

namespace darknet {
namespace {
constexpr const char* kPicture = "data";

// The tensors of a layer: convolution, batch norm and activation have one each, all with the layer's number.
std::vector<std::string> tensorNames(const Layer& layer) {
  const Section& s = *layer.section;
  const bool weighted =
      s.type == "convolutional" || s.type == "conv" || s.type == "connected" || s.type == "conn";
  const std::string number = "_" + std::to_string(layer.index);
  std::vector<std::string> names = {(s.type == "convolutional" ? "conv" : s.type) + number};
  if (weighted && s.flag("batch_normalize")) names.push_back("bn" + number);
  const std::string activation = s.text("activation", weighted ? "logistic" : "linear");
  if (activation != "linear" && s.type != "activation" && !isHead(s.type))
    names.push_back(activation + number);
  return names;
}

std::string resultOf(const Network& network, int layer) {
  return layer < 0 ? kPicture : tensorNames(network.layers[static_cast<size_t>(layer)]).back();
}

// What the heads read; without heads the last layer that is not for training.
std::vector<std::string> outputsOf(const Network& network) {
  std::vector<std::string> outputs;
  for (int head : network.heads) {
    std::string name = resultOf(network, network.layers[static_cast<size_t>(head)].inputs[0]);
    if (std::find(outputs.begin(), outputs.end(), name) == outputs.end()) outputs.push_back(name);
  }
  int last = static_cast<int>(network.layers.size()) - 1;
  while (last >= 0 && isIgnored(network.layers[static_cast<size_t>(last)].section->type)) --last;
  if (outputs.empty() && last >= 0) outputs.push_back(resultOf(network, last));
  return outputs;
}

void runLayer(const Network& network, const Layer& layer, const Result<Weights>& weights,
              RuleContext& context) {
  if (!layer.in || !layer.out)
    return context.invalid("its size is not known, for a layer before it is not",
                           "cut the network before the unknown layer with --outputs");
  for (int i = 0; i < context.inputCount(); ++i)
    if (int64_t rank = RuleContext::rank(context.in(i)); rank != 2 && rank != 4)
      return context.invalid(fmt::format("reads a tensor of {} dimensions, not of 4", rank),
                             "give --input-shapes as 1xCHANNELSxHEIGHTxWIDTH");
  LayerContext rule(context, network, layer, weights);
  operators().find(layer.section->type)->rule(rule);
}

FlatGraph flatGraph(const Network& network, const Result<Weights>& weights) {
  FlatGraph graph;
  for (const Layer& layer : network.layers) {
    FlatNode node{layer.name(), layer.section->type, {}, tensorNames(layer)};
    for (int input : layer.inputs) node.inputs.push_back(resultOf(network, input));
    graph.nodes.push_back(std::move(node));
  }
  const Size& picture = network.picture;
  std::vector<DeclaredDim> dims;
  for (int64_t size : {int64_t(1), picture.channels, picture.height, picture.width})
    dims.push_back({size, {}});
  graph.inputs.push_back({kPicture, rt::DType::F32, dims});
  graph.outputs = outputsOf(network);
  graph.hasRule = [](const FlatNode& node) { return operators().find(node.type) != nullptr; };
  graph.remedy = remedyFor;
  graph.rule = [&network, &weights](size_t index, RuleContext& context) {
    runLayer(network, network.layers[index], weights, context);
  };
  return graph;
}

// Darknet feeds RGB (or gray) pictures divided by 255.
void addPreprocess(const Network& network, ImportInfo& info) {
  if (network.picture.channels != 3 && network.picture.channels != 1) return;
  info.preprocess.push_back({kPicture, "", "0.00392156862745098",
                             network.picture.channels == 3 ? "rgb" : "gray", "the Darknet format"});
}

bool recognises(const ModelFile& file) {
  if (file.isFolder) return false;
  if (file.path.ends_with(".weights")) return true;
  std::string_view text(file.bytes.data(), std::min<size_t>(file.bytes.size(), size_t(1) << 16));
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    return line.starts_with("[net]") || line.starts_with("[network]");
  }
  return false;
}
} // namespace
} // namespace darknet

Result<ImportedModule> importDarknetBytes(std::span<const char> config,
                                          const Result<std::span<const char>>& weights,
                                          std::shared_ptr<const void> owner, const ImportOptions& options,
                                          mlir::MLIRContext& context) {
  BURIN_ASSIGN(darknet::Network network, darknet::readNetwork({config.data(), config.size()}));
  Result<darknet::Weights> stored =
      weights ? darknet::Weights::parse(*weights, network.weights, std::move(owner)) : fail(weights.error());
  if (!stored && weights) {
    Error error = stored.error();
    error.message = "its weights file " + error.message;
    return fail(error);
  }
  ImportedModule imported;
  imported.info.format = "darknet";
  imported.info.hash = hashBytes(config);
  darknet::addPreprocess(network, imported.info);
  nn::GraphBuilder builder(&context);
  builder.setFoldLimits(options.foldLimits);
  ImportSession session(builder, options, imported.info);
  FlatGraph graph = darknet::flatGraph(network, stored);
  BURIN_ASSIGN(imported.module, importFlatGraph(graph, session));
  attachSource(*imported.module, imported.info);
  return imported;
}

Result<ImportedModule> importDarknet(const std::string& path, const ImportOptions& options,
                                     mlir::MLIRContext& context) {
  if (path.ends_with(".weights"))
    return fail(Error{ErrorCode::Input,
                      path,
                      {},
                      "holds the weights of a Darknet network",
                      "give the .cfg that describes it, and this file with --weights"});
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> config, MappedFile::open(path));
  std::shared_ptr<const MappedFile> mapped;
  Result<std::span<const char>> weights;
  auto found = weightsFile(path, options.weights, std::array<std::string, 1>{".weights"});
  if (found) {
    BURIN_ASSIGN(mapped, MappedFile::open(*found));
    weights = mapped->bytes();
  } else {
    weights = fail(found.error());
  }
  auto imported = importDarknetBytes(config->bytes(), weights, mapped, options, context);
  if (!imported) return tl::unexpected(inFile(imported.error(), path));
  return imported;
}

const ImportFormat kDarknetFormat = {
    "darknet",
    ".cfg with .weights",
    "heads raw, or as rows of boxes by their names in --outputs; layers of AlexeyAB's fork",
    darknet::recognises,
    importDarknet,
    [] { return darknet::operators().supported(); }};

} // namespace burin
