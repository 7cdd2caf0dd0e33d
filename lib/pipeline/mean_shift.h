// How far a function's quantized operand has to move for the mean of its results to be right.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace burin {

// The operand's integers of one channel, counted, from the smallest on; and what the function gives for each.
struct FunctionMeans {
  std::array<double, 256> counts{}, results{};
};

constexpr double kMaxShift = 4; // beyond, the moved integers say little about the moved values

// In steps of the operand, at most kMaxShift either way: the shift that brings the mean result nearest to
// `wanted`, the function taken as linear between integers. The lowest and highest integer hold clipped values
// and stay where they are; where the function is far flatter than elsewhere nothing moves.
double shiftForMean(const FunctionMeans& means, double wanted);

} // namespace burin
