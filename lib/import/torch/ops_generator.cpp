// Tensors out of nothing: filled, counting, triangular.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::torch {

namespace {
using rt::DType;

constexpr int64_t kMaxSequence = int64_t(1) << 24; // elements of a range

Value filled(Call& c, const Data& value, DType type, const Ints& shape) {
  for (int64_t d : shape)
    if (d < 0) {
      c.invalid(fmt::format("the shape {} is not possible", dimsText(shape)), "check --input-shapes");
      return {};
    }
  if (shape.size() > static_cast<size_t>(rt::kMaxRank)) {
    c.unsupported(fmt::format("tensors of {} dimensions are not supported", shape.size()));
    return {};
  }
  return c.expand(c.cast(c.number(value), type), shape);
}

Data fillValue(Call& c) { return isVariant(c, "ones") ? Data(int64_t{1}) : Data(int64_t{0}); }

void zerosOrOnes(Call& c) {
  c.give(filled(c, fillValue(c), c.type("dtype").value_or(DType::F32), c.integers("size")));
}
void zerosOrOnesLike(Call& c) {
  Value like = c.tensor("self");
  c.give(filled(c, fillValue(c), c.type("dtype").value_or(Call::dtype(like)), Call::dims(like)));
}
void newZerosOrOnes(Call& c) {
  c.give(
      filled(c, fillValue(c), c.type("dtype").value_or(Call::dtype(c.tensor("self"))), c.integers("size")));
}

// Without a type, that of the value.
void full(Call& c) {
  Value value = c.operand("fill_value");
  c.give(filled(c, c.data("fill_value"), c.type("dtype").value_or(Call::dtype(value)), c.integers("size")));
}
void fullLike(Call& c) {
  Value like = c.tensor("self");
  const Ints shape = isVariant(c, "new") ? c.integers("size") : Call::dims(like);
  c.give(filled(c, c.data("fill_value"), c.type("dtype").value_or(Call::dtype(like)), shape));
}
void fill(Call& c) { // written over its input as fill_
  Value x = c.tensor("self");
  c.give(filled(c, isVariant(c, "zero") ? Data(int64_t{0}) : c.data("value"), Call::dtype(x), Call::dims(x)));
}

// A number, or the constant of one element that tracing makes of a size.
Data numberOf(Call& c, const char* name) {
  if (!pointer<Tensor>(c.data(name))) return c.data(name);
  Value v = c.tensor(name);
  if (c.failed() || !nn::isConstant(v) || Call::rank(v) != 0) {
    c.unsupported(fmt::format("its '{}' is computed at run time", name), "trace the model with fixed shapes");
    return int64_t{0};
  }
  return Call::isFloat(v) ? Data(constantReal(c, v)) : Data(nn::constantInts(v).front());
}

void arange(Call& c) {
  const Data start = isVariant(c, "end") ? Data(int64_t{0}) : numberOf(c, "start");
  const Data step = isVariant(c, "step") ? numberOf(c, "step") : Data(int64_t{1});
  const Data end = numberOf(c, "end");
  const double from = realOf(start).value_or(0), by = realOf(step).value_or(1), to = realOf(end).value_or(0);
  const double count = std::ceil((to - from) / by);
  if (!(by != 0) || !(count < static_cast<double>(kMaxSequence))) return c.invalid("its range is too long");
  const bool whole = integerOf(start) && integerOf(step) && integerOf(end);
  const auto n = static_cast<size_t>(std::max(count, 0.0));
  Ints integers;
  std::vector<float> reals;
  for (size_t i = 0; i < n; ++i) {
    const double value = from + static_cast<double>(i) * by;
    if (whole)
      integers.push_back(static_cast<int64_t>(value));
    else
      reals.push_back(static_cast<float>(value));
  }
  Value range = whole ? c.constant(integers) : c.constant(reals, {static_cast<int64_t>(n)});
  c.give(c.cast(range, c.type("dtype").value_or(whole ? DType::I64 : DType::F32)));
}

// Steps run from both ends towards the middle.
void linspace(Call& c) {
  const double from = c.real("start"), to = c.real("end");
  const int64_t n = c.given("steps") ? c.integer("steps") : 100;
  if (n < 0 || n > kMaxSequence) return c.invalid("its range is too long");
  const auto step = static_cast<float>(n > 1 ? (to - from) / static_cast<double>(n - 1) : 0);
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i)
    values.push_back(i < n / 2 || n == 1 ? static_cast<float>(from) + step * static_cast<float>(i)
                                         : static_cast<float>(to) - step * static_cast<float>(n - 1 - i));
  c.give(c.cast(c.constant(values, {n}), c.type("dtype").value_or(DType::F32)));
}

void eye(Call& c) {
  const int64_t n = c.integer("n"), m = c.integer("m", n);
  if (n < 0 || m < 0 || n > 1 << 15 || m > 1 << 15 || n * m > kMaxSequence)
    return c.invalid("its matrix is too big");
  std::vector<float> values(static_cast<size_t>(n * m), 0.0f);
  for (int64_t i = 0; i < std::min(n, m); ++i) values[static_cast<size_t>(i * m + i)] = 1;
  c.give(c.cast(c.constant(values, {n, m}), c.type("dtype").value_or(DType::F32)));
}

void triangle(Call& c) {
  c.give(c.emit("trilu", {c.tensor("self")},
                c.attrs().i("k", c.integer("diagonal")).b("upper", isVariant(c, "upper"))));
}

// Numbers in lists within each other, row by row.
bool flattenNumbers(Call& c, const Data& data, size_t level, Ints& shape, std::vector<Data>& numbers) {
  const List* list = pointer<List>(data);
  if (!list) {
    numbers.push_back(data);
    return level == shape.size() && numbers.size() <= static_cast<size_t>(kMaxSequence);
  }
  const auto size = static_cast<int64_t>(list->items.size());
  if (numbers.empty() && level == shape.size()) shape.push_back(size);
  if (level >= shape.size() || level >= static_cast<size_t>(rt::kMaxRank) || shape[level] != size)
    return false;
  return std::all_of(list->items.begin(), list->items.end(),
                     [&](const Data& item) { return flattenNumbers(c, item, level + 1, shape, numbers); });
}
void tensorOf(Call& c) {
  Ints shape;
  std::vector<Data> numbers;
  if (!flattenNumbers(c, c.data("data"), 0, shape, numbers)) return c.invalid("its lists form no tensor");
  bool anyReal = numbers.empty(), allBool = !numbers.empty();
  for (const Data& d : numbers) {
    if (!realOf(d)) return c.unsupported("a tensor is made of " + kindOf(d));
    anyReal |= as<double>(d) != nullptr, allBool &= as<bool>(d) != nullptr;
  }
  Ints integers;
  std::vector<float> reals;
  for (const Data& d : numbers) {
    if (anyReal)
      reals.push_back(static_cast<float>(*realOf(d)));
    else
      integers.push_back(*integerOf(d));
  }
  Value flat = anyReal ? c.constant(reals, {static_cast<int64_t>(reals.size())}) : c.constant(integers);
  const DType own = anyReal ? DType::F32 : allBool ? DType::Bool : DType::I64;
  c.give(c.cast(c.reshape(flat, shape), c.type("dtype").value_or(own)));
}
void asTensor(Call& c) { c.giveSame("data"); }

// Grids of coordinates: each vector runs along its own dimension.
void meshgrid(Call& c) {
  std::vector<Value> axes = c.tensors("tensors");
  const bool swapped = c.string("indexing") == "xy" && axes.size() > 1;
  Ints shape;
  for (Value v : axes) shape.push_back(Call::shape(v).elements());
  if (swapped) std::swap(shape[0], shape[1]);
  std::vector<Value> grids;
  for (size_t i = 0; i < axes.size() && !c.failed(); ++i) {
    Ints own(axes.size(), 1);
    own[swapped && i < 2 ? 1 - i : i] = Call::shape(axes[i]).elements();
    grids.push_back(c.expand(c.reshape(axes[i], own), shape));
  }
  c.giveList(grids);
}

#define OPTIONS ", int? dtype=None, any layout=None, any device=None, any pin_memory=None"
#define LIKE_OPTIONS "*" OPTIONS ", any memory_format=None"

const OperatorRow kRows[] = {
    {"zeros(int[] size, *" OPTIONS ")", zerosOrOnes, "zeros"},
    {"ones(int[] size, *" OPTIONS ")", zerosOrOnes, "ones"},
    {"empty(int[] size, " LIKE_OPTIONS ")", zerosOrOnes, "zeros"},
    {"zeros_like(Tensor self, " LIKE_OPTIONS ")", zerosOrOnesLike, "zeros"},
    {"ones_like(Tensor self, " LIKE_OPTIONS ")", zerosOrOnesLike, "ones"},
    {"empty_like(Tensor self, " LIKE_OPTIONS ")", zerosOrOnesLike, "zeros"},
    {"new_zeros(Tensor self, int[] size, *" OPTIONS ")", newZerosOrOnes, "zeros"},
    {"new_ones(Tensor self, int[] size, *" OPTIONS ")", newZerosOrOnes, "ones"},
    {"new_empty(Tensor self, int[] size, *" OPTIONS ")", newZerosOrOnes, "zeros"},
    {"full(int[] size, Scalar fill_value, *" OPTIONS ")", full},
    {"full_like(Tensor self, Scalar fill_value, " LIKE_OPTIONS ")", fullLike},
    {"new_full(Tensor self, int[] size, Scalar fill_value, *" OPTIONS ")", fullLike, "new"},
    {"fill(Tensor self, Scalar value)", fill},
    {"fill(Tensor self, Tensor value)", fill},
    {"zero(Tensor self)", fill, "zero"},
    {"arange(Scalar end, *" OPTIONS ")", arange, "end"},
    {"arange(Scalar start, Scalar end, *" OPTIONS ")", arange, "start"},
    {"arange(Scalar start, Scalar end, Scalar step, *" OPTIONS ")", arange, "step"},
    {"arange(Tensor end, *" OPTIONS ")", arange, "end"},
    {"arange(any start, any end, any step, *" OPTIONS ")", arange, "step"},
    {"linspace(Scalar start, Scalar end, int? steps, *" OPTIONS ")", linspace},
    {"eye(int n, *" OPTIONS ", int? m=None)", eye},
    {"eye(int n, int m, *" OPTIONS ")", eye},
    {"tril(Tensor self, int diagonal=0)", triangle, "lower"},
    {"triu(Tensor self, int diagonal=0)", triangle, "upper"},
    {"tensor(any data, *, int? dtype=None, any device=None, bool requires_grad=False)", tensorOf},
    {"as_tensor(Tensor data, *, int? dtype=None, any device=None)", asTensor},
    {"as_tensor(any data, *, int? dtype=None, any device=None)", tensorOf},
    {"meshgrid(Tensor[] tensors, *, str indexing=ij) -> Tensor[]", meshgrid},
};
} // namespace

const OperatorTable<OperatorRow> kGeneratorOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
