// What becomes of the integer accumulators of qnn.conv, qnn.conv_transpose and qnn.matmul: requantised by a
// policy, scaled to float, or stored as they are. Operands 2, 3 and 4 are bias, multiplier and shift.
#pragma once

#include "runtime/core/op.h"
#include "runtime/numerics/requant.h"
#include "runtime/ops/conv_finish.h"
#include "runtime/ops/conv_tile.h"

#include <string>
#include <vector>

namespace burin::rt {

// Operands and attributes of the output stage; `channels` is the number of output channels. Sets the result's
// type.
bool inferIntegerOutput(const Signature& signature, int64_t channels, DType& result, std::string& error);

class IntegerOutput {
public:
  enum class Kind : uint8_t { Accumulator, Real, Requantized };

  // Reads multiplier and shift, which must be constant.
  bool prepare(const Node& node, int64_t channels, std::string& error);

  // Stores the results of a row of 32-bit sums of neighbouring channels at `out`; chooseLoops() first.
  void storeRow(const int32_t* sums, int64_t firstChannel, int count, uint8_t* out) const;
  void chooseLoops(Isa isa);

  // Stores the result of one accumulator at element `offset` of the output.
  void store(int64_t sum, int64_t channel, void* data, int64_t offset) const;

  // True for the case the tile kernels finish themselves: float requantisation to 8 bits by scales below 1.
  bool isFloatToBytes() const;
  ByteOutput bytes() const;

  Kind kind() const { return kind_; }
  DType dtype() const { return dtype_; }
  bool wide() const { return wide_; }
  int32_t zeroPoint() const { return zeroPoint_; }
  int32_t low() const { return low_; }
  int32_t high() const { return high_; }
  float realLow() const { return realLow_; }
  float realHigh() const { return realHigh_; }
  const std::vector<Requant>& rules() const { return rules_; } // one per channel; empty for Kind::Accumulator

private:
  bool readRules(const Node& node, int64_t channels, RequantPolicy policy, std::string& error);

  Kind kind_ = Kind::Accumulator;
  DType dtype_ = DType::I32;
  bool wide_ = false;
  int32_t zeroPoint_ = 0, low_ = 0, high_ = 0;
  float realLow_ = 0, realHigh_ = 0;
  std::vector<Requant> rules_;
  // The rules as the loops read them.
  FinishFunction loop_ = nullptr;
  std::vector<int32_t> multiplier_, shift_;
  std::vector<float> scale_;
};

} // namespace burin::rt
