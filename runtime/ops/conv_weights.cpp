#include "runtime/ops/conv_weights.h"

namespace burin::rt {

int weightPlanes(const Tensor& w, const std::vector<int32_t>& zero, RowElement element) {
  int planes = 1;
  if (element != RowElement::U8) return planes;
  const int32_t low = w.dtype() == DType::U8 ? 0 : INT8_MIN, high = low + UINT8_MAX;
  for (int32_t z : zero)
    for (int32_t extreme : {low - z, high - z})
      while (true) {
        int32_t sum = 0;
        for (int p = 0; p < planes; ++p) sum += planeOf(extreme, p);
        if (sum == extreme) break;
        ++planes;
      }
  return planes;
}

bool readIntegerOperands(const Node& node, int64_t outputs, RowElement element, IntegerOperands& operands,
                         std::string& error) {
  if (!activationZeroPoint(node.in(0), operands.xZero, error) ||
      !weightZeroPoints(node.in(1), outputs, operands.wZero, error))
    return false;
  operands.planes = weightPlanes(node.in(1), operands.wZero, element);
  return true;
}

void fillElements(RowElement element, uint8_t* memory, size_t bytes, int32_t value) {
  if (element == RowElement::U8)
    std::fill(memory, memory + bytes, static_cast<uint8_t>(value));
  else if (element == RowElement::I16)
    std::fill_n(reinterpret_cast<int16_t*>(memory), bytes / 2, static_cast<int16_t>(value));
  else
    std::fill_n(reinterpret_cast<float*>(memory), bytes / 4, static_cast<float>(value));
}

} // namespace burin::rt
