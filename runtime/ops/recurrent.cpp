// nn.lstm, nn.gru and nn.rnn with ONNX's equations.
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/recurrent_cell.h"

#include <cmath>

namespace burin::rt {

namespace {
constexpr RecurrentKind kLstm = {4, 3, "Sigmoid,Tanh,Tanh"};
constexpr RecurrentKind kGru = {3, 2, "Sigmoid,Tanh"};
constexpr RecurrentKind kRnn = {1, 1, "Tanh"};
constexpr int kInitialC = 6, kPeephole = 7;

bool inferLstm(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  RecurrentSizes sizes;
  if (!checkInputs(signature, 3, 8, error) || !inferRecurrent(signature, kLstm, sizes, results, error))
    return false;
  if (!checkOperandShape(signature, kInitialC, "initial c", {sizes.directions, sizes.batch, sizes.hidden},
                         error) ||
      !checkOperandShape(signature, kPeephole, "peephole", {sizes.directions, 3 * sizes.hidden}, error))
    return false;
  results.push_back(results[1]);
  return true;
}
bool inferGru(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  RecurrentSizes sizes;
  return checkInputs(signature, 3, 6, error) && inferRecurrent(signature, kGru, sizes, results, error);
}
bool inferRnn(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  RecurrentSizes sizes;
  return checkInputs(signature, 3, 6, error) && inferRecurrent(signature, kRnn, sizes, results, error);
}

// Gates i, o, f, c: C' = f C + i g(c), within +-cell_clip, H' = o h(C'); peepholes P see C in i and f, and C'
// in o.
class Lstm final : public RecurrentKernel {
public:
  Lstm(const Node& node, const KernelConfig& config)
      : RecurrentKernel(node, config, kLstm), coupled_(node.attrs.integer("input_forget") != 0),
        cellClip_(node.attrs.real("cell_clip")) {}

private:
  bool hasCell() const override { return true; }

  void addPeephole(const Step& s, int64_t part, float* sums) const {
    const Tensor* p = node_.input(kPeephole);
    if (!p) return;
    const float* from =
        p->as<const float>() + s.direction * p->stride[0] + part * sizes_.hidden * p->stride[1];
    for (int64_t j = 0; j < sizes_.hidden; ++j) sums[j] += from[j * p->stride[1]] * s.c[j];
  }

  void step(const Step& s) const override {
    const int64_t hidden = sizes_.hidden;
    float *input = s.sums, *output = input + gateStep(), *forget = output + gateStep(),
          *cell = forget + gateStep();
    for (int64_t j = 0; j < 4 * gateStep(); ++j)
      s.sums[j] = inputBias(s.direction)[j] + hiddenBias(s.direction)[j];
    addInput(s, 0, 4, s.sums);
    addHidden(s, s.h, 0, 4, s.sums);
    addPeephole(s, 0, input);
    addPeephole(s, 2, forget);
    activate(s.direction, 0, input, hidden);
    activate(s.direction, 0, forget, hidden);
    activate(s.direction, 1, cell, hidden);
    for (int64_t j = 0; j < hidden; ++j) {
      const float kept = coupled_ ? 1.0f - input[j] : forget[j];
      s.c[j] = kept * s.c[j] + input[j] * cell[j];
      if (cellClip_ > 0) s.c[j] = std::fmin(std::fmax(s.c[j], -cellClip_), cellClip_);
      s.spare[j] = s.c[j];
    }
    addPeephole(s, 1, output);
    activate(s.direction, 0, output, hidden);
    activate(s.direction, 2, s.spare, hidden);
    for (int64_t j = 0; j < hidden; ++j) s.h[j] = output[j] * s.spare[j];
  }

  bool coupled_;
  float cellClip_;
};

// Gates z, r, h: H' = (1 - z) g(h) + z H. The candidate sees r H, or, with linear_before_reset, r (R H +
// bias).
class Gru final : public RecurrentKernel {
public:
  Gru(const Node& node, const KernelConfig& config)
      : RecurrentKernel(node, config, kGru),
        linearBeforeReset_(node.attrs.integer("linear_before_reset") != 0) {}

private:
  void step(const Step& s) const override {
    float *update = s.sums, *reset = update + gateStep(), *candidate = reset + gateStep();
    const float *wBias = inputBias(s.direction), *rBias = hiddenBias(s.direction);
    for (int64_t j = 0; j < 2 * gateStep(); ++j) s.sums[j] = wBias[j] + rBias[j];
    addInput(s, 0, 2, s.sums);
    addHidden(s, s.h, 0, 2, s.sums);
    activate(s.direction, 0, update, 2 * gateStep());
    if (linearBeforeReset_)
      resetAfter(s, reset, candidate);
    else
      resetBefore(s, reset, candidate);
    activate(s.direction, 1, candidate, sizes_.hidden);
    for (int64_t j = 0; j < sizes_.hidden; ++j)
      s.h[j] = (1.0f - update[j]) * candidate[j] + update[j] * s.h[j];
  }

  const float* candidateBias(const float* bias) const { return bias + 2 * gateStep(); }

  void resetBefore(const Step& s, const float* reset, float* candidate) const {
    const float *wBias = candidateBias(inputBias(s.direction)),
                *rBias = candidateBias(hiddenBias(s.direction));
    for (int64_t j = 0; j < gateStep(); ++j) candidate[j] = wBias[j] + rBias[j];
    for (int64_t j = 0; j < sizes_.hidden; ++j) s.spare[j] = reset[j] * s.h[j];
    addInput(s, 2, 1, candidate);
    addHidden(s, s.spare, 2, 1, candidate);
  }

  void resetAfter(const Step& s, const float* reset, float* candidate) const {
    const float *wBias = candidateBias(inputBias(s.direction)),
                *rBias = candidateBias(hiddenBias(s.direction));
    for (int64_t j = 0; j < gateStep(); ++j) {
      candidate[j] = wBias[j];
      s.spare[j] = rBias[j];
    }
    addInput(s, 2, 1, candidate);
    addHidden(s, s.h, 2, 1, s.spare);
    for (int64_t j = 0; j < sizes_.hidden; ++j) candidate[j] += reset[j] * s.spare[j];
  }

  bool linearBeforeReset_;
};

// H' = f(sum).
class Rnn final : public RecurrentKernel {
public:
  Rnn(const Node& node, const KernelConfig& config) : RecurrentKernel(node, config, kRnn) {}

private:
  void step(const Step& s) const override {
    for (int64_t j = 0; j < gateStep(); ++j)
      s.sums[j] = inputBias(s.direction)[j] + hiddenBias(s.direction)[j];
    addInput(s, 0, 1, s.sums);
    addHidden(s, s.h, 0, 1, s.sums);
    activate(s.direction, 0, s.sums, sizes_.hidden);
    for (int64_t j = 0; j < sizes_.hidden; ++j) s.h[j] = s.sums[j];
  }
};

template <class T>
std::unique_ptr<Kernel> make(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  return std::make_unique<T>(node, config);
}

const OpDef kOps[] = {
    {"nn.lstm", inferLstm, make<Lstm>},
    {"nn.gru", inferGru, make<Gru>},
    {"nn.rnn", inferRnn, make<Rnn>},
};
} // namespace

extern const OpTable kRecurrentOps;
const OpTable kRecurrentOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
