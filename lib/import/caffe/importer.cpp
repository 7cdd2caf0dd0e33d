#include "lib/import/caffe/importer.h"

#include "lib/import/caffe/operators.h"
#include "lib/import/flat_graph.h"

#include <array>
#include <fmt/format.h>

namespace burin {

namespace caffe {
namespace {
void runLayer(const Layer& layer, const Result<Weights>& weights, RuleContext& context) {
  const LayerRow& row = *operators().find(layer.type);
  if (layer.bottoms.size() < row.minBottoms || layer.bottoms.size() > row.maxBottoms)
    return context.invalid(fmt::format("has {} bottoms, {} are needed", layer.bottoms.size(),
                                       row.minBottoms == row.maxBottoms
                                           ? std::to_string(row.minBottoms)
                                           : fmt::format("{} or more", row.minBottoms)));
  LayerContext rule(context, row, layer, weights);
  row.rule(rule);
}

FlatGraph flatGraph(const Network& network, const Result<Weights>& weights) {
  FlatGraph graph;
  for (const Layer& layer : network.layers)
    graph.nodes.push_back({layer.name, layer.type, layer.bottoms, layer.tops});
  graph.inputs = network.inputs;
  graph.outputs = network.outputs;
  graph.hasRule = [](const FlatNode& node) { return operators().find(node.type) != nullptr; };
  graph.remedy = remedyFor;
  graph.rule = [&network, &weights](size_t index, RuleContext& context) {
    runLayer(network.layers[index], weights, context);
  };
  return graph;
}

// Text with a layer in it.
bool looksLikePrototxt(std::string_view text) {
  if (text.substr(0, 4096).find('\0') != std::string_view::npos) return false;
  for (std::string_view word : {"layer", "layers"})
    for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
      if (at > 0 && text[at - 1] > ' ' && text[at - 1] != '}') continue;
      size_t next = text.find_first_not_of(" \t\r\n:", at + word.size());
      if (next != std::string_view::npos && text[next] == '{') return true;
    }
  return false;
}

bool recognises(const ModelFile& file) {
  if (file.isFolder) return false;
  return file.path.ends_with(".prototxt") || file.path.ends_with(".caffemodel") ||
         looksLikePrototxt({file.bytes.data(), std::min<size_t>(file.bytes.size(), kMaxPrototxtBytes)});
}
} // namespace
} // namespace caffe

Result<ImportedModule> importCaffeBytes(std::span<const char> prototxt,
                                        const Result<std::span<const char>>& weights,
                                        const ImportOptions& options, mlir::MLIRContext& context) {
  BURIN_ASSIGN(caffe::Network network, caffe::readNetwork({prototxt.data(), prototxt.size()}));
  Result<caffe::Weights> stored = weights ? caffe::Weights::parse(*weights) : fail(weights.error());
  if (!stored && weights) {
    Error error = stored.error();
    if (error.op.empty()) error.message = "its weights file " + error.message;
    return fail(error);
  }
  ImportedModule imported;
  imported.info.format = "caffe";
  imported.info.hash = hashBytes(prototxt);
  imported.info.warnings = network.warnings;
  imported.info.preprocess = network.preprocess;
  if (stored && stored->holdsDoubles())
    imported.info.warnings.push_back("weights stored as double are read as float");
  nn::GraphBuilder builder(&context);
  builder.setFoldLimits(options.foldLimits);
  ImportSession session(builder, options, imported.info);
  FlatGraph graph = caffe::flatGraph(network, stored);
  BURIN_ASSIGN(imported.module, importFlatGraph(graph, session));
  attachSource(*imported.module, imported.info);
  return imported;
}

Result<ImportedModule> importCaffe(const std::string& path, const ImportOptions& options,
                                   mlir::MLIRContext& context) {
  if (path.ends_with(".caffemodel"))
    return fail(Error{ErrorCode::Input,
                      path,
                      {},
                      "holds the weights of a Caffe network",
                      "give the .prototxt that describes it, and this file with --weights"});
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> text, MappedFile::open(path));
  std::shared_ptr<const MappedFile> mapped;
  Result<std::span<const char>> weights;
  std::string used;
  auto found = weightsFile(path, options.weights, std::array<std::string, 1>{".caffemodel"});
  if (found) {
    used = *found;
    BURIN_ASSIGN(mapped, MappedFile::open(used));
    weights = mapped->bytes();
  } else {
    weights = fail(found.error());
  }
  auto imported = importCaffeBytes(text->bytes(), weights, options, context);
  if (!imported) return tl::unexpected(inFile(imported.error(), path));
  return imported;
}

const ImportFormat kCaffeFormat = {"caffe",
                                   ".prototxt with .caffemodel",
                                   "V1 and V2 layers; also those of the SSD fork and others that are common",
                                   caffe::recognises,
                                   importCaffe,
                                   [] { return caffe::operators().supported(); }};

} // namespace burin
