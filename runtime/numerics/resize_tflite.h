// [RESIZE-TFLITE] Bilinear resampling of stored pictures as TensorFlow Lite's reference kernels do it: signed
// ones with weights of ten bits, unsigned ones in float32.
#pragma once

#include <cstdint>

namespace burin::rt {

enum class ResizeGrid : uint8_t { Asymmetric, HalfPixel, AlignCorners };

// The two neighbours of an output position along one axis and the way from the lower to the upper one.
template <class Weight>
struct ResizeNeighbours {
  int64_t low = 0, high = 0;
  Weight weight{};
};

// input, output >= 1; weights count 1024ths of a step.
ResizeNeighbours<int32_t> resizeNeighboursInteger(ResizeGrid grid, int64_t input, int64_t output,
                                                  int64_t place);
ResizeNeighbours<float> resizeNeighboursFloat(ResizeGrid grid, int64_t input, int64_t output, int64_t place);

// Values at (low, low), (high, low), (low, high), (high, high) of rows and columns.
int8_t resizeTflite(const int8_t (&corners)[4], int32_t row, int32_t column);
int16_t resizeTflite(const int16_t (&corners)[4], int32_t row, int32_t column);
uint8_t resizeTflite(const uint8_t (&corners)[4], float row, float column);

} // namespace burin::rt
