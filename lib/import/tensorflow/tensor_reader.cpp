#include "lib/import/tensorflow/tensor_reader.h"

#include "lib/import/finite.h"
#include "lib/import/stored_tensor.h"

#include <cstring>
#include <fmt/format.h>

namespace burin::tensorflow {

using rt::DType;

namespace {
constexpr int64_t kMaxElements = int64_t(1) << 40;

struct TypeRow {
  int32_t tfType;
  const char* name;
  DType dtype;
  int storedBytes;
};
// The quantized types of old graphs hold integers; their scales travel beside them.
constexpr TypeRow kTypes[] = {
    {1, "float32", DType::F32, 4},  {2, "float64", DType::F32, 8},  {3, "int32", DType::I32, 4},
    {4, "uint8", DType::U8, 1},     {5, "int16", DType::I16, 2},    {6, "int8", DType::I8, 1},
    {9, "int64", DType::I64, 8},    {10, "bool", DType::Bool, 1},   {11, "qint8", DType::I8, 1},
    {12, "quint8", DType::U8, 1},   {13, "qint32", DType::I32, 4},  {14, "bfloat16", DType::BF16, 2},
    {15, "qint16", DType::I16, 2},  {16, "quint16", DType::U16, 2}, {17, "uint16", DType::U16, 2},
    {19, "float16", DType::F16, 2}, {22, "uint32", DType::U32, 4},  {23, "uint64", DType::U64, 8},
};

const TypeRow* findType(int32_t tfType) {
  for (const TypeRow& row : kTypes)
    if (row.tfType == tfType) return &row;
  return nullptr;
}

// All elements of a field as T; the last one stands for all that follow it, an empty field for zeros.
template <class T, class Field>
std::vector<char> fill(const Field& field, size_t elements) {
  std::vector<char> bytes(elements * sizeof(T));
  T value{};
  for (size_t i = 0; i < elements; ++i) {
    if (i < static_cast<size_t>(field.size())) value = static_cast<T>(field.Get(static_cast<int>(i)));
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

int fieldSize(const tfpb::TensorProto& tensor) {
  return tensor.float_val_size() + tensor.double_val_size() + tensor.int_val_size() +
         tensor.int64_val_size() + tensor.bool_val_size() + tensor.half_val_size() +
         tensor.uint32_val_size() + tensor.uint64_val_size();
}

std::vector<char> fromFields(const tfpb::TensorProto& tensor, DType dtype, size_t elements) {
  if (tensor.dtype() == kDouble) return fill<float>(tensor.double_val(), elements);
  switch (dtype) {
  case DType::F32:
    return fill<float>(tensor.float_val(), elements);
  case DType::F16:
  case DType::BF16:
    return fill<uint16_t>(tensor.half_val(), elements);
  case DType::I64:
    return fill<int64_t>(tensor.int64_val(), elements);
  case DType::U64:
    return fill<uint64_t>(tensor.uint64_val(), elements);
  case DType::U32:
    return fill<uint32_t>(tensor.uint32_val(), elements);
  case DType::Bool:
    return fill<uint8_t>(tensor.bool_val(), elements);
  case DType::I32:
    return fill<int32_t>(tensor.int_val(), elements);
  default: // 8 and 16 bits, one int32 each
    return rt::dtypeBytes(dtype) == 1 ? fill<uint8_t>(tensor.int_val(), elements)
                                      : fill<uint16_t>(tensor.int_val(), elements);
  }
}

Result<Value> checked(ImportSession& session, Value value) {
  if (!session.options().allowNonFinite) BURIN_CHECK(checkFinite(value));
  return value;
}
} // namespace

std::string elementTypeName(int32_t tfType) {
  if (const TypeRow* row = findType(tfType)) return row->name;
  return tfType == kString ? "string" : tfType == kResource ? "resource" : fmt::format("type {}", tfType);
}

Result<DType> elementType(int32_t tfType) {
  if (const TypeRow* row = findType(tfType)) return row->dtype;
  return fail(ErrorCode::Unsupported,
              fmt::format("element type {} is not supported", elementTypeName(tfType)),
              "do this part outside of the network and cut it with --inputs or --outputs");
}

Result<rt::TensorType> tensorType(int32_t tfType, const tfpb::ShapeProto& shape) {
  rt::TensorType type;
  BURIN_ASSIGN(type.dtype, elementType(tfType));
  if (shape.dim_size() > rt::kMaxRank)
    return fail(ErrorCode::Unsupported, fmt::format("has {} dimensions", shape.dim_size()),
                fmt::format("at most {} are supported", rt::kMaxRank));
  int64_t elements = 1;
  for (const auto& dim : shape.dim()) {
    if (dim.size() < 0 || (dim.size() > 0 && elements > kMaxElements / dim.size()))
      return fail(ErrorCode::Input, fmt::format("dimension {} is out of range", dim.size()),
                  "the file is damaged");
    elements *= dim.size();
    type.shape.push(dim.size());
  }
  return type;
}

Result<Value> constantFromBytes(ImportSession& session, int32_t tfType, const tfpb::ShapeProto& shape,
                                std::span<const char> bytes, std::shared_ptr<const void> owner,
                                const std::string& name) {
  BURIN_ASSIGN(rt::TensorType type, tensorType(tfType, shape));
  const TypeRow& row = *findType(tfType);
  uint64_t needed = static_cast<uint64_t>(type.shape.elements()) * static_cast<uint64_t>(row.storedBytes);
  if (bytes.size() != needed)
    return fail(ErrorCode::Input,
                fmt::format("holds {} bytes of data, its shape {} of {} needs {}", bytes.size(),
                            rt::toString(type.shape), row.name, needed),
                "the file is damaged; export it again");
  nn::GraphBuilder& builder = session.builder();
  if (tfType == kDouble) return checked(session, builder.constant(type, floatsFromDoubles(bytes), name));
  return checked(session, builder.constantView(type, {bytes.data(), bytes.size()}, std::move(owner), name));
}

Result<Value> readTensor(ImportSession& session, const tfpb::TensorProto& tensor,
                         std::shared_ptr<const void> owner, const std::string& name) {
  auto run = [&]() -> Result<Value> {
    const std::string& content = tensor.tensor_content();
    if (!content.empty())
      return constantFromBytes(session, tensor.dtype(), tensor.tensor_shape(), content, std::move(owner),
                               name);
    BURIN_ASSIGN(rt::TensorType type, tensorType(tensor.dtype(), tensor.tensor_shape()));
    int64_t elements = type.shape.elements();
    if (fieldSize(tensor) > elements)
      return fail(
          ErrorCode::Input,
          fmt::format("holds {} values, its shape is {}", fieldSize(tensor), rt::toString(type.shape)),
          "the file is damaged; export it again");
    // One stored value may stand for very many.
    if (elements > fieldSize(tensor) &&
        (elements > session.options().foldLimits.elements ||
         !session.takeGeneratedBytes(elements * static_cast<int64_t>(rt::dtypeBytes(type.dtype)))))
      return fail(ErrorCode::Unsupported,
                  fmt::format("a constant of shape {} is too big", rt::toString(type.shape)));
    return checked(session, session.builder().constant(
                                type, fromFields(tensor, type.dtype, static_cast<size_t>(elements)), name));
  };
  auto result = run();
  if (!result) return tl::unexpected(atOp(result.error(), "tensor '" + name + "'"));
  return result;
}

} // namespace burin::tensorflow
