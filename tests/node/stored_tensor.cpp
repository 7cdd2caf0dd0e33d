#include "tests/node/stored_tensor.h"

#include "lib/import/onnx/tensor_reader.h"
#include "lib/nn/nn.h"
#include "lib/support/file.h"

#include <bit>
#include <cmath>
#include <fmt/format.h>

namespace burin::node_tests {

namespace {
constexpr double kRelative = 1e-3, kAbsolute = 1e-5, kHalfTolerance = 1e-2;

// One element of any type: a double for floats, an integer (with the bits of u64) for the rest.
struct Element {
  double real = 0;
  int64_t integer = 0;
};

template <class T>
T load(const char* data, int64_t index) {
  T value;
  memcpy(&value, data + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

Element elementAt(const char* data, rt::DType type, int64_t i) {
  switch (type) {
  case rt::DType::F32:
    return {load<float>(data, i), 0};
  case rt::DType::F16:
    return {floatFromHalf(load<uint16_t>(data, i)), 0};
  case rt::DType::BF16:
    return {std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(data, i)) << 16), 0};
  case rt::DType::I8:
    return {0, load<int8_t>(data, i)};
  case rt::DType::U8:
    return {0, load<uint8_t>(data, i)};
  case rt::DType::I16:
    return {0, load<int16_t>(data, i)};
  case rt::DType::U16:
    return {0, load<uint16_t>(data, i)};
  case rt::DType::I32:
    return {0, load<int32_t>(data, i)};
  case rt::DType::U32:
    return {0, load<uint32_t>(data, i)};
  case rt::DType::I64:
    return {0, load<int64_t>(data, i)};
  case rt::DType::U64:
    return {0, static_cast<int64_t>(load<uint64_t>(data, i))};
  case rt::DType::Bool:
    return {0, load<uint8_t>(data, i) != 0};
  }
  return {};
}

bool isClose(double expected, double actual, bool half) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) && std::isnan(actual);
  if (expected == actual) return true;
  if (std::isinf(expected) || std::isinf(actual)) return false;
  double relative = half ? kHalfTolerance : kRelative, absolute = half ? kHalfTolerance : kAbsolute;
  return std::abs(expected - actual) <= absolute + relative * std::abs(expected);
}

// bfloat16 is stored as uint16 by older writers of test data.
rt::DType comparedType(rt::DType expected, rt::DType actual) {
  return expected == rt::DType::U16 && actual == rt::DType::BF16 ? actual : expected;
}

bool fits(const rt::Shape& expected, const rt::Shape& actual, bool prefix) {
  if (!prefix) return expected == actual;
  if (expected.rank != actual.rank) return false;
  for (int i = 0; i < expected.rank; ++i)
    if (expected[i] > actual[i]) return false;
  return true;
}

// Index in row-major `whole` of element `index` of row-major `part`.
int64_t indexIn(const rt::Shape& whole, const rt::Shape& part, int64_t index) {
  int64_t result = 0, stride = 1;
  for (int axis = part.rank - 1; axis >= 0; --axis) {
    result += index % part[axis] * stride;
    index /= part[axis];
    stride *= whole[axis];
  }
  return result;
}
} // namespace

Result<std::string> readBytes(const std::string& path) {
  BURIN_ASSIGN(auto file, MappedFile::open(path));
  auto bytes = file->bytes();
  return std::string(bytes.begin(), bytes.end());
}

Result<StoredTensor> readStored(const std::string& path, const onnxpb::ValueInfoProto& wanted,
                                mlir::MLIRContext& context) {
  if (!wanted.type().has_tensor_type())
    return fail(ErrorCode::Unsupported, "'" + wanted.name() + "' is a sequence or an optional, not a tensor");
  BURIN_ASSIGN(std::string bytes, readBytes(path));
  onnxpb::TensorProto proto;
  if (!proto.ParseFromString(bytes)) return fail(Error{ErrorCode::Input, path, {}, "no TensorProto", {}});
  nn::GraphBuilder scratch(&context);
  auto unowned = std::make_shared<int>(0); // the bytes are copied below
  onnx::TensorReader reader(scratch, unowned, "", true);
  BURIN_ASSIGN(mlir::Value value, reader.read(proto, wanted.name()));
  auto raw = nn::constantBytes(value);
  return StoredTensor{wanted.name(), nn::typeOf(value), std::vector<char>(raw.begin(), raw.end())};
}

Array arrayOf(const StoredTensor& tensor) {
  const rt::Shape& shape = tensor.type.shape;
  Array array;
  array.type = elementTypeOf(tensor.type.dtype);
  array.shape.assign(shape.dim, shape.dim + shape.rank);
  array.bytes.assign(tensor.bytes.begin(), tensor.bytes.end());
  return array;
}

std::optional<std::string> difference(const StoredTensor& expected, const rt::Tensor& actual, bool prefix) {
  const rt::Shape& shape = expected.type.shape;
  rt::DType type = comparedType(expected.type.dtype, actual.dtype());
  if (type != actual.dtype() || !fits(shape, actual.shape(), prefix))
    return fmt::format("{} is {} {}, expected {} {}", expected.name, rt::dtypeName(actual.dtype()),
                       rt::toString(actual.shape()), rt::dtypeName(type), rt::toString(shape));
  std::vector<char> found(static_cast<size_t>(actual.shape().elements()) * rt::dtypeBytes(type));
  rt::readRowMajor(actual, found.data());
  const bool half = type == rt::DType::F16 || type == rt::DType::BF16;
  int64_t wrong = 0;
  std::string first;
  for (int64_t i = 0; i < shape.elements(); ++i) {
    Element want = elementAt(expected.bytes.data(), type, i);
    Element have = elementAt(found.data(), type, indexIn(actual.shape(), shape, i));
    if (rt::isFloat(type) ? isClose(want.real, have.real, half) : want.integer == have.integer) continue;
    if (wrong++ == 0)
      first = rt::isFloat(type) ? fmt::format("[{}] = {:g}, expected {:g}", i, have.real, want.real)
                                : fmt::format("[{}] = {}, expected {}", i, have.integer, want.integer);
  }
  if (wrong == 0) return std::nullopt;
  return fmt::format("{}{}; {} of {} elements differ", expected.name, first, wrong, shape.elements());
}

} // namespace burin::node_tests
