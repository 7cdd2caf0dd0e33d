// How far a function's quantized operand has to move for the mean of its results to be right.
#pragma once

#include "runtime/core/op.h"

#include <array>
#include <vector>

namespace burin {

// The operand's integers of one channel, counted, from the smallest on; and what the function gives for each.
struct FunctionMeans {
  std::array<double, 256> counts{}, results{};
};

// `results` of each channel of a qnn.lut, whose operand has 8 bits.
std::vector<FunctionMeans> functionOf(const rt::Node& table, size_t channels);
// Counts the integers of an 8-bit tensor.
void countIntegers(const rt::Tensor& tensor, int axis, std::vector<FunctionMeans>& means);

constexpr double kMaxShift = 4; // beyond, the moved integers say little about the moved values

// In steps of the operand, at most kMaxShift either way: the shift that brings the mean result nearest to
// `wanted`, the function taken as linear between integers. The lowest and highest integer hold clipped values
// and stay where they are; where the function is far flatter than elsewhere nothing moves.
double shiftForMean(const FunctionMeans& means, double wanted);

} // namespace burin
