// A rule's view of a TensorFlow Lite operator: its options, and tensors as the real numbers they stand for.
//
// A quantized tensor is an integer value of the graph under its own name. A rule reads real(i), computes in
// float and hands its result to give(i), which quantizes it with the parameters of the output.
#pragma once

#include "lib/import/tflite/model.h"
#include "lib/import/window.h"

#include <unordered_map>

namespace burin::tflite {

struct OperatorRow;

// What the rules of one import share.
struct GraphState {
  const Model& model;
  std::unordered_map<std::string, Value> reals; // of quantized tensors, by name
};

class NodeContext : public RuleContext {
public:
  NodeContext(GraphState& state, ImportSession& importSession, NodeFacts facts, const OperatorFacts& op,
              const OperatorRow& row);

  const OperatorRow& row() const { return row_; }
  const OperatorFacts& op() const { return op_; }

  // The option table; its defaults where the file leaves it out.
  template <class T>
  const T& options() const {
    static const T* const defaults = reinterpret_cast<const T*>(kEmptyTable + 1);
    const T* stored = op_.stored->options_as<T>();
    return stored ? *stored : *defaults;
  }
  std::span<const uint8_t> customOptions() const;

  // Inputs.
  const TensorFacts* tensor(int i) const; // null: left out
  const TensorFacts* outputTensor(int i) const;
  const TensorFacts* intermediate(int i) const;
  Value real(int i);
  // A constant or computed operand with its axes moved: integers move before they are dequantized.
  Value realTransposed(int i, const Ints& perm);
  // Integer constants of one scale each below one another, with an axis in front: [1, rows, ...]; as many
  // zeros behind them where they are `padded`. Null where an operand is something else.
  Value realJoined(const std::vector<int>& operands, bool padded = false);
  // The addend of a convolution or matrix product, or none. Without scales of its own an integer one has
  // those of the accumulator.
  Value bias(int i, int input, int weights);

  // Axes. Images are [N, spatial..., C] here and [N, C, spatial...] in nn.
  Value channelsFirst(Value x);
  Value channelsLast(Value x);

  // Results.
  Value activated(Value x, tfl::Activation activation);
  void give(int i, Value real);
  // `explicitly`: by an operator of the file, which rounds what others compute in float.
  Value quantized(Value real, const TensorFacts& to, bool explicitly = false);
  // What the variable that is input i holds after the run.
  void giveState(int i, Value real);
  rt::DType outputType(int i) const; // of the stored tensor

private:
  static const int32_t kEmptyTable[2];

  bool keepsIntegers();
  Value dequantized(Value integers, const Quantization& q, const std::string& name);
  void giveTo(int i, const TensorFacts* facts, Value real);
  Value parameter(const Quantization& q, const std::string& name); // scales
  Value zeroPoints(const Quantization& q, rt::DType dtype, const std::string& name);

  GraphState& state_;
  const OperatorFacts& op_;
  const OperatorRow& row_;
};

} // namespace burin::tflite
