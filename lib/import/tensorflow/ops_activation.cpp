// Activations and softmax.
#include "lib/import/tensorflow/operators.h"

namespace burin::tensorflow {

namespace {
void importActivation(RuleContext& c, Attributes& a) { c.set(0, c.unary(a.variant(), c.in(0))); }
void importRelu6(RuleContext& c, Attributes&) { c.set(0, c.unary("clip", c.in(0), 0, 6)); }
void importLeakyRelu(RuleContext& c, Attributes& a) {
  c.set(0, c.unary("leaky_relu", c.in(0), a.real("alpha", 0.2f)));
}
void importElu(RuleContext& c, Attributes&) { c.set(0, c.unary("elu", c.in(0), 1)); }
void importSelu(RuleContext& c, Attributes&) {
  c.set(0, c.unary("selu", c.in(0), 1.67326319217681884765625f, 1.05070102214813232421875f));
}

// Over the last axis.
void importSoftmax(RuleContext& c, Attributes& a) {
  int64_t rank = RuleContext::rank(c.in(0));
  if (rank < 1) return c.invalid("its input is a scalar");
  bool log = c.type() == "LogSoftmax";
  c.set(0, c.emit("softmax", {c.in(0)}, c.attrs().i("axis", rank - 1).b("log", log)));
}

const OperatorRow kRows[] = {
    {"Relu", importActivation, 1, 1, "relu", "model"},
    {"Relu6", importRelu6, 1, 1},
    {"LeakyRelu", importLeakyRelu, 1, 1},
    {"Elu", importElu, 1, 1},
    {"Selu", importSelu, 1, 1},
    {"Sigmoid", importActivation, 1, 1, "sigmoid"},
    {"Tanh", importActivation, 1, 1, "tanh"},
    {"Softplus", importActivation, 1, 1, "softplus"},
    {"Softsign", importActivation, 1, 1, "softsign"},
    {"Softmax", importSoftmax, 1, 1, "", "model"},
    {"LogSoftmax", importSoftmax, 1, 1},
};
} // namespace

const OperatorTable<OperatorRow> kActivationOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
