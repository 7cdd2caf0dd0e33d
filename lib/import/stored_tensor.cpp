#include "lib/import/stored_tensor.h"

#include "lib/import/finite.h"

#include <cstring>
#include <fmt/format.h>

namespace burin {

using rt::DType;

Result<uint64_t> storedBytes(std::span<const int64_t> dims, size_t elementBytes) {
  constexpr int64_t kMaxElements = int64_t(1) << 40;
  if (dims.size() > static_cast<size_t>(rt::kMaxRank))
    return fail(ErrorCode::Unsupported, fmt::format("has {} dimensions", dims.size()),
                fmt::format("at most {} are supported", rt::kMaxRank));
  int64_t elements = 1;
  for (int64_t d : dims) {
    if (d < 0 || (d > 0 && elements > kMaxElements / d))
      return fail(ErrorCode::Input, fmt::format("dimension {} is out of range", d), "the file is damaged");
    elements *= d;
  }
  return static_cast<uint64_t>(elements) * elementBytes;
}

std::vector<char> floatsFromDoubles(std::span<const char> raw) {
  std::vector<char> bytes(raw.size() / 2);
  for (size_t i = 0; i < raw.size() / 8; ++i) {
    double wide;
    std::memcpy(&wide, raw.data() + i * 8, 8);
    float value = static_cast<float>(wide);
    std::memcpy(bytes.data() + i * 4, &value, 4);
  }
  return bytes;
}

Result<mlir::Value> makeConstant(const StoredTensor& tensor, const std::string& name,
                                 nn::GraphBuilder& builder, bool allowNonFinite) {
  mlir::Value value =
      tensor.isDouble
          ? builder.constant(tensor.type, floatsFromDoubles(tensor.bytes), name)
          : builder.constantView(tensor.type, {tensor.bytes.data(), tensor.bytes.size()}, tensor.owner, name);
  if (!allowNonFinite)
    if (Status status = checkFinite(value); !status)
      return fail(atOp(status.error(), "tensor '" + name + "'"));
  return value;
}

} // namespace burin
