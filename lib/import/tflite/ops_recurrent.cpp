// Recurrent layers. Their states are tensors that outlive a run: they begin at zero, and the value after the
// run is the tensor "<state>/next", so that --inputs and --outputs can carry it from run to run.
#include "lib/import/tflite/operators.h"

#include <fmt/format.h>

namespace burin::tflite {

namespace {
// Places of the inputs of LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM; gates in the order input, forget, cell,
// output.
enum LstmInput {
  kInputWeights = 1,
  kRecurrentWeights = 5,
  kPeepholes = 9, // input, forget, output
  kBiases = 12,
  kProjection = 16,
  kProjectionBias = 17,
  kHiddenState = 18,
  kCellState = 19,
  kNormCoefficients = 20,
  kLstmInputs = 24
};
enum Gate { kInputGate, kForgetGate, kCellGate, kOutputGate, kGates };

struct LstmParameters {
  tfl::Activation activation;
  float cellClip, projectionClip;
  bool timeMajor;
};

class Lstm {
public:
  Lstm(NodeContext& context, const LstmParameters& parameters) : c(context), p_(parameters) {}

  // x [T, B, I] gives [T, B, H] and leaves the states.
  Value run(Value x) {
    x_ = x;
    h_ = c.real(kHiddenState), cell_ = c.real(kCellState);
    if (!x || !h_ || !cell_) return missing();
    for (int gate = kForgetGate; gate < kGates; ++gate)
      if (!c.has(kInputWeights + gate) || !c.has(kRecurrentWeights + gate) || !c.has(kBiases + gate))
        return missing();
    return isPlain() ? composite() : unrolled();
  }
  Value hidden() const { return h_; }
  Value cell() const { return cell_; }

private:
  Value missing() {
    if (!c.failed()) c.invalid("an input that it needs is missing");
    return {};
  }
  // Without weights of its own the input gate is what the forget gate lets free: 1 - sigmoid(z) =
  // sigmoid(-z).
  bool isCoupled() const { return !c.has(kInputWeights); }
  Value ofGate(int first, int gate) {
    if (gate != kInputGate || !isCoupled()) return c.real(first + gate);
    return c.unary("neg", c.real(first + kForgetGate));
  }
  int64_t steps() const { return NodeContext::dims(x_)[0]; }

  // A cell that starts at 0 grows by at most 1 per step, so a clip beyond the sequence never acts.
  bool clipNeverActs() const {
    return p_.cellClip <= 0 || (p_.activation == tfl::Activation::TANH && isZero(cell_) &&
                                static_cast<float>(steps()) <= p_.cellClip);
  }
  static bool isZero(Value v) {
    if (!nn::isConstant(v)) return false;
    for (float f : nn::constantFloats(v))
      if (f != 0) return false;
    return true;
  }
  bool isPlain() const {
    for (int i = kNormCoefficients; i < kLstmInputs; ++i)
      if (c.has(i)) return false;
    return !c.has(kProjection) &&
           (p_.activation == tfl::Activation::TANH || p_.activation == tfl::Activation::RELU);
  }

  // Integers keep the scale of each gate.
  Value joinedGates(int first, bool padded) {
    if (isCoupled()) return {};
    return c.realJoined({first + kInputGate, first + kOutputGate, first + kForgetGate, first + kCellGate},
                        padded);
  }
  // As nn.lstm stacks them: input, output, forget, cell.
  Value stacked(int first) {
    if (Value joined = joinedGates(first, false)) return joined;
    return c.unsqueeze(c.concat({ofGate(first, kInputGate), ofGate(first, kOutputGate),
                                 ofGate(first, kForgetGate), ofGate(first, kCellGate)},
                                0),
                       0);
  }
  // Behind them those of the hidden state: none.
  Value biases() {
    if (Value joined = joinedGates(kBiases, true)) return joined;
    Value bias = stacked(kBiases);
    if (c.failed()) return {};
    return c.concat({bias, c.expand(c.scalar(0, rt::DType::F32), NodeContext::dims(bias))}, 1);
  }

  Value composite() {
    Value bias = biases(), peepholes = c.none();
    if (c.has(kPeepholes + 1)) {
      Value forget = c.real(kPeepholes + 1);
      Value input = isCoupled() ? c.unary("neg", forget) : c.real(kPeepholes);
      peepholes = c.unsqueeze(c.concat({input, c.real(kPeepholes + 2), forget}, 0), 0);
    }
    if (c.failed()) return {};
    nn::AttrList list = c.attrs();
    list.s("direction", "forward").i("hidden", NodeContext::dims(cell_).back());
    if (p_.activation == tfl::Activation::RELU) list.s("activations", "Sigmoid,Relu,Relu");
    if (!clipNeverActs()) list.f("cell_clip", p_.cellClip);
    // Before a projection; without one it is the result, whose integers are kept as if they had its scale.
    constexpr int kHidden = 4;
    const TensorFacts *hidden = c.intermediate(kHidden), *y = c.outputTensor(0);
    if (hidden && hidden->quantization && y && y->quantization && hidden->quantization != y->quantization &&
        hidden->quantization->scale.size() == 1)
      list.f("h_scale", hidden->quantization->scale[0]).i("h_zero", hidden->quantization->zeroPoint[0]);
    auto results = c.emitAll("lstm",
                             {x_, stacked(kInputWeights), stacked(kRecurrentWeights), bias, c.none(),
                              c.unsqueeze(h_, 0), c.unsqueeze(cell_, 0), peepholes},
                             list);
    if (results.size() != 3) return {};
    h_ = c.squeeze(results[1], 0), cell_ = c.squeeze(results[2], 0);
    return c.squeeze(results[0], 1);
  }

  Value times(Value x, Value weights) {
    return c.emit("matmul", {x, weights, c.none()}, c.attrs().b("trans_b", true));
  }

  Value unrolled() {
    if (steps() > c.session().options().maxLoopIterations) {
      c.unsupported(fmt::format("its {} steps are too many to be unrolled", steps()),
                    "fix a shorter sequence with --input-shapes");
      return {};
    }
    for (int gate = 0; gate < kGates; ++gate) driven_[gate] = times(x_, ofGate(kInputWeights, gate));
    for (int gate = 0; gate < kGates; ++gate) recurrent_[gate] = ofGate(kRecurrentWeights, gate);
    for (int gate = 0; gate < kGates; ++gate) bias_[gate] = ofGate(kBiases, gate);
    std::vector<Value> outputs;
    for (int64_t t = 0; t < steps() && !c.failed(); ++t) {
      step(t);
      outputs.push_back(c.unsqueeze(h_, 0));
    }
    return c.failed() || outputs.empty() ? Value() : c.concat(outputs, 0);
  }

  void step(int64_t t) {
    Value keep = c.unary("sigmoid", before(kForgetGate, t, 1));
    Value take;
    if (isCoupled())
      take = c.sub(c.scalar(1, rt::DType::F32), keep);
    else
      take = c.unary("sigmoid", before(kInputGate, t, 0));
    Value fresh = c.activated(before(kCellGate, t, -1), p_.activation);
    cell_ = c.add(c.mul(keep, cell_), c.mul(take, fresh));
    if (p_.cellClip > 0) cell_ = c.unary("clip", cell_, -p_.cellClip, p_.cellClip);
    Value open = c.unary("sigmoid", before(kOutputGate, t, 2));
    h_ = c.mul(open, c.activated(cell_, p_.activation));
    if (!c.has(kProjection)) return;
    h_ = times(h_, c.real(kProjection));
    if (c.has(kProjectionBias)) h_ = c.add(h_, c.real(kProjectionBias));
    if (p_.projectionClip > 0) h_ = c.unary("clip", h_, -p_.projectionClip, p_.projectionClip);
  }

  // The argument of a gate's function at step t; `peephole` of the gate, or -1.
  Value before(int gate, int64_t t, int peephole) {
    Value z = c.add(c.squeeze(c.slice(driven_[gate], 0, t, 1), 0), times(h_, recurrent_[gate]));
    if (peephole >= 0 && c.has(kPeepholes + peephole))
      z = c.add(z, c.mul(cell_, c.real(kPeepholes + peephole)));
    if (!c.has(kNormCoefficients + gate)) return c.add(z, bias_[gate]);
    return c.emit("layer_norm", {z, c.real(kNormCoefficients + gate), bias_[gate]},
                  c.attrs().i("axis", 1).f("epsilon", 1e-8f));
  }

  NodeContext& c;
  LstmParameters p_;
  Value x_, h_, cell_;
  Value driven_[kGates], recurrent_[kGates], bias_[kGates];
};

// [B, T, I] and [T, B, I] are each other's transpose.
Value swapped(NodeContext& c, Value x) {
  if (NodeContext::rank(x) == 3) return c.transpose(x, {1, 0, 2});
  if (!c.failed()) c.invalid("its input is no sequence [batch, time, features]");
  return {};
}

void importSequenceLstm(NodeContext& c) {
  const auto& o = c.options<tfl::SequenceLstmOptions>();
  if (o.diagonal_recurrent_tensors()) return c.unsupported("diagonal recurrent weights are not supported");
  Lstm lstm(c, {o.activation(), o.cell_clip(), o.proj_clip(), o.time_major()});
  Value x = o.time_major() ? c.real(0) : swapped(c, c.real(0));
  if (x && NodeContext::rank(x) != 3) return c.invalid("its input is no sequence");
  Value y = lstm.run(x);
  c.give(0, o.time_major() ? y : swapped(c, y));
  c.giveState(kHiddenState, lstm.hidden());
  c.giveState(kCellState, lstm.cell());
}

// One step of gates stacked as input, cell, forget, output over [input, activation].
void importBasicLstm(NodeContext& c) {
  Value joined = c.concat({c.real(0), c.real(1)}, 1), cell = c.real(4);
  Value z = c.emit("matmul", {joined, c.real(2), c.real(3)}, c.attrs().b("trans_b", true));
  if (c.failed() || NodeContext::rank(cell) != 2 || NodeContext::rank(z) != 2)
    return c.invalid("its state is no matrix");
  const int64_t hidden = NodeContext::dims(cell)[1];
  auto part = [&](int64_t i, const char* function) {
    return c.unary(function, c.slice(z, 1, i * hidden, hidden));
  };
  Value fresh = c.mul(part(0, "sigmoid"), part(1, "tanh"));
  Value next = c.add(fresh, c.mul(part(2, "sigmoid"), cell));
  c.give(0, c.mul(part(3, "sigmoid"), c.unary("tanh", next)));
  const Value others[] = {next, joined, z};
  for (int i = 1; i <= 3 && !c.failed(); ++i)
    if (c.wants(i)) c.give(i, others[i - 1]);
}

// One step.
void importLstm(NodeContext& c) {
  const auto& o = c.options<tfl::LstmOptions>();
  if (o.kernel() == tfl::LstmKernel::BASIC) return importBasicLstm(c);
  if (c.inputCount() < kNormCoefficients) return c.invalid(fmt::format("it has {} inputs", c.inputCount()));
  Value x = c.real(0);
  if (NodeContext::rank(x) != 2) return c.invalid("its input is no matrix [batch, features]");
  Lstm lstm(c, {o.activation(), o.cell_clip(), o.proj_clip(), true});
  Value y = lstm.run(c.unsqueeze(x, 0));
  if (c.failed()) return;
  c.give(0, c.squeeze(y, 0));
  c.giveState(kHiddenState, lstm.hidden());
  c.giveState(kCellState, lstm.cell());
}

// Input, input weights, recurrent weights, bias, state. x [T, B, I] gives [T, B, H] and the state.
std::pair<Value, Value> emitRnn(NodeContext& c, Value x, tfl::Activation activation) {
  if (activation != tfl::Activation::TANH && activation != tfl::Activation::RELU) {
    c.unsupported(fmt::format("the activation {} is not supported", static_cast<int>(activation)));
    return {};
  }
  Value h = c.real(4), bias = c.real(3);
  if (c.failed() || NodeContext::rank(h) != 2) return {};
  Value biases = c.concat({bias, c.expand(c.scalar(0, rt::DType::F32), NodeContext::dims(bias))}, 0);
  auto results = c.emitAll("rnn",
                           {x, c.unsqueeze(c.real(1), 0), c.unsqueeze(c.real(2), 0), c.unsqueeze(biases, 0),
                            c.none(), c.unsqueeze(h, 0)},
                           c.attrs()
                               .s("direction", "forward")
                               .i("hidden", NodeContext::dims(h)[1])
                               .s("activations", activation == tfl::Activation::TANH ? "Tanh" : "Relu"));
  if (results.size() != 2) return {};
  return {c.squeeze(results[0], 1), c.squeeze(results[1], 0)};
}

void importSequenceRnn(NodeContext& c) {
  const auto& o = c.options<tfl::SequenceRnnOptions>();
  auto [y, h] = emitRnn(c, o.time_major() ? c.real(0) : swapped(c, c.real(0)), o.activation());
  c.give(0, o.time_major() ? y : swapped(c, y));
  c.giveState(4, h);
}

void importRnn(NodeContext& c) {
  Value x = c.real(0);
  if (NodeContext::rank(x) != 2) return c.invalid("its input is no matrix [batch, features]");
  auto [y, h] = emitRnn(c, c.unsqueeze(x, 0), c.options<tfl::RnnOptions>().activation());
  if (!c.failed()) c.give(0, c.squeeze(y, 0));
  c.giveState(4, h);
}

// Input [B, I], feature weights [F, I], time weights [F, M], bias, state [B, F * M]: each filter remembers
// its last M features; a unit is the sum of `rank` filters. The next state is written before it moves on.
void importSvdf(NodeContext& c) {
  const auto& o = c.options<tfl::SvdfOptions>();
  Ints feature = NodeContext::dims(c.in(1)), time = NodeContext::dims(c.in(2)),
       x = NodeContext::dims(c.in(0));
  const bool fits =
      feature.size() == 2 && time.size() == 2 && x.size() == 2 && time[0] == feature[0] && time[1] > 0;
  if (!fits || o.rank() < 1 || feature[0] % o.rank()) return c.invalid("its weights do not fit its input");
  const int64_t batch = x[0], filters = feature[0], memory = time[1];
  Value state = c.reshape(c.real(4), {batch, filters, memory});
  auto results = c.emitAll("svdf", {c.real(0), c.real(1), c.real(2), c.has(3) ? c.real(3) : c.none(), state},
                           c.attrs().i("rank", o.rank()));
  if (results.size() != 2) return;
  c.give(0, c.activated(results[0], o.activation()));
  c.giveState(4, c.reshape(results[1], {batch, filters * memory}));
}

const OperatorRow kRows[] = {
    {"UNIDIRECTIONAL_SEQUENCE_LSTM", importSequenceLstm, 1, kLstmInputs, "fixture"},
    {"UNIDIRECTIONAL_SEQUENCE_RNN", importSequenceRnn, 5, 5, "fixture"},
    {"LSTM", importLstm, 1, kLstmInputs, "fixture"},
    {"RNN", importRnn, 5, 5, "fixture"},
    {"SVDF", importSvdf, 3, 5, "fixture"},
};
} // namespace

const OperatorTable<OperatorRow> kRecurrentOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite
