#include "lib/import/mxnet/importer.h"

#include "lib/import/mxnet/flatten.h"
#include "lib/import/mxnet/operators.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>

namespace burin {

namespace fs = std::filesystem;

namespace {
Result<mlir::OwningOpRef<mlir::ModuleOp>>
importSymbol(const mxnet::Symbol& symbol, const mxnet::Parameters& parameters, ImportSession& session) {
  BURIN_ASSIGN(mxnet::FlatSymbol flat, mxnet::flatten(symbol, parameters));
  FlatGraph& graph = flat.graph;
  graph.constant = [&](const std::string& name) {
    return makeConstant(parameters.at(name), name, session.builder(), session.options().allowNonFinite);
  };
  graph.hasRule = [](const FlatNode& node) { return mxnet::operators().find(node.type) != nullptr; };
  graph.remedy = mxnet::remedyFor;
  graph.rule = [&](size_t index, RuleContext& context) {
    const mxnet::OperatorRow& row = *mxnet::operators().find(context.type());
    mxnet::Node node(context, *flat.symbols[index], row);
    row.rule(node);
  };
  return importFlatGraph(graph, session);
}

// 10900 is 1.9.0.
std::string versionText(int64_t version) {
  return version <= 0 ? "" : fmt::format(" {}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

Result<ImportedModule> importParsed(std::span<const char> text, const mxnet::Parameters& parameters,
                                    const ImportOptions& options, mlir::MLIRContext& context) {
  BURIN_ASSIGN(mxnet::Symbol symbol, mxnet::parseSymbol(text));
  ImportedModule imported;
  imported.info.format = "mxnet";
  imported.info.hash = hashBytes(text);
  imported.info.producer = "mxnet" + versionText(symbol.version);
  nn::GraphBuilder builder(&context);
  builder.setFoldLimits(options.foldLimits);
  ImportSession session(builder, options, imported.info);
  BURIN_ASSIGN(imported.module, importSymbol(symbol, parameters, session));
  attachSource(*imported.module, imported.info);
  return imported;
}

constexpr std::string_view kSuffix = "-symbol.json", kExtension = ".params";

// PREFIX-0012.params beside PREFIX-symbol.json.
Result<std::string> parameterFile(const std::string& path, const std::string& flag) {
  const fs::path model(path), folder = model.has_parent_path() ? model.parent_path() : fs::path(".");
  std::string prefix = model.filename().string();
  if (prefix.ends_with(kSuffix)) prefix.resize(prefix.size() - kSuffix.size());
  if (!flag.empty()) return flag;
  std::error_code error;
  std::vector<std::string> epochs;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix + "-") || !name.ends_with(kExtension)) continue;
    std::string epoch = name.substr(prefix.size() + 1, name.size() - prefix.size() - 1 - kExtension.size());
    if (!epoch.empty() && epoch.find_first_not_of("0123456789") == std::string::npos)
      epochs.push_back(entry.path().string());
  }
  if (epochs.size() == 1) return epochs.front();
  return weightsFile((folder / (prefix + ".json")).string(), {},
                     std::array<std::string, 1>{std::string(kExtension)});
}

Result<ImportedModule> importMxnet(const std::string& path, const ImportOptions& options,
                                   mlir::MLIRContext& context) {
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::open(path));
  BURIN_ASSIGN(std::string weights, parameterFile(path, options.weights));
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> stored, MappedFile::open(weights));
  auto parameters = mxnet::readParameters(stored->bytes(), stored);
  if (!parameters) return fail(inFile(parameters.error(), weights));
  auto imported = importParsed(file->bytes(), *parameters, options, context);
  if (!imported) return fail(inFile(imported.error(), path));
  return imported;
}

// A JSON object with nodes and heads; models converted to other JSON formats have no argument nodes.
bool looksLikeMxnet(const ModelFile& file) {
  if (file.isFolder) return false;
  std::string_view text(file.bytes.data(), file.bytes.size());
  size_t start = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  return start != std::string_view::npos && text[start] == '{' &&
         text.find("\"nodes\"") != std::string_view::npos &&
         text.find("\"arg_nodes\"") != std::string_view::npos;
}
} // namespace

Result<ImportedModule> importMxnetBytes(std::span<const char> symbol, std::span<const char> stream,
                                        const ImportOptions& options, mlir::MLIRContext& context) {
  auto copy = std::make_shared<std::vector<char>>(stream.begin(), stream.end());
  BURIN_ASSIGN(mxnet::Parameters parameters, mxnet::readParameters(*copy, copy));
  return importParsed(symbol, parameters, options, context);
}

const ImportFormat kMxnetFormat = {"mxnet",
                                   "-symbol.json with .params",
                                   "float models of every release; parameters beside the symbol",
                                   looksLikeMxnet,
                                   importMxnet,
                                   [] { return mxnet::operators().supported(); }};

} // namespace burin
