#include "lib/import/tensorflow/importer.h"

#include "lib/import/tensorflow/graph_importer.h"
#include "lib/import/tensorflow/operators.h"

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

void describeGraph(const tfpb::GraphDef& graph, ImportInfo& info) {
  info.format = "tensorflow";
  if (graph.versions().producer()) info.opset = fmt::format("graph {}", graph.versions().producer());
}
} // namespace

Result<ImportedModule> importGraphDefBytes(std::span<const char> bytes, const ImportOptions& options,
                                           mlir::MLIRContext& context) {
  BURIN_ASSIGN(std::shared_ptr<tfpb::GraphDef> graph, parse<tfpb::GraphDef>(bytes, "graph"));
  if (graph->node().empty())
    return fail(ErrorCode::Input, "holds no graph", "give a frozen graph or the folder of a SavedModel");
  ImportedModule imported;
  describeGraph(*graph, imported.info);
  imported.info.hash = hashBytes(bytes);
  nn::GraphBuilder builder(&context);
  builder.setFoldLimits(options.foldLimits);
  GraphSource source{graph.get(), graph, nullptr, {}};
  BURIN_ASSIGN(imported.module, importGraph(source, options, builder, imported.info));
  attachSource(*imported.module, imported.info);
  return imported;
}

Result<ImportedModule> importTensorflow(const std::string& path, const ImportOptions& options,
                                        mlir::MLIRContext& context) {
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::open(path));
  auto imported = importGraphDefBytes(file->bytes(), options, context);
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
  if (file.isFolder) return std::filesystem::exists(std::filesystem::path(file.path) / "saved_model.pb");
  return file.path.ends_with("saved_model.pb") || startsWithNode(file.bytes);
}

std::vector<SupportedOperator> supportedOperators() {
  std::vector<SupportedOperator> list;
  for (const OperatorTable* table : operatorTables())
    for (size_t i = 0; i < table->count; ++i)
      list.push_back({table->rows[i].name, "", table->rows[i].inModel ? "model" : "fixture"});
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}
} // namespace

const ImportFormat kTensorflowFormat = {"tensorflow",
                                        "frozen .pb, SavedModel folder",
                                        "variables are read from the SavedModel's checkpoint",
                                        recognises,
                                        importTensorflow,
                                        supportedOperators};

} // namespace burin
