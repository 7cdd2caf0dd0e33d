#include "lib/import/paddle/importer.h"

#include "lib/import/paddle/flatten.h"
#include "lib/import/paddle/operators.h"

#include <filesystem>
#include <fmt/format.h>

namespace burin {

namespace fs = std::filesystem;

namespace {
// Two digits each from the third on: 2006001 is 2.6.1.
std::string versionText(int64_t version) {
  if (version <= 0) return {};
  return fmt::format("{}.{}.{}", version / 1000000, version / 1000 % 1000, version % 1000);
}

Result<mlir::OwningOpRef<mlir::ModuleOp>>
importProgram(const paddle::Program& program, const paddle::Parameters& parameters, ImportSession& session) {
  BURIN_ASSIGN(paddle::FlatProgram flat, paddle::flatten(program, session.options().maxNodes));
  FlatGraph& graph = flat.graph;
  for (const auto& [name, tensor] : parameters) graph.constants.insert(name);
  graph.constant = [&](const std::string& name) {
    return makeConstant(parameters.at(name), name, session.builder(), session.options().allowNonFinite);
  };
  graph.hasRule = [](const FlatNode& node) { return paddle::operators().find(node.type) != nullptr; };
  graph.remedy = paddle::remedyFor;
  graph.rule = [&](size_t index, RuleContext& context) {
    paddle::Node node(context, *flat.descs[index], program);
    paddle::operators().find(node.type())->rule(node);
  };
  return importFlatGraph(graph, session);
}

Result<ImportedModule> importParsed(const paddle::Program& program, const paddle::Parameters& parameters,
                                    std::span<const char> bytes, const ImportOptions& options,
                                    mlir::MLIRContext& context) {
  ImportedModule imported;
  imported.info.format = "paddle";
  imported.info.hash = hashBytes(bytes);
  imported.info.producer = "paddle " + versionText(program.desc.version().version());
  while (imported.info.producer.ends_with(' ')) imported.info.producer.pop_back();
  nn::GraphBuilder builder(&context);
  builder.setFoldLimits(options.foldLimits);
  ImportSession session(builder, options, imported.info);
  BURIN_ASSIGN(imported.module, importProgram(program, parameters, session));
  attachSource(*imported.module, imported.info);
  return imported;
}

constexpr const char* kProgramNames[] = {"inference.pdmodel", "model.pdmodel", "__model__"};

// The program of a model folder; empty when it is none.
std::string programIn(const std::string& folder) {
  for (const char* name : kProgramNames)
    if (fs::path path = fs::path(folder) / name; fs::is_regular_file(path)) return path.string();
  std::error_code error;
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".pdmodel") found.push_back(entry.path().string());
  return found.size() == 1 ? found.front() : std::string();
}

// The combined parameter file; empty where the parameters lie in files of their own.
Result<std::string> parameterFile(const std::string& model, const std::string& flag) {
  const fs::path path(model);
  if (!flag.empty() && !fs::is_directory(flag)) return flag;
  if (flag.empty() && path.extension() == ".pdmodel")
    return weightsFile(model, {}, std::array<std::string, 1>{".pdiparams"});
  const fs::path folder = flag.empty() ? path.parent_path() : fs::path(flag);
  for (const char* name : {"__params__", "params", "weights"})
    if (fs::is_regular_file(folder / name)) return (folder / name).string();
  return std::string();
}

Result<paddle::Parameters> readParameters(const paddle::Program& program, const std::string& model,
                                          const std::string& flag) {
  if (program.parameters.empty()) return paddle::Parameters();
  BURIN_ASSIGN(std::string path, parameterFile(model, flag));
  if (path.empty()) {
    std::string folder = flag.empty() ? fs::path(model).parent_path().string() : flag;
    return readSeparate(program, folder.empty() ? "." : folder);
  }
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::open(path));
  auto parameters = readCombined(program, file->bytes(), file);
  if (!parameters) return fail(inFile(parameters.error(), path));
  return parameters;
}

Result<ImportedModule> importPaddle(const std::string& given, const ImportOptions& options,
                                    mlir::MLIRContext& context) {
  const std::string path = fs::is_directory(given) ? programIn(given) : given;
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::open(path));
  auto run = [&]() -> Result<ImportedModule> {
    if (file->bytes().front() == '{')
      return fail(ErrorCode::Unsupported, "is a program of Paddle 3's intermediate representation",
                  "export the model with FLAGS_enable_pir_api=0, or convert it with paddle2onnx");
    BURIN_ASSIGN(std::shared_ptr<const paddle::Program> program, paddle::parseProgram(file->bytes()));
    BURIN_ASSIGN(paddle::Parameters parameters, readParameters(*program, path, options.weights));
    return importParsed(*program, parameters, file->bytes(), options, context);
  };
  auto imported = run();
  if (!imported) return fail(inFile(imported.error(), path));
  return imported;
}

// A program begins with its first block, a block with its index 0 and its parent's.
bool looksLikeProgram(std::span<const char> bytes) {
  if (bytes.empty() || bytes[0] != 0x0a) return false;
  size_t at = 1;
  while (at < bytes.size() && at < 11 && (bytes[at] & 0x80)) ++at;
  ++at;
  return at + 3 <= bytes.size() && bytes[at] == 0x08 && bytes[at + 1] == 0 && bytes[at + 2] == 0x10;
}

bool looksLikePaddle(const ModelFile& file) {
  if (file.isFolder) return !programIn(file.path).empty();
  std::string_view start(file.bytes.data(), std::min<size_t>(file.bytes.size(), 256));
  bool isPir = start.starts_with('{') && start.find("\"pir\"") != std::string_view::npos;
  return isPir || looksLikeProgram(file.bytes);
}
} // namespace

Result<ImportedModule> importPaddleBytes(std::span<const char> programBytes, std::span<const char> stream,
                                         const ImportOptions& options, mlir::MLIRContext& context) {
  BURIN_ASSIGN(std::shared_ptr<const paddle::Program> program, paddle::parseProgram(programBytes));
  auto copy = std::make_shared<std::vector<char>>(stream.begin(), stream.end());
  BURIN_ASSIGN(paddle::Parameters parameters, paddle::readCombined(*program, *copy, copy));
  return importParsed(*program, parameters, programBytes, options, context);
}

const ImportFormat kPaddleFormat = {"paddle",
                                    "inference.pdmodel with .pdiparams, or __model__; or their folder",
                                    "inference models; parameters combined or in files of their own",
                                    looksLikePaddle,
                                    importPaddle,
                                    [] { return paddle::operators().supported(); }};

} // namespace burin
