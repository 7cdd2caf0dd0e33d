#include "runtime/ops/op_case.h"
#include "runtime/ops/recurrent_functions.h"

#include <functional>

namespace burin::rt {
extern const OpTable kRecurrentOps;
namespace {
using namespace test;

using Vector = std::vector<double>;
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// A case with every operand, and ONNX's equations in double.
struct Sequence {
  int64_t time = 5, batch = 3, features = 21, hidden = 18, directions = 1;
  int gates = 4;
  std::string direction = "forward";
  bool bias = true, lengths = false, initial = true, peephole = false;
  bool inputForget = false, linearBeforeReset = false;
  double clip = 0;
  std::function<double(double)> f = sigmoid, g = [](double v) { return std::tanh(v); }, h = g;

  std::vector<float> x, w, r, b, h0, c0, p;
  std::vector<int32_t> lens;
  Vector y, yh, yc;

  int64_t rows() const { return gates * hidden; }

  void fill() {
    if (direction == "bidirectional") directions = 2;
    x = randomFloats({time, batch, features}, 1, -1, 1);
    w = randomFloats({directions, rows(), features}, 2, -0.4f, 0.4f);
    r = randomFloats({directions, rows(), hidden}, 3, -0.4f, 0.4f);
    b = randomFloats({directions, 2 * rows()}, 4, -0.5f, 0.5f);
    h0 = randomFloats({directions, batch, hidden}, 5, -1, 1);
    c0 = randomFloats({directions, batch, hidden}, 6, -1, 1);
    p = randomFloats({directions, 3 * hidden}, 7, -1, 1);
    for (int64_t i = 0; i < batch; ++i) lens.push_back(static_cast<int32_t>(time - i * 2));
  }

  OpCase makeCase(const char* type) {
    OpCase c(kRecurrentOps, type);
    c.attrs.setText("direction", direction);
    c.attrs.setInt("hidden", hidden);
    if (clip > 0) c.attrs.setFloats("clip", {static_cast<float>(clip)});
    c.in({time, batch, features}, x)
        .in({directions, rows(), features}, w)
        .in({directions, rows(), hidden}, r);
    bias ? c.in({directions, 2 * rows()}, b) : c.absent();
    lengths ? c.in<int32_t>(DType::I32, {batch}, lens) : c.absent();
    initial ? c.in({directions, batch, hidden}, h0) : c.absent();
    if (gates != 4) return c;
    initial ? c.in({directions, batch, hidden}, c0) : c.absent();
    peephole ? c.in({directions, 3 * hidden}, p) : c.absent();
    return c;
  }

  double clipped(double v) const { return clip > 0 ? std::fmin(std::fmax(v, -clip), clip) : v; }
  double biasAt(int64_t d, int64_t row) const {
    return bias ? b[static_cast<size_t>(d * 2 * rows() + row)] : 0;
  }
  double fromX(int64_t d, int64_t row, int64_t t, int64_t n) const {
    double sum = biasAt(d, row);
    for (int64_t k = 0; k < features; ++k)
      sum += static_cast<double>(x[static_cast<size_t>((t * batch + n) * features + k)]) *
             w[static_cast<size_t>((d * rows() + row) * features + k)];
    return sum;
  }
  double fromH(int64_t d, int64_t row, const Vector& state) const {
    double sum = biasAt(d, rows() + row);
    for (int64_t k = 0; k < hidden; ++k)
      sum += state[static_cast<size_t>(k)] * r[static_cast<size_t>((d * rows() + row) * hidden + k)];
    return sum;
  }

  void stepLstm(int64_t d, int64_t t, int64_t n, Vector& state, Vector& cell) const {
    const Vector before = state;
    for (int64_t j = 0; j < hidden; ++j) {
      double gate[4];
      for (int64_t k = 0; k < 4; ++k)
        gate[k] = fromX(d, k * hidden + j, t, n) + fromH(d, k * hidden + j, before);
      auto hole = [&](int64_t part) {
        return peephole ? p[static_cast<size_t>((d * 3 + part) * hidden + j)] : 0.0;
      };
      double& c = cell[static_cast<size_t>(j)];
      const double input = f(clipped(gate[0] + hole(0) * c));
      const double forget = inputForget ? 1 - input : f(clipped(gate[2] + hole(2) * c));
      c = forget * c + input * g(clipped(gate[3]));
      state[static_cast<size_t>(j)] = f(clipped(gate[1] + hole(1) * c)) * h(clipped(c));
    }
  }
  void stepGru(int64_t d, int64_t t, int64_t n, Vector& state) const {
    const Vector before = state;
    Vector z(before.size()), reset(before.size()), masked(before.size());
    for (int64_t j = 0; j < hidden; ++j) {
      const size_t i = static_cast<size_t>(j);
      z[i] = f(clipped(fromX(d, j, t, n) + fromH(d, j, before)));
      reset[i] = f(clipped(fromX(d, hidden + j, t, n) + fromH(d, hidden + j, before)));
      masked[i] = reset[i] * before[i];
    }
    for (int64_t j = 0; j < hidden; ++j) {
      const size_t i = static_cast<size_t>(j);
      const double recurrent =
          linearBeforeReset ? reset[i] * fromH(d, 2 * hidden + j, before) : fromH(d, 2 * hidden + j, masked);
      state[i] = (1 - z[i]) * g(clipped(fromX(d, 2 * hidden + j, t, n) + recurrent)) + z[i] * before[i];
    }
  }
  void stepRnn(int64_t d, int64_t t, int64_t n, Vector& state) const {
    const Vector before = state;
    for (int64_t j = 0; j < hidden; ++j)
      state[static_cast<size_t>(j)] = f(clipped(fromX(d, j, t, n) + fromH(d, j, before)));
  }

  void solve() {
    y.assign(static_cast<size_t>(time * directions * batch * hidden), 0);
    yh.clear();
    yc.clear();
    for (int64_t d = 0; d < directions; ++d)
      for (int64_t n = 0; n < batch; ++n) {
        const size_t first = static_cast<size_t>((d * batch + n) * hidden),
                     width = static_cast<size_t>(hidden);
        Vector state(width, 0), cell(width, 0);
        if (initial) {
          state.assign(h0.begin() + static_cast<long>(first), h0.begin() + static_cast<long>(first + width));
          cell.assign(c0.begin() + static_cast<long>(first), c0.begin() + static_cast<long>(first + width));
        }
        const int64_t length = lengths ? lens[static_cast<size_t>(n)] : time;
        const bool reverse = d == 1 || direction == "reverse";
        for (int64_t i = 0; i < length; ++i) {
          const int64_t t = reverse ? length - 1 - i : i;
          if (gates == 4)
            stepLstm(d, t, n, state, cell);
          else if (gates == 3)
            stepGru(d, t, n, state);
          else
            stepRnn(d, t, n, state);
          std::copy(state.begin(), state.end(), y.begin() + ((t * directions + d) * batch + n) * hidden);
        }
        yh.insert(yh.end(), state.begin(), state.end());
        yc.insert(yc.end(), cell.begin(), cell.end());
      }
  }

  void check(OpCase& c) {
    solve();
    for (bool constants : {false, true}) {
      c.constants = constants;
      expectNear(c.run<float>(0), y, 1e-5, 2e-6);
      expectNear(c.get<float>(1), yh, 1e-5, 2e-6);
      if (gates == 4) expectNear(c.get<float>(2), yc, 1e-5, 2e-6);
    }
  }
};

TEST(Lstm, MatchesOnnxInEveryDirection) {
  for (const char* direction : {"forward", "reverse", "bidirectional"})
    for (int variant = 0; variant < 4; ++variant) {
      SCOPED_TRACE(std::string(direction) + " " + std::to_string(variant));
      Sequence s;
      s.direction = direction;
      s.lengths = variant & 1;
      s.initial = s.bias = variant & 2;
      s.peephole = variant & 1;
      s.fill();
      OpCase c = s.makeCase("nn.lstm");
      s.check(c);
    }
}

TEST(Lstm, CouplesGatesAndClips) {
  Sequence s;
  s.inputForget = true;
  s.clip = 0.4;
  s.peephole = true;
  s.fill();
  OpCase c = s.makeCase("nn.lstm");
  c.attrs.setInt("input_forget", 1);
  s.check(c);
}

TEST(Lstm, TakesOtherActivations) {
  Sequence s;
  s.f = [](double x) { return std::fmin(std::fmax(0.3 * x + 0.4, 0), 1); };
  s.g = [](double x) { return 1.7 * std::tanh(0.6 * x); };
  s.h = [](double x) { return 0.5 * x + 0.25; };
  s.fill();
  OpCase c = s.makeCase("nn.lstm");
  c.attrs.setText("activations", "HardSigmoid(0.3,0.4),ScaledTanh(1.7,0.6),Affine(5e-1,.25)");
  s.check(c);
}

// Wide enough for every block width of the vector kernels.
TEST(Lstm, ManyUnits) {
  Sequence s;
  s.time = 2, s.batch = 1, s.features = 40, s.hidden = 35;
  s.fill();
  OpCase c = s.makeCase("nn.lstm");
  s.check(c);
}

TEST(Lstm, EmptySequences) {
  Sequence s;
  s.lengths = true;
  s.fill();
  s.lens = {5, 0, 1};
  OpCase c = s.makeCase("nn.lstm");
  s.check(c);
}

TEST(Gru, MatchesOnnxInEveryDirection) {
  for (const char* direction : {"forward", "reverse", "bidirectional"})
    for (int variant = 0; variant < 4; ++variant) {
      SCOPED_TRACE(std::string(direction) + " " + std::to_string(variant));
      Sequence s;
      s.gates = 3;
      s.direction = direction;
      s.linearBeforeReset = variant & 1;
      s.lengths = variant & 1;
      s.initial = s.bias = variant & 2;
      s.fill();
      OpCase c = s.makeCase("nn.gru");
      c.attrs.setInt("linear_before_reset", s.linearBeforeReset);
      s.check(c);
    }
}

TEST(Rnn, MatchesOnnx) {
  for (const char* direction : {"forward", "reverse", "bidirectional"}) {
    Sequence s;
    s.gates = 1;
    s.direction = direction;
    s.lengths = true;
    s.clip = 0.8;
    s.f = [](double x) { return std::tanh(x); };
    s.fill();
    OpCase c = s.makeCase("nn.rnn");
    s.check(c);
  }
}

TEST(Rnn, EachDirectionHasItsActivation) {
  Sequence s;
  s.gates = 1;
  s.direction = "bidirectional";
  s.f = [](double x) { return std::fmax(x, 0); };
  s.fill();
  OpCase both = s.makeCase("nn.rnn");
  both.attrs.setText("activations", "Relu,relu");
  s.check(both);
}

TEST(Recurrent, RefusesWrongLengthsWhenItRuns) {
  Sequence s;
  s.lengths = true;
  s.fill();
  s.lens = {5, 6, -1};
  OpCase c = s.makeCase("nn.lstm");
  c.run<float>();
  EXPECT_NE(c.failure(), nullptr);
}

TEST(Recurrent, RefusesWhatDoesNotFit) {
  Sequence s;
  s.fill();
  auto with = [&](const std::function<void(Sequence&, OpCase&)>& change) {
    Sequence copy = s;
    OpCase c = copy.makeCase("nn.lstm");
    change(copy, c);
    return c.infer();
  };
  EXPECT_EQ(with([](Sequence&, OpCase&) {}), "");
  EXPECT_NE(with([](Sequence&, OpCase& c) { c.attrs.setText("activations", "Sigmoid"); }), "");
  EXPECT_NE(with([](Sequence&, OpCase& c) { c.attrs.setText("activations", "Sigmoid,Tanh,Foo"); }), "");
  EXPECT_NE(with([](Sequence&, OpCase& c) { c.attrs.list[0].text = "sideways"; }), "");
  EXPECT_NE(with([](Sequence&, OpCase& c) { c.attrs.list[1].ints = {17}; }), "");
  EXPECT_NE(with([](Sequence&, OpCase& c) { c.attrs.list[1].ints = {0}; }), "");
  EXPECT_NE(with([](Sequence&, OpCase& c) { c.attrs.list[1].ints = {int64_t{1} << 60}; }), "");
}

TEST(GateFunctions, ReadTheirText) {
  std::vector<GateFunction> functions;
  std::string error;
  ASSERT_TRUE(parseGateFunctions("sigmoid,LeakyRelu,LEAKYRELU(-1.25e-2),Affine(2,+3.5)", functions, error))
      << error;
  ASSERT_EQ(functions.size(), 4u);
  EXPECT_EQ(functions[0](0.0f), 0.5f);
  EXPECT_EQ(functions[1](-1.0f), -0.01f);
  EXPECT_EQ(functions[2](-1.0f), 0.0125f);
  EXPECT_EQ(functions[3](2.0f), 7.5f);
  EXPECT_TRUE(parseGateFunctions("", functions, error));
  EXPECT_TRUE(functions.empty());
  for (const char* bad :
       {",", "Tanh,", "Tanh(", "Tanh()", "Tanh(1", "Tanh(1,2,3)", "Tanh(x)", "Tanh;Tanh", "Tanh(1e999)",
        "Tanh(1.2.3)", "Affine(99999999999999999999999999999999999999999999999999999999999999999)"})
    EXPECT_FALSE(parseGateFunctions(bad, functions, error)) << bad;
}

} // namespace
} // namespace burin::rt
