#include "runtime/numerics/resize_tflite.h"

#include "runtime/numerics/rounding.h"

#include <cmath>

namespace burin::rt {

namespace {
int64_t within(int64_t place, int64_t size) { return saturate(place, 0, size - 1); }
} // namespace

ResizeNeighbours<int32_t> resizeNeighboursInteger(ResizeGrid grid, int64_t input, int64_t output,
                                                  int64_t place) {
  const bool corners = grid == ResizeGrid::AlignCorners && output > 1;
  const int64_t steps = corners ? output - 1 : output, span = corners ? input - 1 : input;
  const int64_t step = (1024 * span + steps / 2) / steps;
  const int64_t at = place * step + (grid == ResizeGrid::HalfPixel ? step / 2 - 512 : 0);
  const int64_t low = within(at / 1024, input), high = within((at + 1023) / 1024, input);
  // Where both neighbours are one the weights, which sum to 1, do not matter.
  return {low, high, low == high ? 0 : static_cast<int32_t>(at - 1024 * low)};
}

ResizeNeighbours<float> resizeNeighboursFloat(ResizeGrid grid, int64_t input, int64_t output, int64_t place) {
  const bool corners = grid == ResizeGrid::AlignCorners && output > 1;
  const float step = corners ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
                             : static_cast<float>(input) / static_cast<float>(output);
  const float index = static_cast<float>(place);
  const float at = grid == ResizeGrid::HalfPixel ? (index + 0.5f) * step - 0.5f : index * step;
  const int64_t low = within(static_cast<int64_t>(std::floor(at)), input),
                high = within(static_cast<int64_t>(std::ceil(at)), input);
  return {low, high, at - static_cast<float>(low)};
}

namespace {
template <class Sum, class T>
T resampled(const T (&corners)[4], Sum row, Sum column) {
  const Sum sum = corners[0] * (1024 - row) * (1024 - column) + corners[1] * row * (1024 - column) +
                  corners[2] * (1024 - row) * column + corners[3] * row * column;
  return static_cast<T>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
}
} // namespace

int8_t resizeTflite(const int8_t (&corners)[4], int32_t row, int32_t column) {
  return resampled<int32_t>(corners, row, column);
}
int16_t resizeTflite(const int16_t (&corners)[4], int32_t row, int32_t column) {
  return resampled<int64_t>(corners, row, column);
}

uint8_t resizeTflite(const uint8_t (&corners)[4], float row, float column) {
  const auto value = [&](int i) { return static_cast<float>(corners[i]); };
  float sum = value(0) * (1 - row) * (1 - column) + value(1) * row * (1 - column);
  sum = sum + value(2) * (1 - row) * column;
  sum = sum + value(3) * row * column;
  return static_cast<uint8_t>(saturate(static_cast<int64_t>(sum + 0.5f), 0, 255));
}

} // namespace burin::rt
