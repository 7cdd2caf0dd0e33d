// What the decoders share: the grids of locations that detection heads predict on, and rows of class scores.
#pragma once

#include "lib/analyze/detection_decode.h"

#include <cmath>
#include <cstdint>

namespace burin::detection {

// One cell of a grid over the network's input.
struct Cell {
  double x = 0, y = 0; // column and row
  double stride = 0;   // pixels
};

inline int64_t cellsAlong(int64_t pixels, int64_t stride) { return (pixels + stride - 1) / stride; }
inline int64_t cellsOf(const DetectorOutput& o, int64_t stride) {
  return cellsAlong(o.inputWidth, stride) * cellsAlong(o.inputHeight, stride);
}

// The strides (8, 16, 32 and, if need be, 64) whose grids have `locations` cells together with `perCell`
// predictions each; empty when none fit.
std::vector<int64_t> stridesFor(const DetectorOutput& output, int64_t locations, int64_t perCell);

// Calls body(cell) for the cells of every stride, row by row.
template <class Body>
void forEachCell(const DetectorOutput& o, std::span<const int64_t> strides, const Body& body) {
  for (int64_t stride : strides)
    for (int64_t y = 0; y < cellsAlong(o.inputHeight, stride); ++y)
      for (int64_t x = 0; x < cellsAlong(o.inputWidth, stride); ++x)
        body(Cell{static_cast<double>(x), static_cast<double>(y), static_cast<double>(stride)});
}

// The class with the highest of `count` scores `step` apart; the first of equals.
struct BestClass {
  int index = 0;
  double score = 0;
};
BestClass bestClass(const float* scores, int64_t count, int64_t step = 1);

inline Box centredBox(double x, double y, double width, double height) {
  return {x - width / 2, y - height / 2, x + width / 2, y + height / 2};
}

// A single picture's table: [1, rows, columns] (a leading 1 may be missing).
struct Table {
  int64_t rows = 0, columns = 0;
};
bool asTable(const NamedValues& tensor, Table& table);

// Rows of the families, one file each.
extern const Decoder kYolox, kYolov5, kYolov8, kNanodet, kUltraface;

} // namespace burin::detection
