#include "lib/import/onnx/tensor_reader.h"

#include "lib/import/finite.h"
#include "lib/import/stored_tensor.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>

namespace burin::onnx {

using onnxpb::TensorProto;
using rt::DType;

namespace {
constexpr int64_t kMaxElements = int64_t(1) << 40;

struct TypeRow {
  int32_t onnxType;
  const char* name;
  DType dtype;
  int storedBits; // in raw_data
};
constexpr TypeRow kTypes[] = {
    {TensorProto::FLOAT, "float", DType::F32, 32},     {TensorProto::DOUBLE, "double", DType::F32, 64},
    {TensorProto::FLOAT16, "float16", DType::F16, 16}, {TensorProto::BFLOAT16, "bfloat16", DType::BF16, 16},
    {TensorProto::INT8, "int8", DType::I8, 8},         {TensorProto::UINT8, "uint8", DType::U8, 8},
    {TensorProto::INT16, "int16", DType::I16, 16},     {TensorProto::UINT16, "uint16", DType::U16, 16},
    {TensorProto::INT32, "int32", DType::I32, 32},     {TensorProto::UINT32, "uint32", DType::U32, 32},
    {TensorProto::INT64, "int64", DType::I64, 64},     {TensorProto::UINT64, "uint64", DType::U64, 64},
    {TensorProto::BOOL, "bool", DType::Bool, 8},       {TensorProto::INT4, "int4", DType::I8, 4},
    {TensorProto::UINT4, "uint4", DType::U8, 4},
};

const TypeRow* findType(int32_t onnxType) {
  for (const TypeRow& row : kTypes)
    if (row.onnxType == onnxType) return &row;
  return nullptr;
}

// Two values per byte, the first in the low half.
std::vector<char> unpackNibbles(std::span<const char> packed, int64_t count, bool isSigned) {
  std::vector<char> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    int nibble = (static_cast<uint8_t>(packed[i / 2]) >> (i % 2 * 4)) & 15;
    values[i] = static_cast<char>(isSigned && nibble > 7 ? nibble - 16 : nibble);
  }
  return values;
}

bool readNumber(const std::string& text, uint64_t& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

template <class Out, class Field>
std::vector<char> convertField(const Field& field) {
  std::vector<char> bytes(static_cast<size_t>(field.size()) * sizeof(Out));
  for (int i = 0; i < field.size(); ++i) {
    Out value = static_cast<Out>(field.Get(i));
    std::memcpy(bytes.data() + static_cast<size_t>(i) * sizeof(Out), &value, sizeof(Out));
  }
  return bytes;
}
} // namespace

std::string elementTypeName(int32_t onnxType) {
  if (const TypeRow* row = findType(onnxType)) return row->name;
  switch (onnxType) {
  case TensorProto::UNDEFINED:
    return "undefined";
  case TensorProto::STRING:
    return "string";
  case TensorProto::COMPLEX64:
    return "complex64";
  case TensorProto::COMPLEX128:
    return "complex128";
  case TensorProto::FLOAT8E4M3FN:
    return "float8e4m3fn";
  case TensorProto::FLOAT8E4M3FNUZ:
    return "float8e4m3fnuz";
  case TensorProto::FLOAT8E5M2:
    return "float8e5m2";
  case TensorProto::FLOAT8E5M2FNUZ:
    return "float8e5m2fnuz";
  case TensorProto::FLOAT4E2M1:
    return "float4e2m1";
  case TensorProto::FLOAT8E8M0:
    return "float8e8m0";
  case TensorProto::UINT2:
    return "uint2";
  case TensorProto::INT2:
    return "int2";
  default:
    return fmt::format("type {}", onnxType);
  }
}

Result<DType> elementType(int32_t onnxType) {
  if (const TypeRow* row = findType(onnxType)) return row->dtype;
  return fail(ErrorCode::Unsupported,
              fmt::format("element type {} is not supported", elementTypeName(onnxType)),
              "convert the tensor to float32 or an integer type before exporting");
}

Result<rt::Shape> TensorReader::shapeOf(const TensorProto& tensor) const {
  rt::Shape shape;
  if (tensor.dims_size() > rt::kMaxRank)
    return fail(ErrorCode::Unsupported, fmt::format("has {} dimensions", tensor.dims_size()),
                fmt::format("at most {} are supported", rt::kMaxRank));
  int64_t elements = 1;
  for (int64_t d : tensor.dims()) {
    if (d < 0 || (d > 0 && elements > kMaxElements / d))
      return fail(ErrorCode::Input, fmt::format("dimension {} is out of range", d), "the file is damaged");
    elements *= d;
    shape.push(d);
  }
  return shape;
}

Result<TensorReader::Bytes> TensorReader::externalBytes(const TensorProto& tensor) {
  std::string location;
  uint64_t offset = 0, length = 0;
  bool hasLength = false;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() != "offset" && entry.key() != "length") continue;
    uint64_t& number = entry.key() == "offset" ? offset : length;
    if (!readNumber(entry.value(), number))
      return fail(
          ErrorCode::Input,
          fmt::format("the {} '{}' of its external data is no number of bytes", entry.key(), entry.value()),
          "the file is damaged; export it again");
    hasLength |= entry.key() == "length";
  }
  namespace fs = std::filesystem;
  if (folder_.empty())
    return fail(ErrorCode::Input, "its data are in an external file, which this source has no folder for");
  std::error_code status;
  fs::path root = fs::weakly_canonical(folder_, status);
  fs::path file = fs::weakly_canonical(root / location, status);
  fs::path relative = file.lexically_relative(root);
  if (location.empty() || status || fs::path(location).is_absolute() || relative.empty() ||
      *relative.begin() == "..")
    return fail(ErrorCode::Input,
                fmt::format("its external data file '{}' is not inside the model's folder", location),
                "put the weights file beside the model");
  auto& mapped = externalFiles_[file.string()];
  if (!mapped) {
    auto opened = MappedFile::open(file.string());
    if (!opened) return tl::unexpected(opened.error());
    mapped = *opened;
  }
  size_t size = mapped->bytes().size();
  if (offset > size || (hasLength && length > size - offset))
    return fail(ErrorCode::Input,
                fmt::format("its external data file '{}' has {} bytes, {} from offset {} are needed",
                            location, size, length, offset),
                "the weights file is cut short or of another model");
  return Bytes{mapped->bytes().subspan(offset, hasLength ? length : size - offset), mapped};
}

Result<mlir::Value> TensorReader::fromRaw(const TensorProto& tensor, const rt::TensorType& type,
                                          const Bytes& raw, const std::string& name) {
  const TypeRow& row = *findType(tensor.data_type());
  int64_t elements = type.shape.elements();
  uint64_t needed = (static_cast<uint64_t>(elements) * row.storedBits + 7) / 8;
  bool external = tensor.data_location() == TensorProto::EXTERNAL;
  if (external ? raw.view.size() < needed : raw.view.size() != needed)
    return fail(ErrorCode::Input,
                fmt::format("holds {} bytes of data, its shape {} of {} needs {}", raw.view.size(),
                            rt::toString(type.shape), row.name, needed),
                "the file is damaged; export it again");
  auto view = raw.view.first(needed);
  if (tensor.data_type() == TensorProto::DOUBLE)
    return builder_.constant(type, floatsFromDoubles(view), name);
  if (row.storedBits == 4)
    return builder_.constant(type, unpackNibbles(view, elements, type.dtype == DType::I8), name);
  return builder_.constantView(type, llvm::ArrayRef<char>(view.data(), view.size()), raw.owner, name);
}

Result<mlir::Value> TensorReader::fromFields(const TensorProto& tensor, const rt::TensorType& type,
                                             const std::string& name) {
  std::vector<char> bytes;
  bool nibbles = findType(tensor.data_type())->storedBits == 4;
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    bytes = convertField<float>(tensor.float_data());
    break;
  case TensorProto::DOUBLE:
    bytes = convertField<float>(tensor.double_data());
    break;
  case TensorProto::INT64:
    bytes = convertField<int64_t>(tensor.int64_data());
    break;
  case TensorProto::UINT64:
    bytes = convertField<uint64_t>(tensor.uint64_data());
    break;
  case TensorProto::UINT32:
    bytes = convertField<uint32_t>(tensor.uint64_data());
    break;
  case TensorProto::INT32:
    bytes = convertField<int32_t>(tensor.int32_data());
    break;
  case TensorProto::BOOL:
    bytes = convertField<uint8_t>(tensor.int32_data());
    for (char& b : bytes) b = b != 0;
    break;
  default: // the narrow types, one int32 each; the bits of half floats as integers
    bytes = rt::dtypeBytes(type.dtype) == 1 ? convertField<uint8_t>(tensor.int32_data())
                                            : convertField<uint16_t>(tensor.int32_data());
  }
  uint64_t elements = static_cast<uint64_t>(type.shape.elements());
  uint64_t needed = nibbles ? (elements + 1) / 2 : elements * rt::dtypeBytes(type.dtype);
  if (bytes.size() != needed)
    return fail(ErrorCode::Input,
                fmt::format("holds {} bytes of values, its shape {} needs {}", bytes.size(),
                            rt::toString(type.shape), needed),
                "the file is damaged; export it again");
  if (nibbles) bytes = unpackNibbles(bytes, type.shape.elements(), type.dtype == DType::I8);
  return builder_.constant(type, bytes, name);
}

Result<mlir::Value> TensorReader::read(const TensorProto& tensor, const std::string& name) {
  std::string where = "tensor '" + name + "'";
  auto run = [&]() -> Result<mlir::Value> {
    BURIN_ASSIGN(DType dtype, elementType(tensor.data_type()));
    BURIN_ASSIGN(rt::Shape shape, shapeOf(tensor));
    rt::TensorType type{dtype, shape};
    mlir::Value value;
    if (tensor.data_location() == TensorProto::EXTERNAL) {
      BURIN_ASSIGN(Bytes bytes, externalBytes(tensor));
      BURIN_ASSIGN(value, fromRaw(tensor, type, bytes, name));
    } else if (tensor.has_raw_data()) {
      BURIN_ASSIGN(
          value, fromRaw(tensor, type, {{tensor.raw_data().data(), tensor.raw_data().size()}, owner_}, name));
    } else {
      BURIN_ASSIGN(value, fromFields(tensor, type, name));
    }
    if (!allowNonFinite_) BURIN_CHECK(checkFinite(value));
    return value;
  };
  auto result = run();
  if (!result) return tl::unexpected(atOp(result.error(), where));
  return result;
}

} // namespace burin::onnx
