// Constants, ranges, shapes, grids: what depends on no data.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

namespace burin::paddle {

namespace {
constexpr int64_t kSameType = -1;

std::optional<rt::DType> typeAttribute(Node& n, int64_t fallback = paddlepb::VarType::FP32) {
  auto dtype = elementType(static_cast<int32_t>(n.integer("dtype", fallback)));
  if (dtype) return *dtype;
  n->fail(dtype.error());
  return std::nullopt;
}

bool isPossible(Node& n, const Ints& shape) {
  int64_t elements = 1;
  for (int64_t d : shape)
    if (d < 0 || (d > 0 && elements > (int64_t(1) << 32) / d)) {
      n->invalid(fmt::format("its shape {} is not possible", dimsText(shape)));
      return false;
    } else {
      elements *= d;
    }
  return shape.size() <= static_cast<size_t>(rt::kMaxRank);
}

Value filled(Node& n, const Ints& shape, double value, rt::DType dtype) {
  return isPossible(n, shape) ? n->expand(n->scalar(value, dtype), shape) : Value();
}

// str_value holds numbers that a float cannot.
double fillValue(Node& n) {
  std::string text = n.text("str_value");
  return text.empty() ? static_cast<double>(n.real("value")) : std::strtod(text.c_str(), nullptr);
}

void importFillConstant(Node& n) {
  auto shape = n.intsOr("shape", "ShapeTensor", "ShapeTensorList");
  auto dtype = typeAttribute(n);
  if (!shape || !dtype) return;
  if (!n.has("ValueTensor")) return n.set("Out", filled(n, *shape, fillValue(n), *dtype));
  if (isPossible(n, *shape))
    n.set("Out", n->expand(n->cast(n->reshape(n.in("ValueTensor"), {}), *dtype), *shape));
}

void importFillLikeBatch(Node& n) {
  auto dtype = typeAttribute(n);
  Ints shape = n.ints("shape"), dims = RuleContext::dims(n.in("Input"));
  int64_t from = n->axis(n.integer("input_dim_idx"), static_cast<int64_t>(dims.size())),
          to = n->axis(n.integer("output_dim_idx"), static_cast<int64_t>(shape.size()));
  if (n->failed() || !dtype) return;
  shape[static_cast<size_t>(to)] = dims[static_cast<size_t>(from)];
  n.set("Out", filled(n, shape, fillValue(n), *dtype));
}

void importFillLike(Node& n) {
  Value x = n.in("X");
  rt::DType dtype = RuleContext::dtype(x);
  if (n.integer("dtype", kSameType) != kSameType) {
    auto given = typeAttribute(n);
    if (!given) return;
    dtype = *given;
  }
  n.set("Out", filled(n, RuleContext::dims(x), n.real("value"), dtype));
}

// The list of the attribute that fits the type; newer programs have one list of scalars for all.
void importAssignValue(Node& n) {
  auto dtype = typeAttribute(n);
  if (!dtype) return;
  std::vector<double> values;
  for (const char* name : {"fp32_values", "values"})
    for (float v : n.floats(name)) values.push_back(v);
  if (values.empty()) values = n.scalars("values");
  Value v;
  if (!values.empty()) {
    std::vector<float> floats(values.begin(), values.end());
    v = n->constant(floats, {static_cast<int64_t>(floats.size())});
  }
  if (values.empty() || !rt::isFloat(*dtype)) {
    Ints ints(values.begin(), values.end());
    for (const char* name : {"int32_values", "int64_values", "bool_values"})
      if (ints.empty()) ints = n.ints(name);
    v = n->constant(ints);
  }
  n.set("Out", n->reshape(n->cast(v, *dtype), n.ints("shape")));
}

void importShape(Node& n) {
  Value x = n.in(n.has("Input") ? "Input" : "X");
  n.set("Out", n->cast(n->constant(RuleContext::dims(x)), rt::DType::I32));
}

void importSize(Node& n) {
  Ints dims = RuleContext::dims(n.in("Input"));
  n.set("Out", n->scalar(static_cast<double>(product(dims, 0, dims.size())), rt::DType::I64));
}

void importRange(Node& n) {
  auto start = n.constantFloat("Start"), end = n.constantFloat("End"), step = n.constantFloat("Step");
  if (!start || !end || !step) return;
  double count = std::ceil((static_cast<double>(*end) - *start) / *step);
  if (*step == 0 || !(count < double(1 << 24)) || !(std::fabs(*start) < 9e18f) || !(std::fabs(*step) < 9e11f))
    return n->invalid("its range is too long or has no step");
  std::vector<float> floats;
  Ints ints;
  bool isFloat = RuleContext::isFloat(n.in("Start"));
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i)
    if (isFloat)
      floats.push_back(*start + static_cast<float>(i) * *step);
    else
      ints.push_back(static_cast<int64_t>(*start) + i * static_cast<int64_t>(*step));
  Value v = isFloat ? n->constant(floats, {static_cast<int64_t>(floats.size())}) : n->constant(ints);
  n.set("Out", n->cast(v, RuleContext::dtype(n.in("Start"))));
}

void importLinspace(Node& n) {
  auto start = n.constantFloat("Start"), stop = n.constantFloat("Stop"), count = n.constantFloat("Num");
  if (!start || !stop || !count) return;
  if (!(*count >= 1 && *count < float(1 << 24))) return n->invalid("its length is not possible");
  std::vector<float> values(static_cast<size_t>(*count));
  double step = values.size() > 1 ? (double(*stop) - *start) / static_cast<double>(values.size() - 1) : 0;
  for (size_t i = 0; i < values.size(); ++i) // from both ends to the middle, as the framework does
    values[i] =
        static_cast<float>(i < values.size() / 2 ? *start + step * static_cast<double>(i)
                                                 : *stop - step * static_cast<double>(values.size() - 1 - i));
  auto dtype = typeAttribute(n);
  if (dtype) n.set("Out", n->cast(n->constant(values, {static_cast<int64_t>(values.size())}), *dtype));
}

void importMeshgrid(Node& n) {
  std::vector<Value> xs = n.list("X");
  Ints shape;
  for (Value x : xs) shape.push_back(product(RuleContext::dims(x), 0, rt::kMaxRank));
  if (!isPossible(n, shape)) return;
  for (size_t i = 0; i < xs.size(); ++i) {
    Ints own(shape.size(), 1);
    own[i] = shape[i];
    n.set("Out", n->expand(n->reshape(xs[i], own), shape), static_cast<int>(i));
  }
}

void importTrilu(Node& n) {
  bool upper = n.type() == "triu" || (n.type() == "tril_triu" && !n.flag("lower"));
  n.set("Out", n->emit("trilu", {n.in("X")}, n->attrs().i("k", n.integer("diagonal")).b("upper", upper)));
}

const OperatorRow kRows[] = {
    {"fill_constant", importFillConstant},
    {"fill_constant_batch_size_like", importFillLikeBatch},
    {"fill_any_like", importFillLike},
    {"fill_zeros_like", importFillLike},
    {"assign_value", importAssignValue},
    {"shape", importShape, "", "model"},
    {"size", importSize},
    {"range", importRange},
    {"linspace", importLinspace},
    {"meshgrid", importMeshgrid},
    {"tril_triu", importTrilu},
};
} // namespace

const OperatorTable<OperatorRow> kConstantOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
