#include "runtime/ops/matmul_pack.h"

namespace burin::rt {

namespace {

void packFloats(const PackLayout& layout, const OutputBlock& block, const RightMatrix& m, uint8_t* packed) {
  const int lanes = block.vectors * layout.engine->lanes;
  float* out = reinterpret_cast<float*>(packed + block.weights);
  const float* first = reinterpret_cast<const float*>(m.data) + block.firstChannel * m.columnStride;
  for (int64_t k = 0; k < m.depth; ++k, out += lanes) {
    const float* row = first + k * m.rowStride;
    if (m.columnStride == 1)
      std::copy(row, row + block.channels, out);
    else
      for (int lane = 0; lane < block.channels; ++lane) out[lane] = row[lane * m.columnStride];
    std::fill(out + block.channels, out + lanes, 0.0f);
  }
}

// One plane of integers of type B as elements of type E.
template <class E, class B>
void packIntegers(const PackLayout& layout, const OutputBlock& block, const RightMatrix& m,
                  const int32_t* wZero, int plane, E* out, uint32_t* sums) {
  const int lanes = block.vectors * layout.engine->lanes, group = layout.engine->group;
  const B* first = reinterpret_cast<const B*>(m.data) + block.firstChannel * m.columnStride;
  for (int64_t step = 0; step < layout.steps; ++step)
    for (int lane = 0; lane < lanes; ++lane)
      for (int i = 0; i < group; ++i, ++out) {
        const int64_t k = step * group + i;
        *out = 0;
        if (lane >= block.channels || k >= m.depth) continue;
        const int32_t weight =
            first[k * m.rowStride + lane * m.columnStride] - wZero[block.firstChannel + lane];
        if (plane == 0) sums[lane] += static_cast<uint32_t>(weight);
        *out = static_cast<E>(sizeof(E) == 1 ? planeOf(weight, plane) : weight);
      }
}

template <class E>
void packPlanes(const PackLayout& layout, const OutputBlock& block, const RightMatrix& m,
                const int32_t* wZero, uint8_t* packed, uint32_t* sums) {
  E* out = reinterpret_cast<E*>(packed + block.weights);
  const int64_t planeElements = layout.steps * layout.engine->group * layout.engine->lanes * block.vectors;
  for (int plane = 0; plane < m.planes; ++plane, out += planeElements) {
    if (m.dtype == DType::U8)
      packIntegers<E, uint8_t>(layout, block, m, wZero, plane, out, sums);
    else
      packIntegers<E, int8_t>(layout, block, m, wZero, plane, out, sums);
  }
}

} // namespace

void packMatrixBlock(const PackLayout& layout, const OutputBlock& block, const RightMatrix& m,
                     const int32_t* wZero, uint8_t* packed, uint32_t* sums) {
  if (layout.engine->element == RowElement::F32) return packFloats(layout, block, m, packed);
  std::fill(sums, sums + block.channels, 0);
  if (layout.engine->element == RowElement::U8)
    packPlanes<int8_t>(layout, block, m, wZero, packed, sums);
  else
    packPlanes<int16_t>(layout, block, m, wZero, packed, sums);
}

} // namespace burin::rt
