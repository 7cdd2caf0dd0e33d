#include "lib/import/torch/importer.h"

#include "lib/import/torch/evaluator.h"
#include "lib/import/torch/operators.h"
#include "lib/import/torch/pickle.h"
#include "lib/import/torch/pickle_builders.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin {

namespace torch {
namespace {
constexpr uint64_t kMaxPickle = uint64_t(1) << 26;

std::span<const uint8_t> unsignedBytes(std::span<const char> bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

// What torch.save wrote before it wrote zip archives: a pickle that begins with this number, or a tar file.
bool isLegacy(std::span<const char> bytes) {
  constexpr std::string_view kMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14),
      kTar("ustar");
  std::string_view text(bytes.data(), std::min<size_t>(bytes.size(), 1024));
  return text.starts_with(kMagic) ||
         (text.size() > 512 && text.substr(257, 5) == kTar && text.starts_with("storages"));
}

tl::unexpected<Error> weightsOnly(const std::string& what) {
  return fail(ErrorCode::Unsupported, what + ", not the network that uses them", kScriptRemedy);
}

Result<Data> readRecord(const Archive& archive, const std::string& record, const std::string& folder,
                        Heap& heap) {
  BURIN_ASSIGN(std::vector<uint8_t> bytes, archive.read(record, kMaxPickle));
  auto data = readPickle(bytes, folder, heap);
  if (!data) return tl::unexpected(atOp(data.error(), record));
  return data;
}

// What torch.export.save writes; by release the program lies in one place or the other.
bool isExportedProgram(const Archive& archive) {
  return archive.has("serialized_exported_program.json") || archive.hasFolder("models/");
}

// A pickle without code: says what it holds.
Error explainPickle(const Archive& archive) {
  Heap heap;
  auto data = readRecord(archive, "data.pkl", "data/", heap);
  if (!data) return data.error();
  const Dict* dict = pointer<Dict>(*data);
  size_t tensors = 0;
  for (size_t i = 0; dict && i < dict->entries.size(); ++i)
    tensors += pointer<Tensor>(dict->entries[i].second) != nullptr;
  return weightsOnly(tensors ? fmt::format("holds {} tensors of weights (a state_dict)", tensors)
                             : std::string("holds Python data"))
      .value();
}

// One run of the network's forward.
class Importer {
public:
  Importer(const Archive& archive, ImportSession& session, const std::set<std::string>& integerInputs)
      : archive_(archive), session_(session), library_(archive), store_(archive, session, heap_),
        names_(session) {
    store_.integerInputs = integerInputs;
  }

  Result<mlir::OwningOpRef<mlir::ModuleOp>> run() {
    BURIN_ASSIGN(Data root, readRecord(archive_, "data.pkl", "data/", heap_));
    Object* module = pointer<Object>(root);
    if (!module)
      return fail(ErrorCode::Input, "its data.pkl holds no module", "save it again with torch.jit.save");
    Data constants;
    if (archive_.has("constants.pkl")) {
      BURIN_ASSIGN(constants, readRecord(archive_, "constants.pkl", "constants/", heap_));
    }
    BURIN_ASSIGN(const ClassDefinition* type, library_.type(module->type));
    const FunctionDefinition* forward = type ? findMethod(*type, "forward") : nullptr;
    if (!forward)
      return fail(ErrorCode::Input, fmt::format("its class {} has no method 'forward'", module->type),
                  "export the module that computes the network's outputs");
    Evaluator evaluator(library_, constants, store_, names_, session_);
    BURIN_CHECK(evaluator.prepare(*module));
    BURIN_ASSIGN(std::vector<Argument> arguments, inputsOf(*forward));
    auto result = evaluator.callMethod(*module, *forward, arguments);
    if (!result) {
      // What could not be made may be why the code goes astray.
      return fail(session_.report().empty() ? result.error() : session_.report().error());
    }
    return finish(*result);
  }
  const std::set<std::string>& integerInputs() const { return store_.integerInputs; }

private:
  // forward's arguments after self. Optional ones that no flag names keep their value.
  Result<std::vector<Argument>> inputsOf(const FunctionDefinition& forward) {
    std::vector<DeclaredInput> needed;
    std::vector<Argument> arguments;
    std::vector<std::string> others;
    const ImportOptions& options = session_.options();
    for (size_t i = 1; i < forward.parameters.size(); ++i) {
      const Parameter& p = forward.parameters[i];
      const bool isTensor = p.type == "Tensor" || p.type == "Optional[Tensor]" || p.type.empty();
      const bool isNamed = options.inputShapes.contains(p.name) || options.boundInputs.contains(p.name);
      if (p.fallback && !isNamed) {
        others.push_back(p.name);
        continue;
      }
      if (!isTensor)
        return fail(Error{ErrorCode::Unsupported,
                          {},
                          "input '" + p.name + "'",
                          fmt::format("is a {}; only tensors can enter a program", p.type),
                          "export a module whose forward takes tensors"});
      names_.reserve(p.name);
      if (auto bound = options.boundInputs.find(p.name); bound != options.boundInputs.end()) {
        Value value = session_.builder().constant(bound->second.type, bound->second.bytes, p.name);
        arguments.push_back({p.name, heap_.tensor(value)});
        others.push_back(p.name);
        continue;
      }
      const bool isInteger = store_.integerInputs.contains(p.name);
      needed.push_back({p.name, isInteger ? rt::DType::I64 : rt::DType::F32, {}});
    }
    return bindInputs(needed, others, std::move(arguments));
  }

  Result<std::vector<Argument>> bindInputs(const std::vector<DeclaredInput>& needed,
                                           std::vector<std::string> others, std::vector<Argument> arguments) {
    const ImportOptions& options = session_.options();
    others.insert(others.end(), options.inputs.begin(), options.inputs.end());
    std::vector<DeclaredInput> shaped;
    for (const DeclaredInput& input : needed) {
      const bool isGiven = options.inputShapes.contains(input.name) ||
                           (needed.size() == 1 && options.inputShapes.contains(""));
      if (options.inputs.empty() || isGiven)
        shaped.push_back(input);
      else // behind the cuts nothing may need it
        arguments.push_back({input.name, heap_.tensor()}), others.push_back(input.name);
    }
    BURIN_ASSIGN(std::vector<Ints> shapes, resolveInputShapes(shaped, others, session_));
    for (size_t i = 0; i < shaped.size(); ++i) {
      BURIN_ASSIGN(Value value, makeInput(shaped[i], shapes[i], session_));
      arguments.push_back({shaped[i].name, heap_.tensor(value)});
    }
    return arguments;
  }

  // Tensors in tuples, lists and dicts, in order. Names of dict entries become names of outputs.
  Status collect(const Data& data, const std::string& name, int depth) {
    // A list may hold another one many times over: what counts is how often they are looked at.
    if (depth > 16 || ++collected_ > 10000)
      return fail(ErrorCode::Unsupported, "its result is nested too deeply, or has too many parts");
    if (Tensor* tensor = pointer<Tensor>(data)) return addOutput(*tensor, name);
    if (const List* list = pointer<List>(data)) {
      for (const Data& item : list->items) BURIN_CHECK(collect(item, name, depth + 1));
      return {};
    }
    if (const Dict* dict = pointer<Dict>(data)) {
      for (const auto& [key, value] : dict->entries) BURIN_CHECK(collect(value, textOf(key), depth + 1));
      return {};
    }
    if (!isNone(data)) session_.warn(fmt::format("the output {} is no tensor and left out", textOf(data)));
    return {};
  }
  Status addOutput(Tensor& tensor, const std::string& wanted) {
    RuleContext context(session_, {"output", "output", {}, {}, {}});
    Value value = store_.read(context, tensor);
    if (context.failed()) return fail(*context.error());
    if (!value) {
      if (!session_.report().empty()) return {};
      return fail(ErrorCode::Unsupported,
                  "one of its outputs is not computed by any operator that is supported",
                  "choose outputs with --outputs");
    }
    std::string name = !wanted.empty()                ? wanted
                       : nn::valueName(value).empty() ? "output"
                                                      : nn::valueName(value);
    std::string unique = name;
    for (int& n = timesNamed_[name]; !takenNames_.insert(unique).second;)
      unique = fmt::format("{}_{}", name, ++n);
    outputs_.push_back(value), outputNames_.push_back(unique);
    return {};
  }

  Result<mlir::OwningOpRef<mlir::ModuleOp>> finish(const Data& result) {
    if (!session_.report().empty()) return fail(session_.report().error());
    BURIN_CHECK(names_.checkCuts());
    for (const std::string& name : session_.options().outputs) {
      outputs_.push_back(names_.wantedOutputs().at(name));
      outputNames_.push_back(name);
    }
    if (outputs_.empty()) BURIN_CHECK(collect(result, {}, 0));
    if (outputs_.empty()) return fail(ErrorCode::Unsupported, "its forward gives no tensor");
    dropUnusedInputs();
    return session_.builder().finish(outputs_, outputNames_);
  }

  // Behind cuts, and where shapes were all that was asked of an input.
  void dropUnusedInputs() {
    llvm::DenseSet<mlir::Operation*> used;
    std::vector<mlir::Operation*> pending;
    for (Value v : outputs_) pending.push_back(v.getDefiningOp());
    while (!pending.empty()) {
      mlir::Operation* op = pending.back();
      pending.pop_back();
      if (!used.insert(op).second) continue;
      for (Value operand : op->getOperands()) pending.push_back(operand.getDefiningOp());
    }
    mlir::Block* block = outputs_.front().getDefiningOp()->getBlock();
    for (mlir::Operation& op : llvm::make_early_inc_range(llvm::reverse(*block))) {
      if (used.contains(&op) || !op.use_empty()) continue;
      if (auto input = mlir::dyn_cast<nn::InputOp>(op))
        session_.warn(fmt::format("input '{}' is used by no output and left out", input.getName().str()));
      op.erase();
    }
  }

  const Archive& archive_;
  ImportSession& session_;
  Heap heap_;
  Library library_;
  TensorStore store_;
  TensorNames names_;
  std::vector<Value> outputs_;
  std::vector<std::string> outputNames_;
  std::set<std::string> takenNames_;
  std::map<std::string, int> timesNamed_; // the last number behind each name
  size_t collected_ = 0;                  // parts of the result
};

std::string firstLine(std::vector<uint8_t> bytes) {
  std::string text(bytes.begin(), bytes.end());
  return text.substr(0, std::min<size_t>(text.find('\n'), 20));
}

Result<ImportedModule> importArchive(const Archive& archive, std::span<const char> bytes,
                                     const ImportOptions& options, mlir::MLIRContext& context) {
  std::set<std::string> integerInputs;
  for (;;) {
    ImportedModule imported;
    imported.info.format = "torch";
    imported.info.hash = hashBytes(bytes);
    if (auto version = archive.read("version", 64)) imported.info.opset = firstLine(*version);
    nn::GraphBuilder builder(&context);
    builder.setFoldLimits(options.foldLimits);
    ImportSession session(builder, options, imported.info);
    Importer importer(archive, session, integerInputs);
    auto module = importer.run();
    // TorchScript does not tell the types of inputs: those that turn out to be indices make another run.
    if (importer.integerInputs().size() > integerInputs.size()) {
      integerInputs = importer.integerInputs();
      continue;
    }
    if (!module) return tl::unexpected(module.error());
    imported.module = std::move(*module);
    attachSource(*imported.module, imported.info);
    return imported;
  }
}

Result<ImportedModule> importBytes(std::span<const char> bytes, std::shared_ptr<const void> owner,
                                   const ImportOptions& options, mlir::MLIRContext& context) {
  if (isLegacy(bytes)) return weightsOnly("holds weights in the format of PyTorch before 1.6");
  BURIN_ASSIGN(Archive archive, Archive::open(unsignedBytes(bytes), std::move(owner)));
  if (archive.has("model.json"))
    return fail(ErrorCode::Unsupported, "is a TorchScript archive of PyTorch before 1.4",
                "load it with torch.jit.load and save it again with a newer PyTorch");
  if (isExportedProgram(archive))
    return fail(
        ErrorCode::Unsupported, "is a program of torch.export, which is not read",
        "in Python: torch.jit.trace(torch.export.load('model.pt2').module(), inputs).save('model.pt'), or "
        "torch.onnx.export");
  if (!archive.hasFolder("code/")) return tl::unexpected(explainPickle(archive));
  return importArchive(archive, bytes, options, context);
}
} // namespace
} // namespace torch

Result<ImportedModule> importTorchBytes(std::span<const char> bytes, const ImportOptions& options,
                                        mlir::MLIRContext& context) {
  auto copy = std::make_shared<std::vector<char>>(bytes.begin(), bytes.end());
  return torch::importBytes({copy->data(), copy->size()}, copy, options, context);
}

namespace {
bool recognisesTorch(const ModelFile& file) {
  if (file.isFolder) return false;
  if (torch::isLegacy(file.bytes)) return true;
  std::string_view text(file.bytes.data(), file.bytes.size());
  if (!text.starts_with("PK")) return false;
  auto archive = torch::Archive::open(torch::unsignedBytes(file.bytes), nullptr);
  return archive && (archive->has("data.pkl") || archive->hasFolder("code/") || archive->has("model.json") ||
                     torch::isExportedProgram(*archive));
}

Result<ImportedModule> importTorch(const std::string& path, const ImportOptions& options,
                                   mlir::MLIRContext& context) {
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::open(path));
  auto imported = torch::importBytes(file->bytes(), file, options, context);
  if (!imported) return tl::unexpected(inFile(imported.error(), path));
  return imported;
}
} // namespace

const ImportFormat kTorchFormat = {"torch",
                                   ".pt of torch.jit.trace or torch.jit.script",
                                   "--input-shapes is needed: the archive has no shapes",
                                   recognisesTorch,
                                   importTorch,
                                   torch::operatorList};

} // namespace burin
