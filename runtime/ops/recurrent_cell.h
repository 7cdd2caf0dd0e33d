// What LSTM, GRU and RNN share: operands, activations, gate sums and the walk over time.
#pragma once

#include "runtime/kernels/vector_kernels.h"
#include "runtime/ops/recurrent_functions.h"

#include <vector>

namespace burin::rt {

// Places of the operands that the three ops have in common.
enum RecurrentOperand { kX, kW, kR, kBias, kLengths, kInitialH };

// T steps of B sequences of I features, H hidden units, D directions, G gates.
struct RecurrentSizes {
  int64_t time = 0, batch = 0, features = 0, hidden = 0, directions = 1;
  int gates = 1;

  int64_t rows() const { return gates * hidden; }
};

// What distinguishes the ops before any arithmetic: gates, activations of one direction, ONNX's default ones.
struct RecurrentKind {
  int gates;
  int functionCount;
  const char* functions;
};

// Checks x, w, r, bias, lengths, initial h, direction and activations; gives the sizes and the types of y and
// yh.
bool inferRecurrent(const Signature& signature, const RecurrentKind& kind, RecurrentSizes& sizes,
                    std::vector<TensorType>& results, std::string& error);
// Operand `i`, when present, is a float tensor of `shape`.
bool checkOperandShape(const Signature& signature, int i, const char* operand, const Shape& shape,
                       std::string& error);

// Runs every sequence step by step; a derived class turns the gate sums of a step into h. A gate sum is one
// FMA chain: it starts at the bias, then x * w over the features ascending, then h * r over the hidden units
// ascending.
class RecurrentKernel : public Kernel {
public:
  RecurrentKernel(const Node& node, const KernelConfig& config, const RecurrentKind& kind);
  void run(Context& context) override;
  size_t scratchBytes() const override;
  size_t packedBytes() const override { return packed_.size() * sizeof(float); }
  const char* name() const override { return kernels_ ? kernels_->name : "reference"; }

protected:
  // One time step of one sequence; every array is contiguous.
  struct Step {
    ThreadPool* pool; // for the products; null when sequences run in parallel
    int direction;
    const float* x; // features
    float* h;       // the previous hidden state, replaced by the new one
    float* c;       // the cell state of LSTM, likewise
    float* sums;    // gates * gateStep()
    float* spare;   // gateStep()
  };
  virtual void step(const Step& s) const = 0;
  virtual bool hasCell() const { return false; } // c is operand 6 and result 2

  // From one gate's numbers to the next one's: `hidden`, or more for the sake of whole panels.
  int64_t gateStep() const { return gateStep_; }
  // Parts of the sums of the gates [first, first + count); `sums` belongs to gate `first`.
  void addInput(const Step& s, int first, int count, float* sums) const;
  void addHidden(const Step& s, const float* h, int first, int count, float* sums) const;
  // The biases of W, and of R, of one direction, by gate; zeros when there is no bias operand.
  const float* inputBias(int direction) const { return bias_ + direction * 2 * sizes_.gates * gateStep_; }
  const float* hiddenBias(int direction) const { return inputBias(direction) + sizes_.gates * gateStep_; }
  // Clips, then applies the direction's activation `i`.
  void activate(int direction, int i, float* values, int64_t count) const;

  const Node& node_;
  RecurrentSizes sizes_;

private:
  void multiply(const Step& s, int operand, const float* x, int first, int count, float* sums) const;
  void multiplyReference(const Step& s, int operand, const float* x, int first, int count, float* sums) const;
  void packWeights();
  bool lengthsAreValid() const;
  void readBias(float* to) const;
  int64_t lengthOf(int64_t batch) const;
  void runSequence(ThreadPool* pool, int direction, int64_t batch, float* scratch) const;
  void readState(int operand, int direction, int64_t batch, float* state) const;
  void writeState(int result, int direction, int64_t batch, const float* state) const;
  int64_t scratchPerThread() const; // floats
  int64_t biasLength() const;       // floats

  RecurrentKind kind_;
  std::vector<GateFunction> functions_;
  float clip_;
  int threads_;
  const VectorKernels* kernels_ = nullptr;
  int64_t gateStep_;
  // W, then R, in panels [direction][gate][hidden / 16][depth][16]; empty in the reference kernel.
  std::vector<float> packed_;
  const float* bias_ = nullptr; // in scratch
};

} // namespace burin::rt
