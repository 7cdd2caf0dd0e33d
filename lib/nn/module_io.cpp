#include "lib/nn/module_io.h"

#include "lib/support/file.h"
#include "runtime/core/container.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

#include <fmt/format.h>
#include <set>

using namespace mlir;

namespace burin::nn {

namespace {
constexpr char kTextMagic[] = "// burin module 1";
constexpr char kWeightsMagic[8] = {'B', 'U', 'R', 'I', 'N', 'W', 'T', '1'};
constexpr char kBytecodeMagic[8] = {'B', 'U', 'R', 'I', 'N', 'M', 'B', '1'};

// Weights file and bytecode file share this head; payload follows at a multiple of 64 bytes, which MLIR's
// bytecode reader asks of its buffer.
struct EnvelopeHeader {
  char magic[8] = {};
  uint64_t payloadBytes = 0;
  uint64_t checksum = 0;
  uint64_t reserved[5] = {};
};
static_assert(sizeof(EnvelopeHeader) == 64, "the header is part of the file format");

std::vector<char> seal(const char (&magic)[8], const std::vector<char>& payload) {
  EnvelopeHeader header;
  header.payloadBytes = payload.size();
  header.checksum = rt::checksum(payload.data(), payload.size());
  memcpy(header.magic, magic, sizeof header.magic);
  std::vector<char> file(sizeof header + payload.size());
  memcpy(file.data(), &header, sizeof header);
  memcpy(file.data() + sizeof header, payload.data(), payload.size());
  return file;
}

Result<std::span<const char>> unseal(const char (&magic)[8], std::span<const char> file,
                                     const std::string& path) {
  auto bad = [&](const char* what) {
    return fail(Error{ErrorCode::Input, path, {}, what, "write the module again with 'burin import'"});
  };
  EnvelopeHeader header;
  if (file.size() < sizeof header) return bad("file is truncated");
  memcpy(&header, file.data(), sizeof header);
  if (memcmp(header.magic, magic, sizeof header.magic) != 0) return bad("not a Burin file of this kind");
  std::span<const char> payload = file.subspan(sizeof header);
  if (header.payloadBytes != payload.size()) return bad("file is truncated or has trailing bytes");
  if (header.checksum != rt::checksum(payload.data(), payload.size()))
    return bad("checksum mismatch: the file is damaged");
  return payload;
}

// All resource blobs of the module, by key, in order of first use.
std::vector<std::pair<std::string, ArrayRef<char>>> resources(ModuleOp module) {
  std::vector<std::pair<std::string, ArrayRef<char>>> list;
  std::set<std::string> seen;
  module.walk([&](ConstantOp constant) {
    auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
    if (!resource) return;
    std::string key = resource.getRawHandle().getKey().str();
    AsmResourceBlob* blob = resource.getRawHandle().getBlob();
    if (blob && seen.insert(key).second) list.emplace_back(key, blob->getData());
  });
  return list;
}

// Payload: u64 count, then per blob u64 key bytes, u64 offset, u64 bytes; keys; blobs 64-byte aligned in the
// file.
std::vector<char> packWeights(ModuleOp module) {
  auto list = resources(module);
  std::vector<char> out;
  auto put = [&](uint64_t v) {
    out.insert(out.end(), reinterpret_cast<char*>(&v), reinterpret_cast<char*>(&v) + 8);
  };
  uint64_t keys = 0;
  for (auto& [key, data] : list) keys += key.size();
  auto align = [](uint64_t v) {
    return (v + sizeof(EnvelopeHeader) + 63) / 64 * 64 - sizeof(EnvelopeHeader);
  };
  uint64_t offset = align(8 + 24 * list.size() + keys), end = offset;
  put(list.size());
  for (auto& [key, data] : list) {
    put(key.size());
    put(end);
    put(data.size());
    end = align(end + data.size());
  }
  for (auto& [key, data] : list) out.insert(out.end(), key.begin(), key.end());
  for (auto& [key, data] : list) {
    out.resize(align(out.size()));
    out.insert(out.end(), data.begin(), data.end());
  }
  return out;
}

Result<std::map<std::string, ArrayRef<char>>> unpackWeights(std::span<const char> payload,
                                                            const std::string& path) {
  auto bad = [&] {
    return fail(Error{ErrorCode::Input,
                      path,
                      {},
                      "weights table is damaged",
                      "write the module again with 'burin import'"});
  };
  auto get = [&](size_t at) {
    uint64_t v;
    memcpy(&v, payload.data() + at, 8);
    return v;
  };
  if (payload.size() < 8) return bad();
  uint64_t count = get(0);
  if (count > (payload.size() - 8) / 24) return bad();
  std::map<std::string, ArrayRef<char>> out;
  uint64_t keyAt = 8 + 24 * count;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t keyBytes = get(8 + 24 * i), offset = get(16 + 24 * i), bytes = get(24 + 24 * i);
    if (keyBytes > payload.size() - keyAt || offset > payload.size() || bytes > payload.size() - offset)
      return bad();
    out[std::string(payload.data() + keyAt, keyBytes)] = ArrayRef<char>(payload.data() + offset, bytes);
    keyAt += keyBytes;
  }
  return out;
}

// Every constant must have exactly the bytes its type needs; parsers do not check resource sizes.
Status checkModule(ModuleOp module, const std::string& path) {
  auto bad = [&](const std::string& what) {
    return fail(Error{ErrorCode::Input, path, {}, what, "write the module again with 'burin import'"});
  };
  int graphs = 0;
  module.walk([&](GraphOp) { ++graphs; });
  if (graphs == 0) return bad("module holds no nn.graph");
  std::string problem;
  module.walk([&](ConstantOp constant) {
    rt::TensorType type;
    if (!tensorType(constant.getType(), type))
      problem = "a constant has an unsupported type";
    else if (isa<DenseResourceElementsAttr>(constant.getValue()) &&
             constantBytes(constant).size() != type.shape.elements() * rt::dtypeBytes(type.dtype))
      problem =
          "constant '" + valueName(constant) + "' is missing from the weights file or has the wrong size";
  });
  return problem.empty() ? Status() : Status(bad(problem));
}

Result<Module> parseText(const std::string& path, const std::string& text) {
  Module module{makeContext(), {}};
  std::string weightsPath = path + ".weights", firstError;
  ScopedDiagnosticHandler handler(module.context.get(), [&](Diagnostic& d) {
    if (firstError.empty()) firstError = d.str();
    return success();
  });
  module.op = parseSourceString<ModuleOp>(text, ParserConfig(module.context.get()));
  if (!module.op)
    return fail(Error{ErrorCode::Input,
                      path,
                      {},
                      "not a valid module: " + firstError,
                      "write the module again with 'burin import'"});
  BURIN_ASSIGN(auto file, MappedFile::open(weightsPath));
  BURIN_ASSIGN(auto payload, unseal(kWeightsMagic, file->bytes(), weightsPath));
  BURIN_ASSIGN(auto blobs, unpackWeights(payload, weightsPath));
  auto& manager = DenseResourceElementsHandle::getManagerInterface(module.context.get()).getBlobManager();
  for (auto& [key, data] : blobs)
    if (manager.lookup(key))
      manager.update(key,
                     AsmResourceBlob(data, 8, [file](void*, size_t, size_t) {}, /*dataIsMutable=*/false));
  BURIN_CHECK(checkModule(*module.op, path));
  return module;
}

Result<Module> parseBytecode(const std::string& path, std::span<const char> bytes) {
  BURIN_ASSIGN(auto payload, unseal(kBytecodeMagic, bytes, path));
  Module module{makeContext(), {}};
  std::string firstError;
  ScopedDiagnosticHandler handler(module.context.get(), [&](Diagnostic& d) {
    if (firstError.empty()) firstError = d.str();
    return success();
  });
  module.op = parseSourceString<ModuleOp>(StringRef(payload.data(), payload.size()),
                                          ParserConfig(module.context.get()));
  if (!module.op)
    return fail(Error{ErrorCode::Input,
                      path,
                      {},
                      "not a valid module: " + firstError,
                      "write the module again with 'burin import'"});
  BURIN_CHECK(checkModule(*module.op, path));
  return module;
}
} // namespace

GraphOp Module::graph() const { return *op.get().getOps<GraphOp>().begin(); }

std::unique_ptr<MLIRContext> makeContext() {
  auto context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  loadDialects(*context);
  return context;
}

Status saveModule(ModuleOp module, const std::string& path) {
  if (path.ends_with(".mlirbc")) {
    std::string bytecode;
    llvm::raw_string_ostream stream(bytecode);
    if (failed(writeBytecodeToFile(module, stream)))
      return fail(ErrorCode::Internal, "cannot write bytecode");
    return writeFile(path, seal(kBytecodeMagic, std::vector<char>(bytecode.begin(), bytecode.end())));
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << kTextMagic << "\n";
  module.print(stream, OpPrintingFlags().elideLargeResourceString(0));
  const std::vector<char> weights = seal(kWeightsMagic, packWeights(module));
  const FileContent files[] = {{path + ".weights", weights}, {path, text}};
  return writeFiles(files);
}

bool isModuleFile(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!file) return false;
  std::string_view bytes((*file)->bytes().data(), (*file)->bytes().size());
  return bytes.starts_with(kTextMagic) || bytes.starts_with(std::string_view(kBytecodeMagic, 8));
}

Result<Module> loadModule(const std::string& path) {
  BURIN_ASSIGN(auto file, MappedFile::open(path));
  std::string_view bytes(file->bytes().data(), file->bytes().size());
  if (bytes.starts_with(std::string_view(kBytecodeMagic, 8))) return parseBytecode(path, file->bytes());
  if (!bytes.starts_with(kTextMagic))
    return fail(Error{
        ErrorCode::Input, path, {}, "not a Burin module", "make one with 'burin import MODEL -o net.mlir'"});
  return parseText(path, std::string(bytes));
}

// The text with zeros for weights, and the weights' bytes. Their keys do not count: they depend on what else
// the context has held.
std::string moduleHash(ModuleOp module) {
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(module->clone());
  Builder builder(module.getContext());
  std::vector<uint64_t> sums;
  copy->walk([&](ConstantOp constant) {
    auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
    AsmResourceBlob* blob = resource ? resource.getRawHandle().getBlob() : nullptr;
    if (!blob) return;
    sums.push_back(rt::checksum(blob->getData().data(), blob->getData().size()));
    const ShapedType type = resource.getType();
    constant.setValueAttr(DenseElementsAttr::get(type, builder.getZeroAttr(type.getElementType())));
  });
  std::string text;
  llvm::raw_string_ostream stream(text);
  copy->print(stream, OpPrintingFlags().elideLargeResourceString(0));
  sums.push_back(rt::checksum(text.data(), text.size()));
  return fmt::format("{:016x}", rt::checksum(sums.data(), sums.size() * sizeof sums[0]));
}

} // namespace burin::nn
