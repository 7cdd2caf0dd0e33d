#include "lib/import/tflite/importer.h"

#include "lib/import/flat_graph.h"
#include "lib/import/tflite/dilation.h"
#include "lib/import/tflite/metadata.h"
#include "lib/import/tflite/operators.h"
#include "lib/support/file.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin {

namespace tflite {
namespace {
class GraphImporter : public ImportSession {
public:
  GraphImporter(const Model& model, nn::GraphBuilder& graphBuilder, const ImportOptions& importOptions,
                ImportInfo& importInfo)
      : ImportSession(graphBuilder, importOptions, importInfo), model_(model), operators_(model.operators()),
        state_{model, {}} {}

  Result<mlir::OwningOpRef<mlir::ModuleOp>> run() {
    if (model_.subgraphs() > 1)
      warn(fmt::format("only the first of its {} graphs is read", model_.subgraphs()));
    fuseDilations(model_, keptTensors(), operators_);
    for (const OperatorFacts& op : operators_) addNode(op);
    addConstants();
    BURIN_CHECK(addInputs());
    for (int64_t i : model_.outputs())
      if (i >= 0) graph_.outputs.push_back(nameOf(i));
    graph_.constant = [this](const std::string& name) { return constant(name); };
    graph_.hasRule = [](const FlatNode& node) { return operators().find(node.type) != nullptr; };
    graph_.remedy = remedyFor;
    graph_.context = [this](size_t index, NodeFacts facts) { return contextOf(index, std::move(facts)); };
    graph_.rule = [](size_t, RuleContext& context) { runRule(static_cast<NodeContext&>(context)); };
    return importFlatGraph(graph_, *this);
  }

private:
  const std::string& nameOf(int64_t i) const { return model_.tensors()[static_cast<size_t>(i)].name; }
  std::string nameOrNone(int64_t i) const { return i < 0 ? std::string() : nameOf(i); }

  // Tensors that the user or the file wants to see.
  std::set<int64_t> keptTensors() const {
    std::set<int64_t> kept(model_.outputs().begin(), model_.outputs().end());
    for (const auto* names : {&options().inputs, &options().outputs})
      for (const std::string& name : *names) kept.insert(model_.find(name));
    return kept;
  }

  const TensorFacts* variable(int64_t i) const {
    return i >= 0 && model_.tensors()[static_cast<size_t>(i)].isVariable
               ? &model_.tensors()[static_cast<size_t>(i)]
               : nullptr;
  }

  // The states of a recurrent layer after the run are outputs that a cut can name.
  void addNode(const OperatorFacts& op) {
    FlatNode node;
    node.type = op.type;
    for (int64_t i : op.inputs) node.inputs.push_back(nameOrNone(i));
    for (int64_t i : op.outputs) node.outputs.push_back(nameOrNone(i));
    for (int64_t i : op.inputs)
      if (const TensorFacts* state = variable(i)) {
        std::string next = state->name + "/next";
        const bool first = model_.find(next) < 0 && states_.insert(next).second;
        node.outputs.push_back(first ? next : std::string());
      }
    graph_.nodes.push_back(std::move(node));
  }

  void addConstants() {
    for (const TensorFacts& tensor : model_.tensors())
      if (!tensor.data.empty() || tensor.isVariable) graph_.constants.insert(tensor.name);
  }

  Status addInput(const TensorFacts& tensor) {
    auto dtype = elementType(tensor.type);
    if (!dtype)
      return fail(Error{ErrorCode::Unsupported,
                        {},
                        fmt::format("input '{}'", tensor.name),
                        fmt::format("holds {} values", elementTypeName(tensor.type)),
                        "cut behind it with --inputs"});
    graph_.constants.erase(tensor.name);
    graph_.inputs.push_back({tensor.name, *dtype, tensor.dims});
    return {};
  }

  // The file's, and tensors that --inputs names: their type and shape are known.
  Status addInputs() {
    Ints list = model_.inputs();
    for (const std::string& name : options().inputs)
      if (int64_t i = model_.find(name); i >= 0) list.push_back(i);
    std::set<int64_t> seen;
    for (int64_t i : list)
      if (i >= 0 && seen.insert(i).second) BURIN_CHECK(addInput(model_.tensors()[static_cast<size_t>(i)]));
    return {};
  }

  Result<Value> constant(const std::string& name) {
    return model_.constant(model_.tensors()[static_cast<size_t>(model_.find(name))], *this);
  }

  std::unique_ptr<RuleContext> contextOf(size_t index, NodeFacts facts) {
    const OperatorFacts& op = operators_[index];
    return std::make_unique<NodeContext>(state_, *this, std::move(facts), op, *operators().find(op.type));
  }

  static void runRule(NodeContext& c) {
    const OperatorRow& row = c.row();
    if (c.inputCount() > row.maxInputs)
      return c.invalid(fmt::format("it has {} inputs, {} is the most", c.inputCount(), row.maxInputs));
    for (int i = 0; i < row.minInputs; ++i)
      if (!c.has(i)) return c.invalid(fmt::format("its input {} is missing", i));
    row.rule(c);
  }

  const Model& model_;
  std::vector<OperatorFacts> operators_;
  std::set<std::string> states_;
  GraphState state_;
  FlatGraph graph_;
};
} // namespace
} // namespace tflite

namespace {
std::string producerOf(const tflite::Model& model) {
  const auto* text = model.stored().description();
  std::string producer = text ? text->str().substr(0, 200) : std::string();
  for (char& c : producer)
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  return producer;
}

// Names that a signature gives to inputs and outputs stand for their tensors.
ImportOptions withTensorNames(const ImportOptions& options, const tflite::Model& model) {
  auto tensorName = [&](const std::string& name) {
    int64_t i = name.empty() ? -1 : model.find(name);
    return i < 0 ? name : model.tensors()[static_cast<size_t>(i)].name;
  };
  ImportOptions resolved = options;
  for (std::string& name : resolved.inputs) name = tensorName(name);
  for (std::string& name : resolved.outputs) name = tensorName(name);
  resolved.inputShapes.clear();
  for (const auto& [name, shape] : options.inputShapes) resolved.inputShapes[tensorName(name)] = shape;
  return resolved;
}

bool looksLikeTflite(const ModelFile& file) {
  return !file.isFolder && file.bytes.size() >= 8 &&
         std::equal(file.bytes.begin() + 4, file.bytes.begin() + 8, "TFL3");
}
} // namespace

Result<ImportedModule> importTfliteBytes(std::span<const char> bytes, std::shared_ptr<const void> owner,
                                         const ImportOptions& options, mlir::MLIRContext& context) {
  if (!owner || reinterpret_cast<uintptr_t>(bytes.data()) % 16) { // the format's alignments count from here
    auto copy = std::make_shared<std::vector<char>>(bytes.begin(), bytes.end());
    bytes = *copy;
    owner = std::move(copy);
  }
  ImportedModule imported;
  imported.info.format = "tflite";
  imported.info.opset = "3";
  imported.info.hash = hashBytes(bytes);
  BURIN_ASSIGN(std::unique_ptr<tflite::Model> model, tflite::Model::open({bytes, owner}, options.maxNodes));
  imported.info.producer = producerOf(*model);
  imported.info.preprocess = tflite::preprocessHints(*model);
  const ImportOptions resolved = withTensorNames(options, *model);
  nn::GraphBuilder builder(&context);
  builder.setFoldLimits(options.foldLimits);
  BURIN_ASSIGN(imported.module, tflite::GraphImporter(*model, builder, resolved, imported.info).run());
  attachSource(*imported.module, imported.info);
  return imported;
}

Result<ImportedModule> importTflite(const std::string& path, const ImportOptions& options,
                                    mlir::MLIRContext& context) {
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::open(path));
  auto imported = importTfliteBytes(file->bytes(), file, options, context);
  if (!imported) return tl::unexpected(inFile(imported.error(), path));
  return imported;
}

const ImportFormat kTfliteFormat = {
    "tflite",        ".tflite",    "float, float16 and 8 or 16-bit integer models; quantization is kept",
    looksLikeTflite, importTflite, tflite::supportedOperators};

} // namespace burin
