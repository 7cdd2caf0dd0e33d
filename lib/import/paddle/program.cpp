#include "lib/import/paddle/program.h"

#include "lib/import/byte_reader.h"
#include "lib/import/common.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace burin::paddle {

using paddlepb::VarType;
using rt::DType;

Result<DType> elementType(int32_t type) {
  switch (type) {
  case VarType::BOOL:
    return DType::Bool;
  case VarType::INT16:
    return DType::I16;
  case VarType::INT32:
    return DType::I32;
  case VarType::INT64:
    return DType::I64;
  case VarType::FP16:
    return DType::F16;
  case VarType::FP32:
  case VarType::FP64:
    return DType::F32;
  case VarType::UINT8:
    return DType::U8;
  case VarType::INT8:
    return DType::I8;
  case VarType::BF16:
    return DType::BF16;
  default:
    return fail(ErrorCode::Unsupported, fmt::format("element type {} is not supported", type),
                "convert the tensor to float32 or an integer type before exporting");
  }
}

const VarType::TensorDesc* Program::tensor(const std::string& name) const {
  auto it = variables.find(name);
  if (it == variables.end() || !it->second->type().has_lod_tensor()) return nullptr;
  return &it->second->type().lod_tensor().tensor();
}

Result<std::shared_ptr<const Program>> parseProgram(std::span<const char> bytes) {
  auto program = std::make_shared<Program>();
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorCode::Input, "is larger than 2 GB, which the format does not allow");
  if (!program->desc.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::Input, "is not a Paddle program, or it is cut short",
                "download or export the file again");
  if (program->desc.blocks().empty())
    return fail(ErrorCode::Input, "holds no block", "give the model file (inference.pdmodel or __model__)");
  for (const auto& block : program->desc.blocks())
    for (const auto& variable : block.vars()) {
      program->variables.emplace(variable.name(), &variable);
      if (variable.persistable() && variable.type().type() == VarType::LOD_TENSOR)
        program->parameters.insert(variable.name());
    }
  return program;
}

namespace {
Status checkDeclaration(const VarType::TensorDesc& stored, const VarType::TensorDesc* declared) {
  if (!declared || std::equal(stored.dims().begin(), stored.dims().end(), declared->dims().begin(),
                              declared->dims().end(), [](int64_t s, int64_t d) { return d < 0 || s == d; }))
    return {};
  std::vector<int64_t> a(stored.dims().begin(), stored.dims().end()),
      b(declared->dims().begin(), declared->dims().end());
  return fail(ErrorCode::Input,
              fmt::format("is {} in the parameter file and {} in the program", dimsText(a), dimsText(b)),
              "the two files are of different models");
}

// Version, level-of-detail table, version, type, data.
Result<StoredTensor> readTensor(ByteReader& reader, const VarType::TensorDesc* declared,
                                std::shared_ptr<const void> owner) {
  uint32_t version = reader.number<uint32_t>();
  uint64_t levels = reader.number<uint64_t>();
  for (uint64_t i = 0; i < levels && reader.ok(); ++i) reader.take(reader.number<uint64_t>());
  uint32_t tensorVersion = reader.number<uint32_t>();
  auto descBytes = reader.take(static_cast<uint64_t>(std::max(reader.number<int32_t>(), 0)));
  const Error damaged{ErrorCode::Input,
                      {},
                      {},
                      "its data in the parameter file are damaged or cut short",
                      "the parameter file must be of this program; download or export both again"};
  VarType::TensorDesc desc;
  if (!reader.ok() || version || tensorVersion ||
      !desc.ParseFromArray(descBytes.data(), static_cast<int>(descBytes.size())))
    return fail(damaged);
  BURIN_CHECK(checkDeclaration(desc, declared));
  StoredTensor tensor;
  BURIN_ASSIGN(tensor.type.dtype, elementType(desc.data_type()));
  tensor.isDouble = desc.data_type() == VarType::FP64;
  std::vector<int64_t> dims(desc.dims().begin(), desc.dims().end());
  BURIN_ASSIGN(uint64_t bytes, storedBytes(dims, tensor.isDouble ? 8 : rt::dtypeBytes(tensor.type.dtype)));
  for (int64_t d : dims) tensor.type.shape.push(d);
  tensor.bytes = reader.take(bytes);
  if (!reader.ok()) return fail(damaged);
  tensor.owner = std::move(owner);
  return tensor;
}
} // namespace

Result<Parameters> readCombined(const Program& program, std::span<const char> bytes,
                                std::shared_ptr<const void> owner) {
  Parameters parameters;
  ByteReader reader(bytes);
  for (const std::string& name : program.parameters) {
    auto tensor = readTensor(reader, program.tensor(name), owner);
    if (!tensor) return fail(atOp(tensor.error(), "parameter '" + name + "'"));
    parameters.emplace(name, std::move(*tensor));
  }
  if (!reader.atEnd())
    return fail(ErrorCode::Input, "holds more tensors than the program has parameters",
                "the parameter file must be of this program");
  return parameters;
}

Result<Parameters> readSeparate(const Program& program, const std::string& folder) {
  namespace fs = std::filesystem;
  Parameters parameters;
  for (const std::string& name : program.parameters) {
    const fs::path relative(name);
    const std::string where = "parameter '" + name + "'";
    if (relative.is_absolute() || std::find(relative.begin(), relative.end(), "..") != relative.end())
      return fail(Error{ErrorCode::Input, {}, where, "its file would not be inside the model's folder", {}});
    auto file = MappedFile::open((fs::path(folder) / relative).string());
    if (!file)
      return fail(Error{ErrorCode::Input,
                        {},
                        where,
                        "is in no file: there is neither a combined parameter file nor one of this name",
                        "put the .pdiparams or __params__ file beside the model, or name it with --weights"});
    ByteReader reader((*file)->bytes());
    auto tensor = readTensor(reader, program.tensor(name), *file);
    if (!tensor) return fail(atOp(tensor.error(), where));
    parameters.emplace(name, std::move(*tensor));
  }
  return parameters;
}

} // namespace burin::paddle
