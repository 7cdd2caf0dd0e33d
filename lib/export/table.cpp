#include "lib/export/table.h"

#include "lib/export/quantized_tensor.h"
#include "lib/nn/builder.h"
#include "runtime/numerics/quantize.h"

#include <cmath>

using namespace mlir;

namespace burin::onnx_export {

namespace {
constexpr int kEntries = 256;

// How far an executor's function may be from ours, in steps of the result: some units in the last place of
// the value, and an absolute part for functions computed from terms that cancel.
double margin(double steps) { return 1e-4 + 2e-6 * std::abs(steps); }

std::vector<float> dequantizedBytes(Value v, size_t channel) {
  rt::TensorType type;
  nn::tensorType(v.getType(), type);
  const std::vector<float> scales = scalesOf(v);
  const float scale = scales[scales.size() == 1 ? 0 : channel];
  const int first = type.dtype == rt::DType::U8 ? 0 : -128;
  std::vector<float> x(kEntries);
  for (int q = first; q < first + kEntries; ++q)
    x[static_cast<uint8_t>(q)] = static_cast<float>(q - zeroPointOf(v)) * scale;
  return x;
}

// The function's values on every stored byte of one channel.
std::vector<float> valuesOf(Operation& lut, size_t channel) {
  std::vector<float> x = dequantizedBytes(lut.getOperand(0), channel), other;
  rt::Attrs attributes = nn::programAttrs(lut.getAttrDictionary());
  nn::ConstantTensor input{{rt::DType::F32, {kEntries}}, x.data()}, constant{{rt::DType::F32, {1}}, nullptr};
  std::vector<nn::ConstantTensor*> operands{&input};
  const bool isPair = lut.hasAttr("constant");
  if (isPair) {
    other = lut.getAttrOfType<DenseF32ArrayAttr>("constant").asArrayRef().vec();
    constant.data = &other[other.size() == 1 ? 0 : channel];
    operands.insert(attributes.integer("constant_first") ? operands.begin() : operands.end(), &constant);
  }
  std::erase_if(attributes.list, [](const rt::Attr& a) {
    return a.name == "axis" || a.name == "constant" || a.name == "constant_first";
  });
  auto results = nn::evaluate(isPair ? "nn.binary" : "nn.unary", attributes, operands);
  if (!results || (*results)[0].first.dtype != rt::DType::F32) return {};
  const float* y = reinterpret_cast<const float*>((*results)[0].second.data());
  return {y, y + kEntries};
}
} // namespace

bool functionGivesTable(Operation& lut) {
  auto fn = lut.getAttrOfType<StringAttr>("fn");
  if (!fn || fn.getValue().empty()) return false;
  Value y = lut.getResult(0);
  rt::TensorType table;
  nn::tensorType(lut.getOperand(1).getType(), table);
  ArrayRef<char> stored = nn::constantBytes(lut.getOperand(1));
  const size_t rows = table.shape.rank == 2 ? static_cast<size_t>(table.shape[0]) : 1;
  if (table.shape[table.shape.rank - 1] != kEntries || stored.size() != rows * kEntries) return false;
  const bool isSigned = table.dtype == rt::DType::I8;
  const int low = isSigned ? -128 : 0;
  const std::vector<float> scales = scalesOf(y);
  for (size_t row = 0; row < rows; ++row) {
    const std::vector<float> values = valuesOf(lut, row);
    if (values.empty()) return false;
    const float scale = scales[scales.size() == 1 ? 0 : row];
    for (size_t i = 0; i < kEntries; ++i) {
      const double steps = static_cast<double>(values[i]) / scale, room = margin(steps);
      const char byte = stored[row * kEntries + i];
      const int entry = isSigned ? static_cast<signed char>(byte) : static_cast<unsigned char>(byte);
      const double below = entry == low ? -INFINITY : entry - zeroPointOf(y) - 0.5,
                   above = entry == low + 255 ? INFINITY : entry - zeroPointOf(y) + 0.5;
      if (!(steps - room > below && steps + room < above)) return false; // also for NaN
    }
  }
  return true;
}

std::vector<char> storedTable(Operation& lut, unsigned char flipIn, unsigned char flipOut) {
  ArrayRef<char> stored = nn::constantBytes(lut.getOperand(1));
  std::vector<char> table(stored.size());
  for (size_t i = 0; i < stored.size(); ++i)
    table[i ^ flipIn] = static_cast<char>(static_cast<unsigned char>(stored[i]) ^ flipOut);
  return table;
}

} // namespace burin::onnx_export
