#include "lib/export/table.h"

#include "lib/export/quantized_tensor.h"
#include "lib/nn/builder.h"
#include "runtime/numerics/quantize.h"
#include "runtime/ops/integer_rows.h"

#include <cmath>

using namespace mlir;

namespace burin::onnx_export {

namespace {
// How far an executor's function may be from ours, in steps of the result: some units in the last place of
// the value, and an absolute part for functions computed from terms that cancel.
double margin(double steps) { return 1e-4 + 2e-6 * std::abs(steps); }

// What the stored values of a tensor stand for, by their bits.
std::vector<float> realValues(Value v, size_t channel) {
  rt::TensorType type;
  nn::tensorType(v.getType(), type);
  const std::vector<float> scales = scalesOf(v);
  const float scale = scales[scales.size() == 1 ? 0 : channel];
  const rt::StoredRange range = rt::storedRange(type.dtype);
  const int32_t count = range.high - range.low + 1;
  std::vector<float> x(static_cast<size_t>(count));
  for (int32_t q = range.low; q <= range.high; ++q)
    x[static_cast<size_t>(q & (count - 1))] = static_cast<float>(q - zeroPointOf(v)) * scale;
  return x;
}

// The function's values on every stored value of one channel.
std::vector<float> valuesOf(Operation& lut, size_t channel) {
  std::vector<float> x = realValues(lut.getOperand(0), channel), other;
  rt::Attrs attributes = nn::programAttrs(lut.getAttrDictionary());
  nn::ConstantTensor input{{rt::DType::F32, {static_cast<int64_t>(x.size())}}, x.data()},
      constant{{rt::DType::F32, {1}}, nullptr};
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
  return {y, y + x.size()};
}
} // namespace

bool functionGivesTable(Operation& lut) {
  auto fn = lut.getAttrOfType<StringAttr>("fn");
  if (!fn || fn.getValue().empty()) return false;
  Value y = lut.getResult(0);
  rt::TensorType table;
  nn::tensorType(lut.getOperand(1).getType(), table);
  const void* stored = nn::constantBytes(lut.getOperand(1)).data();
  const int64_t rows = table.shape.rank == 2 ? table.shape[0] : 1, entries = table.shape.elements() / rows;
  const rt::StoredRange range = rt::storedRange(table.dtype);
  const std::vector<float> scales = scalesOf(y);
  for (int64_t row = 0; row < rows; ++row) {
    const std::vector<float> values = valuesOf(lut, static_cast<size_t>(row));
    if (static_cast<int64_t>(values.size()) != entries) return false;
    const float scale = scales[scales.size() == 1 ? 0 : static_cast<size_t>(row)];
    std::vector<int32_t> integers(values.size());
    rt::loadIntegers(stored, table.dtype, row * entries, 1, entries, integers.data());
    for (size_t i = 0; i < values.size(); ++i) {
      const double steps = static_cast<double>(values[i]) / scale, room = margin(steps);
      const int32_t entry = integers[i];
      const double below = entry == range.low ? -INFINITY : entry - zeroPointOf(y) - 0.5,
                   above = entry == range.high ? INFINITY : entry - zeroPointOf(y) + 0.5;
      if (!(steps - room > below && steps + room < above)) return false; // also for NaN
    }
  }
  return true;
}

std::vector<char> storedTable(Operation& lut, size_t flipIn, unsigned char flipOut) {
  ArrayRef<char> stored = nn::constantBytes(lut.getOperand(1));
  rt::TensorType type;
  nn::tensorType(lut.getOperand(1).getType(), type);
  const size_t width = rt::dtypeBytes(type.dtype);
  std::vector<char> table(stored.size());
  for (size_t i = 0; i < stored.size() / width; ++i)
    for (size_t k = 0; k < width; ++k)
      table[(i ^ flipIn) * width + k] =
          static_cast<char>(static_cast<unsigned char>(stored[i * width + k]) ^ flipOut);
  return table;
}

} // namespace burin::onnx_export
