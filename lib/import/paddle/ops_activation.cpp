// Functions of one operand.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <array>
#include <fmt/format.h>

namespace burin::paddle {

namespace {
using Make = Value (*)(Node& n, Value x);

// x * clip(x + offset, 0, threshold) / scale
Value hardSwish(Node& n, Value x) {
  float threshold = n.real("threshold", 6), scale = n.real("scale", 6), offset = n.real("offset", 3);
  if (threshold == 6 && scale == 6 && offset == 3) return n->unary("hard_swish", x);
  Value gate = n->unary("clip", n->add(x, n->scalarLike(offset, x)), 0, threshold);
  return n->div(n->mul(x, gate), n->scalarLike(scale, x));
}

Value swish(Node& n, Value x) {
  float beta = n.real("beta", 1);
  if (beta == 1) return n->unary("silu", x);
  return n->mul(x, n->unary("sigmoid", n->mul(x, n->scalarLike(beta, x))));
}

// log(1 + exp(beta x)) / beta, and x itself above the threshold.
Value softplus(Node& n, Value x) {
  float beta = n.real("beta", 1), threshold = n.real("threshold", 20);
  Value scaled = beta == 1 ? x : n->mul(x, n->scalarLike(beta, x)), soft = n->unary("softplus", scaled);
  if (beta != 1) soft = n->div(soft, n->scalarLike(beta, x));
  // From 20 on the difference is below half a unit in the last place of the result.
  if (threshold >= 20) return soft;
  return n->select(n->binary("greater", scaled, n->scalarLike(threshold, x)), x, soft);
}

// x * tanh(softplus(x)); above the threshold softplus is the identity, which only a low one lets one see.
Value mish(Node& n, Value x) {
  float threshold = n.real("threshold", 20);
  if (threshold >= 20) return n->unary("mish", x);
  Value soft = n->select(n->binary("greater", x, n->scalarLike(threshold, x)), x, n->unary("softplus", x));
  return n->mul(x, n->unary("tanh", soft));
}

Value gelu(Node& n, Value x) { return n->unary(n.flag("approximate") ? "gelu_tanh" : "gelu", x); }

// Half away from zero; the op rounds half to even.
Value round(Node& n, Value x) {
  Value magnitude = n->unary("floor", n->add(n->unary("abs", x), n->scalarLike(0.5, x)));
  return n->mul(magnitude, n->unary("sign", x));
}

Value logBase(Node& n, Value x, double naturalLog) {
  return n->div(n->unary("log", x), n->scalarLike(naturalLog, x));
}

struct Function {
  const char* name;
  const char* fn; // of nn.unary; null: `make` says it
  Make make = nullptr;
};

const Function kFunctions[] = {
    {"relu", "relu"},
    {"sigmoid", "sigmoid"},
    {"tanh", "tanh"},
    {"exp", "exp"},
    {"log", "log"},
    {"sqrt", "sqrt"},
    {"rsqrt", "rsqrt"},
    {"square", "square"},
    {"abs", "abs"},
    {"floor", "floor"},
    {"ceil", "ceil"},
    {"reciprocal", "reciprocal"},
    {"sin", "sin"},
    {"cos", "cos"},
    {"tan", "tan"},
    {"asin", "asin"},
    {"acos", "acos"},
    {"atan", "atan"},
    {"sinh", "sinh"},
    {"cosh", "cosh"},
    {"erf", "erf"},
    {"sign", "sign"},
    {"silu", "silu"},
    {"softsign", "softsign"},
    {"hard_swish", nullptr, hardSwish},
    {"swish", nullptr, swish},
    {"softplus", nullptr, softplus},
    {"mish", nullptr, mish},
    {"gelu", nullptr, gelu},
    {"round", nullptr, round},
    {"relu6", nullptr, [](Node& n, Value x) { return n->unary("clip", x, 0, n.real("threshold", 6)); }},
    {"leaky_relu", nullptr,
     [](Node& n, Value x) { return n->unary("leaky_relu", x, n.real("alpha", 0.02f)); }},
    {"elu", nullptr, [](Node& n, Value x) { return n->unary("elu", x, n.real("alpha", 1)); }},
    {"celu", nullptr, [](Node& n, Value x) { return n->unary("celu", x, n.real("alpha", 1)); }},
    {"selu", nullptr,
     [](Node& n, Value x) {
       return n->unary("selu", x, n.real("alpha", 1.67326324f), n.real("scale", 1.05070098f));
     }},
    {"hard_sigmoid", nullptr,
     [](Node& n, Value x) {
       return n->unary("hard_sigmoid", x, n.real("slope", 0.2f), n.real("offset", 0.5f));
     }},
    {"brelu", nullptr,
     [](Node& n, Value x) { return n->unary("clip", x, n.real("t_min", 0), n.real("t_max", 24)); }},
    {"hard_shrink", nullptr,
     [](Node& n, Value x) { return n->unary("shrink", x, n.real("threshold", 0.5f)); }},
    {"softshrink", nullptr,
     [](Node& n, Value x) {
       float lambda = n.real("lambda", 0.5f);
       return n->unary("shrink", x, lambda, lambda);
     }},
    {"tanh_shrink", nullptr, [](Node& n, Value x) { return n->sub(x, n->unary("tanh", x)); }},
    {"thresholded_relu", nullptr,
     [](Node& n, Value x) { return n->unary("thresholded_relu", x, n.real("threshold", 1)); }},
    {"logsigmoid", nullptr,
     [](Node& n, Value x) { return n->unary("neg", n->unary("softplus", n->unary("neg", x))); }},
    {"stanh", nullptr,
     [](Node& n, Value x) {
       Value inner = n->unary("tanh", n->mul(x, n->scalarLike(n.real("scale_a", 0.67f), x)));
       return n->mul(inner, n->scalarLike(n.real("scale_b", 1.7159f), x));
     }},
    {"log2", nullptr, [](Node& n, Value x) { return logBase(n, x, 0.69314718055994531); }},
    {"log10", nullptr, [](Node& n, Value x) { return logBase(n, x, 2.30258509299404568); }},
    {"log1p", nullptr, [](Node& n, Value x) { return n->unary("log", n->add(x, n->scalarLike(1, x))); }},
};

const Function* findFunction(const std::string& name) {
  for (const Function& function : kFunctions)
    if (name == function.name) return &function;
  return nullptr;
}
} // namespace

Value activation(Node& n, Value x, const std::string& name) {
  if (name.empty() || name == "identity") return x;
  const Function* function = findFunction(name);
  if (!function) {
    n->unsupported(fmt::format("its activation {} is not supported", name));
    return {};
  }
  return function->fn ? n->unary(function->fn, x) : function->make(n, x);
}

namespace {
void importFunction(Node& n) { n.set("Out", activation(n, n.in("X"), n.type())); }

// mode: one slope for all, one per channel, or one per element.
void importPrelu(Node& n) {
  Value x = n.in("X"), slope = n.in("Alpha");
  Ints dims = RuleContext::dims(x);
  std::string mode = n.text("mode", "all");
  bool isLast = isChannelsLast(n);
  if (mode == "all") {
    slope = n->reshape(slope, {1});
  } else if (mode == "channel" && dims.size() >= 2) {
    Ints shape(isLast ? 1 : dims.size() - 1, 1);
    shape[0] = isLast ? dims.back() : dims[1];
    slope = n->reshape(slope, shape);
  } else if (mode == "element") {
    if (!dims.empty()) dims[0] = 1;
    slope = n->reshape(slope, dims);
  } else {
    return n->invalid(fmt::format("mode '{}' is unknown", mode));
  }
  n.set("Out", n->binary("prelu", x, slope));
}

// The larger of `groups` neighbouring channels.
void importMaxout(Node& n) {
  Ints dims = RuleContext::dims(n.in("X"));
  int64_t groups = n.integer("groups", 1), rank = static_cast<int64_t>(dims.size());
  size_t axis = static_cast<size_t>(n->axis(n.integer("axis", 1), rank));
  if (n->failed()) return;
  if (groups < 1 || dims[axis] % groups)
    return n->invalid(fmt::format("{} channels cannot form groups of {}", dims[axis], groups));
  dims[axis] /= groups;
  dims.insert(dims.begin() + static_cast<long>(axis) + 1, groups);
  n.set("Out", n->reduce("max", n->reshape(n.in("X"), dims), {static_cast<int64_t>(axis) + 1}, false));
}

constexpr const char* kInModels[] = {"relu", "hard_sigmoid", "hard_swish"};

constexpr size_t kCount = std::size(kFunctions);
const std::array<OperatorRow, kCount + 2> kRows = [] {
  std::array<OperatorRow, kCount + 2> rows{};
  for (size_t i = 0; i < kCount; ++i) {
    rows[i] = {kFunctions[i].name, importFunction};
    for (std::string_view name : kInModels)
      if (name == kFunctions[i].name) rows[i].shownBy = "model";
  }
  rows[kCount] = {"prelu", importPrelu};
  rows[kCount + 1] = {"maxout", importMaxout};
  return rows;
}();
} // namespace

const OperatorTable<OperatorRow> kActivationOperators = {kRows.data(), kRows.size()};

} // namespace burin::paddle
