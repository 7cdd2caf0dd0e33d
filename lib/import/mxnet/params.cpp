#include "lib/import/mxnet/params.h"

#include "lib/import/byte_reader.h"

#include <fmt/format.h>

namespace burin::mxnet {

using rt::DType;

namespace {
constexpr uint64_t kListMagic = 0x112;
// Arrays say their layout by a magic number; those of the first releases begin with their number of
// dimensions.
constexpr uint32_t kV1 = 0xF993FAC8, kV2 = 0xF993FAC9, kV3 = 0xF993FACA;
constexpr uint32_t kMaxDims = 32;

tl::unexpected<Error> damaged(const std::string& what) {
  return fail(ErrorCode::Input, what,
              "the parameter file is damaged or cut short; download or export it again");
}

struct TypeRow {
  DType dtype;
  size_t bytes;
};

// Indexed by the file's type flag.
Result<TypeRow> storedType(int32_t flag) {
  switch (flag) {
  case 0:
    return TypeRow{DType::F32, 4};
  case 1:
    return TypeRow{DType::F32, 8}; // double
  case 2:
    return TypeRow{DType::F16, 2};
  case 3:
    return TypeRow{DType::U8, 1};
  case 4:
    return TypeRow{DType::I32, 4};
  case 5:
    return TypeRow{DType::I8, 1};
  case 6:
    return TypeRow{DType::I64, 8};
  case 7:
    return TypeRow{DType::Bool, 1};
  case 8:
    return TypeRow{DType::I16, 2};
  case 12:
    return TypeRow{DType::BF16, 2};
  default:
    return damaged(fmt::format("its element type {} is unknown", flag));
  }
}

Result<std::vector<int64_t>> readShape(ByteReader& reader, uint32_t dimensions, bool wide) {
  if (dimensions > kMaxDims) return damaged(fmt::format("has {} dimensions", dimensions));
  std::vector<int64_t> dims;
  for (uint32_t i = 0; i < dimensions; ++i)
    dims.push_back(wide ? reader.number<int64_t>() : reader.number<uint32_t>());
  return dims;
}

// Nothing at all is stored for an array without a shape. A sparse array cannot be stepped over without
// reading it whole, so it ends the reading.
Result<StoredTensor> readArray(ByteReader& reader, const std::shared_ptr<const void>& owner) {
  uint32_t magic = reader.number<uint32_t>();
  bool hasStorage = magic == kV2 || magic == kV3, wide = hasStorage || magic == kV1;
  if (hasStorage && reader.number<int32_t>() > 0)
    return fail(ErrorCode::Unsupported, "is stored sparse",
                "convert it with tostype('default') and save again");
  uint32_t dimensions = wide ? reader.number<uint32_t>() : magic;
  BURIN_ASSIGN(std::vector<int64_t> dims, readShape(reader, dimensions, wide));
  StoredTensor tensor;
  bool isNone = magic == kV3 ? dimensions == ~0u : dimensions == 0;
  if (isNone) return tensor;
  reader.take(8); // device
  BURIN_ASSIGN(TypeRow type, storedType(reader.number<int32_t>()));
  BURIN_ASSIGN(uint64_t bytes, storedBytes(dims, type.bytes));
  tensor.type.dtype = type.dtype;
  tensor.isDouble = type.dtype == DType::F32 && type.bytes == 8;
  for (int64_t d : dims) tensor.type.shape.push(d);
  tensor.bytes = reader.take(bytes);
  tensor.owner = owner;
  if (!reader.ok()) return damaged("its data end too early");
  return tensor;
}

Result<std::vector<std::string>> readNames(ByteReader& reader) {
  uint64_t count = reader.number<uint64_t>();
  if (!reader.ok() || count > reader.left() / 8) return damaged("its list of names ends too early");
  std::vector<std::string> names;
  for (uint64_t i = 0; i < count; ++i) {
    auto bytes = reader.take(reader.number<uint64_t>());
    if (!reader.ok()) return damaged("its list of names ends too early");
    names.emplace_back(bytes.begin(), bytes.end());
  }
  return names;
}

std::string plainName(std::string name) {
  if (name.starts_with("arg:") || name.starts_with("aux:")) name.erase(0, 4);
  return name;
}
} // namespace

Result<Parameters> readParameters(std::span<const char> bytes, std::shared_ptr<const void> owner) {
  ByteReader reader(bytes);
  if (reader.number<uint64_t>() != kListMagic)
    return fail(ErrorCode::Input, "is no MXNet parameter file",
                "give the .params file of the model with --weights");
  reader.take(8); // reserved
  uint64_t count = reader.number<uint64_t>();
  if (!reader.ok() || count > reader.left() / 4)
    return damaged(fmt::format("says that it holds {} arrays", count));
  std::vector<StoredTensor> arrays;
  for (uint64_t i = 0; i < count; ++i) {
    auto array = readArray(reader, owner);
    if (!array) return fail(atOp(array.error(), fmt::format("array {}", i)));
    arrays.push_back(std::move(*array));
  }
  BURIN_ASSIGN(std::vector<std::string> names, readNames(reader));
  if (names.size() != arrays.size())
    return damaged(fmt::format("holds {} arrays and {} names", arrays.size(), names.size()));
  Parameters parameters;
  for (size_t i = 0; i < names.size(); ++i)
    if (arrays[i].owner) parameters.emplace(plainName(names[i]), std::move(arrays[i]));
  return parameters;
}

} // namespace burin::mxnet
