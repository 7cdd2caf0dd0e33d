#include "lib/import/tensorflow/importer.h"

#include "lib/import/tensorflow/checkpoint.h"
#include "lib/import/tensorflow/operators.h"
#include "lib/import/tensorflow/text_graph.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <limits>

namespace burin {

using namespace tensorflow;

namespace {
template <class Message>
Result<std::shared_ptr<Message>> parse(std::span<const char> bytes, const char* what) {
  auto message = std::make_shared<Message>();
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorCode::Input, "is larger than 2 GB, which the format does not allow",
                "save it as a SavedModel, which keeps variables in files of their own");
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::Input, fmt::format("is not a TensorFlow {}, or it is cut short", what),
                "download or export the file again");
  return message;
}

std::string printable(std::string text) {
  text.resize(std::min<size_t>(text.size(), 200));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = ' ';
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

// Keras's own files: HDF5, or a zip archive with one inside.
bool isKeras(std::span<const char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  if (text.starts_with("\x89HDF\r\n\x1a\n")) return true;
  const std::string_view directory =
      text.substr(text.size() - std::min<size_t>(text.size(), size_t(1) << 16));
  return text.starts_with("PK") && directory.find("model.weights.h5") != std::string_view::npos;
}

// In binary or text form.
std::string savedModelFile(const std::string& folder) {
  namespace fs = std::filesystem;
  fs::path binary = fs::path(folder) / "saved_model.pb", text = fs::path(folder) / "saved_model.pbtxt";
  return (fs::exists(binary) || !fs::exists(text) ? binary : text).string();
}

// By its name, or by its first fields: schema version 1, a graph.
bool isSavedModel(const ModelFile& file) {
  std::string_view start(file.bytes.data(), std::min<size_t>(file.bytes.size(), 3));
  return std::filesystem::path(file.path).filename() == "saved_model.pb" || start == "\x08\x01\x12";
}
} // namespace

namespace {
Result<ImportedModule> importSource(const GraphSource& source, ImportInfo info, const ImportOptions& options,
                                    mlir::MLIRContext& context) {
  ImportedModule imported;
  imported.info = std::move(info);
  imported.info.format = "tensorflow";
  if (int producer = source.graph->versions().producer())
    imported.info.opset = fmt::format("graph {}", producer);
  nn::GraphBuilder builder(&context);
  builder.setFoldLimits(options.foldLimits);
  BURIN_ASSIGN(imported.module, importGraph(source, options, builder, imported.info));
  attachSource(*imported.module, imported.info);
  return imported;
}

// The graph that is tagged for serving, else the first.
const tfpb::MetaGraphDef* chooseGraph(const tfpb::SavedModel& model) {
  for (const tfpb::MetaGraphDef& graph : model.meta_graphs()) {
    const auto& tags = graph.meta_info_def().tags();
    if (tags.size() == 1 && tags[0] == "serve") return &graph;
  }
  return model.meta_graphs().empty() ? nullptr : &model.meta_graphs(0);
}

// serving_default, else the first by name that gives something.
const tfpb::SignatureDef* chooseSignature(const tfpb::MetaGraphDef& graph, ImportInfo& info) {
  std::map<std::string, const tfpb::SignatureDef*> signatures;
  for (const auto& [name, signature] : graph.signature_def())
    if (!name.starts_with("__") && !signature.outputs().empty()) signatures.emplace(name, &signature);
  if (signatures.empty()) return nullptr;
  auto chosen = signatures.find("serving_default");
  if (chosen != signatures.end()) return chosen->second;
  if (signatures.size() > 1)
    info.warnings.push_back(fmt::format("the model has no signature 'serving_default'; '{}' is taken",
                                        signatures.begin()->first));
  return signatures.begin()->second;
}
} // namespace

Result<ImportedModule> importGraphDefBytes(std::span<const char> bytes, const ImportOptions& options,
                                           mlir::MLIRContext& context) {
  BURIN_ASSIGN(std::shared_ptr<tfpb::GraphDef> graph, parse<tfpb::GraphDef>(bytes, "graph"));
  if (graph->node().empty())
    return fail(ErrorCode::Input, "holds no graph", "give a frozen graph or the folder of a SavedModel");
  ImportInfo info;
  info.hash = hashBytes(bytes);
  return importSource({graph.get(), graph, nullptr, {}}, std::move(info), options, context);
}

Result<ImportedModule> importSavedModelBytes(std::span<const char> bytes, const std::string& folder,
                                             const ImportOptions& options, mlir::MLIRContext& context) {
  BURIN_ASSIGN(std::shared_ptr<tfpb::SavedModel> model, parse<tfpb::SavedModel>(bytes, "SavedModel"));
  const tfpb::MetaGraphDef* graph = chooseGraph(*model);
  if (!graph || graph->graph_def().node().empty())
    return fail(ErrorCode::Input, "holds no graph", "save the model again");
  ImportInfo info;
  info.producer = printable("tensorflow " + graph->meta_info_def().tensorflow_version());
  GraphSource source{&graph->graph_def(), model, chooseSignature(*graph, info), {}};
  const std::string prefix = (std::filesystem::path(folder) / "variables" / "variables").string();
  std::string all(bytes.data(), bytes.size());
  if (!folder.empty() && std::filesystem::exists(prefix + ".index")) {
    BURIN_ASSIGN(std::shared_ptr<Checkpoint> checkpoint, Checkpoint::open(prefix));
    // The index holds a checksum of every variable.
    BURIN_ASSIGN(std::shared_ptr<const MappedFile> index, MappedFile::open(prefix + ".index"));
    all.append(index->bytes().data(), index->bytes().size());
    source.openVariables = [checkpoint](const std::vector<GraphNode>& nodes) {
      return std::make_unique<CheckpointVariables>(checkpoint, nodes);
    };
  }
  info.hash = hashBytes(all);
  return importSource(source, std::move(info), options, context);
}

Result<ImportedModule> importTensorflow(const std::string& path, const ImportOptions& options,
                                        mlir::MLIRContext& context) {
  namespace fs = std::filesystem;
  std::string file = fs::is_directory(path) ? savedModelFile(path) : path;
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> mapped, MappedFile::open(file));
  std::string folder = fs::path(file).parent_path().string(), binary;
  std::span<const char> bytes = mapped->bytes();
  if (isKeras(bytes))
    return fail(
        Error{ErrorCode::Unsupported,
              path,
              {},
              "is a file of Keras, which only Python can build a network from",
              "in Python: keras.models.load_model('model.h5').export('folder'), and give the folder"});
  const TextKind kind = textKind({bytes.data(), bytes.size()});
  if (kind != TextKind::None) {
    auto made = binaryGraph({bytes.data(), bytes.size()}, kind);
    if (!made) return tl::unexpected(inFile(made.error(), path));
    binary = std::move(*made);
    bytes = binary;
  }
  auto imported =
      kind == TextKind::SavedModel || (kind == TextKind::None && isSavedModel({file, false, bytes}))
          ? importSavedModelBytes(bytes, folder.empty() ? "." : folder, options, context)
          : importGraphDefBytes(bytes, options, context);
  if (!imported) return tl::unexpected(inFile(imported.error(), path));
  return imported;
}

namespace {
// A field that holds `size` bytes: its tag, then their number.
bool readField(std::span<const char>& bytes, char tag, size_t& size) {
  if (bytes.empty() || bytes[0] != tag) return false;
  size = 0;
  for (size_t i = 1; i < bytes.size() && i < 6; ++i) {
    size |= static_cast<size_t>(bytes[i] & 127) << (7 * (i - 1));
    if (bytes[i] & 128) continue;
    bytes = bytes.subspan(i + 1);
    return size <= bytes.size();
  }
  return false;
}

// A GraphDef has no magic number: it begins with a node, which begins with its name and operator.
bool startsWithNode(std::span<const char> bytes) {
  size_t size;
  if (!readField(bytes, '\x0a', size)) return false;
  bytes = bytes.first(size);
  if (!readField(bytes, '\x0a', size) || size == 0) return false;
  bytes = bytes.subspan(size);
  if (!readField(bytes, '\x12', size) || size == 0) return false;
  return std::all_of(bytes.begin(), bytes.begin() + static_cast<long>(size), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '>';
  });
}

bool recognises(const ModelFile& file) {
  if (file.isFolder) return std::filesystem::exists(savedModelFile(file.path));
  return isSavedModel(file) || startsWithNode(file.bytes) || isKeras(file.bytes) ||
         textKind({file.bytes.data(), file.bytes.size()}) != TextKind::None;
}
} // namespace

const ImportFormat kTensorflowFormat = {"tensorflow",
                                        "frozen .pb or .pbtxt, SavedModel folder",
                                        "variables are read from the SavedModel's checkpoint",
                                        recognises,
                                        importTensorflow,
                                        [] { return operators().supported(); }};

} // namespace burin
