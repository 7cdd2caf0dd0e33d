// Resampling along one axis: for every output position the input positions it reads and their weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace burin::rt {

struct ResizeRule {
  std::string mode;       // nearest linear cubic
  std::string coordinate; // as nn.resize
  std::string nearest;    // rounding of nearest
  double cubicA = -0.75;
  bool excludeOutside = false;
  bool antialias = false;
};

// Output position o reads `taps` input positions at index[o * taps ...], weighted by weight[o * taps ...];
// outside[o] is set where tf_crop_and_resize leaves the input.
struct ResizeAxis {
  int64_t taps = 1;
  std::vector<int64_t> index;
  std::vector<float> weight;
  std::vector<uint8_t> outside;
  bool identity = true; // y = x along this axis
};

// Input positions one output position reads.
int64_t resizeTaps(const ResizeRule& rule, double scale);

// The exact scale: a float32 scale that rounds from output / input stands for that quotient.
double exactScale(int64_t input, int64_t output, float scale);

// input, output >= 1; roi bounds are fractions of the axis.
ResizeAxis makeResizeAxis(const ResizeRule& rule, int64_t input, int64_t output, float scale, float roiBegin,
                          float roiEnd);

} // namespace burin::rt
