// Sums, means, extrema, norms; sorting; running sums.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::torch {

namespace {
using rt::DType;

// The dimensions of `dim`; all of them for None or an empty list.
Ints reducedAxes(Call& c, const char* name, int64_t rank) {
  const Ints axes = c.given(name) ? c.integers(name) : Ints();
  return axes.empty() ? allAxes(rank) : c.axes(axes, std::max<int64_t>(rank, 1));
}

Value reduceAxes(Call& c, const char* fn, Value x, const Ints& axes, bool keep) {
  return axes.empty() || Call::rank(x) == 0 ? x : c.reduce(fn, x, axes, keep);
}

Value summand(Call& c, Value x) { // integers and bools are summed as i64
  if (auto type = c.type("dtype")) return c.cast(x, *type);
  return Call::isFloat(x) ? x : c.cast(x, DType::I64);
}

void reduceAll(Call& c) {
  Value x = c.tensor("self");
  const bool sums = isVariant(c, "sum") || isVariant(c, "prod") || isVariant(c, "mean");
  if (sums) x = summand(c, x);
  Value y = reduceAxes(c, c.variant(), x, allAxes(Call::rank(x)), false);
  c.give(y == c.tensor("self") ? c.unary("identity", y) : y);
}
void reduceSome(Call& c) {
  Value x = c.tensor("self");
  const bool sums = isVariant(c, "sum") || isVariant(c, "prod") || isVariant(c, "mean");
  if (sums) x = summand(c, x);
  c.give(reduceAxes(c, c.variant(), x, reducedAxes(c, "dim", Call::rank(x)), c.flag("keepdim")));
}

// Values and indices of the extremum along one dimension.
void extremum(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), std::max<int64_t>(Call::rank(x), 1));
  const bool keep = c.flag("keepdim");
  c.set(0, c.reduce(c.variant(), x, {axis}, keep));
  c.set(1, c.emit("arg_reduce", {x}, c.attrs().s("fn", c.variant()).i("axis", axis).b("keep_dims", keep)));
}
void argExtremum(Call& c) {
  Value x = c.tensor("self");
  const bool flat = !c.given("dim");
  if (flat) x = c.reshape(x, {Call::shape(x).elements()});
  const int64_t axis = flat ? 0 : c.axis(c.integer("dim"), std::max<int64_t>(Call::rank(x), 1));
  c.give(c.emit("arg_reduce", {x},
                c.attrs().s("fn", c.variant()).i("axis", axis).b("keep_dims", !flat && c.flag("keepdim"))));
}

// Whether any or all elements are true.
void anyOrAll(Call& c) {
  Value x = c.cast(c.cast(c.tensor("self"), DType::Bool), DType::I32);
  const bool all = !c.given("dim");
  const Ints axes = all ? allAxes(Call::rank(x)) : c.axes({c.integer("dim")}, Call::rank(x));
  c.give(c.cast(reduceAxes(c, c.variant(), x, axes, !all && c.flag("keepdim")), DType::Bool));
}

void norm(Call& c) {
  Value x = asFloat(c, c.tensor("self"));
  const double p = c.given("p") ? (text(c.data("p")) ? 2 : c.real("p")) : 2;
  const Ints axes = reducedAxes(c, "dim", Call::rank(x));
  const bool keep = c.flag("keepdim");
  if (p == 1 || p == 2) return c.give(c.reduce(p == 1 ? "l1" : "l2", x, axes, keep));
  Value size = c.unary("abs", x);
  if (std::isinf(p)) return c.give(c.reduce(p > 0 ? "max" : "min", size, axes, keep));
  if (p == 0) return c.unsupported("the norm of order 0 is not supported");
  Value sum = c.reduce("sum", c.binary("pow", size, c.scalarLike(p, x)), axes, keep);
  c.give(c.binary("pow", sum, c.scalarLike(1 / p, x)));
}

// Mean square distance from the mean; `correction` is taken off the count.
Value variance(Call& c, Value x, const Ints& axes, bool keep, double correction) {
  Value distance = c.unary("square", c.sub(x, c.reduce("mean", x, axes, true)));
  double count = 1;
  for (int64_t axis : axes) count *= static_cast<double>(Call::dims(x)[static_cast<size_t>(axis)]);
  Value mean = c.reduce("mean", distance, axes, keep);
  if (correction == 0) return mean;
  return c.mul(mean, c.scalarLike(count / std::max(count - correction, 0.0), x));
}
Value spreadOf(Call& c, Value x) {
  const double correction = c.given("correction") ? c.real("correction") : 1;
  Value v = variance(c, x, reducedAxes(c, "dim", Call::rank(x)), c.flag("keepdim"), correction);
  return isVariant(c, "std") ? c.unary("sqrt", v) : v;
}
void spread(Call& c) { c.give(spreadOf(c, c.tensor("self"))); }

void spreadAndMean(Call& c) {
  Value x = c.tensor("self");
  c.set(0, spreadOf(c, x));
  c.set(1, c.reduce("mean", x, reducedAxes(c, "dim", Call::rank(x)), c.flag("keepdim")));
}

void bothExtrema(Call& c) {
  Value x = c.tensor("self");
  const Ints axes = c.given("dim") ? c.axes({c.integer("dim")}, std::max<int64_t>(Call::rank(x), 1))
                                   : allAxes(Call::rank(x));
  c.set(0, reduceAxes(c, "min", x, axes, c.flag("keepdim")));
  c.set(1, reduceAxes(c, "max", x, axes, c.flag("keepdim")));
}

void countNonzero(Call& c) {
  Value x = c.tensor("self");
  Value ones = c.cast(c.unary("not", c.binary("equal", x, c.scalarLike(0, x))), DType::I64);
  c.give(reduceAxes(c, "sum", ones, reducedAxes(c, "dim", Call::rank(x)), false));
}

// The k-th smallest value and where it stands; of an even count the median is the lower one.
void ordered(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), std::max<int64_t>(Call::rank(x), 1));
  if (c.failed() || Call::rank(x) == 0) return c.invalid("its input has no dimensions");
  const int64_t count = Call::dims(x)[static_cast<size_t>(axis)];
  const int64_t k = isVariant(c, "median") ? (count + 1) / 2 : c.integer("k");
  if (k < 1 || k > count) return c.invalid(fmt::format("element {} of {} is wanted", k, count));
  std::vector<Value> least = c.emitAll("topk", {x}, c.attrs().i("k", k).i("axis", axis).b("largest", false));
  for (size_t i = 0; i < 2 && !c.failed(); ++i) {
    Value last = c.slice(least[i], axis, k - 1, 1);
    c.set(static_cast<int>(i), c.flag("keepdim") ? last : c.squeeze(last, axis));
  }
}

void logSumExp(Call& c) {
  Value x = c.tensor("self");
  const Ints axes = reducedAxes(c, "dim", Call::rank(x));
  // The greatest element goes off first, so that nothing overflows.
  Value top = c.reduce("max", x, axes, true);
  Value y = c.add(c.unary("log", c.reduce("sum", c.unary("exp", c.sub(x, top)), axes, true)), top);
  if (c.flag("keepdim")) return c.give(y);
  Ints shape;
  for (int64_t i = 0; i < Call::rank(x); ++i)
    if (!std::binary_search(axes.begin(), axes.end(), i))
      shape.push_back(Call::dims(x)[static_cast<size_t>(i)]);
  c.give(c.reshape(y, shape));
}

void topK(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), std::max<int64_t>(Call::rank(x), 1));
  c.setAll(c.emitAll("topk", {x},
                     c.attrs().i("k", c.integer("k")).i("axis", axis).b("largest", c.flag("largest"))));
}
void sort(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), std::max<int64_t>(Call::rank(x), 1));
  if (c.failed() || Call::rank(x) == 0) return c.invalid("its input has no dimensions");
  std::vector<Value> sorted = c.emitAll("topk", {x},
                                        c.attrs()
                                            .i("k", Call::dims(x)[static_cast<size_t>(axis)])
                                            .i("axis", axis)
                                            .b("largest", c.flag("descending")));
  if (c.failed()) return;
  if (isVariant(c, "indices")) return c.give(sorted[1]);
  c.setAll(sorted);
}

void runningSum(Call& c) {
  Value x = summand(c, c.tensor("self"));
  c.give(c.emit("cumsum", {x},
                c.attrs().i("axis", c.axis(c.integer("dim"), std::max<int64_t>(Call::rank(x), 1)))));
}

// x / max(norm(x), eps), as F.normalize writes it out for itself; cosine_similarity is one operator.
void cosineSimilarity(Call& c) {
  Value a = c.tensor("x1"), b = c.tensor("x2");
  const Ints axis = {c.axis(c.integer("dim"), std::max(Call::rank(a), Call::rank(b)))};
  const double epsilon = c.real("eps");
  auto unit = [&](Value x) {
    return c.div(x, c.binary("max", c.reduce("l2", x, axis, true), c.scalarLike(epsilon, x)));
  };
  c.give(c.reduce("sum", c.mul(unit(a), unit(b)), axis, false));
}

const OperatorRow kRows[] = {
    {"sum(Tensor self, *, int? dtype=None)", reduceAll, "sum"},
    {"mean(Tensor self, *, int? dtype=None)", reduceAll, "mean"},
    {"prod(Tensor self, *, int? dtype=None)", reduceAll, "prod"},
    {"max(Tensor self)", reduceAll, "max"},
    {"min(Tensor self)", reduceAll, "min"},
    {"sum(Tensor self, int[1]? dim, bool keepdim=False, *, int? dtype=None)", reduceSome, "sum"},
    {"mean(Tensor self, int[1]? dim, bool keepdim=False, *, int? dtype=None)", reduceSome, "mean"},
    {"prod(Tensor self, int dim, bool keepdim=False, *, int? dtype=None)", reduceSome, "prod"},
    {"amax(Tensor self, int[1] dim=[], bool keepdim=False)", reduceSome, "max"},
    {"amin(Tensor self, int[1] dim=[], bool keepdim=False)", reduceSome, "min"},
    {"max(Tensor self, int dim, bool keepdim=False) -> (Tensor, Tensor)", extremum, "max"},
    {"min(Tensor self, int dim, bool keepdim=False) -> (Tensor, Tensor)", extremum, "min"},
    {"argmax(Tensor self, int? dim=None, bool keepdim=False)", argExtremum, "max"},
    {"argmin(Tensor self, int? dim=None, bool keepdim=False)", argExtremum, "min"},
    {"any(Tensor self, int? dim=None, bool keepdim=False)", anyOrAll, "max"},
    {"all(Tensor self, int? dim=None, bool keepdim=False)", anyOrAll, "min"},
    {"norm(Tensor self, Scalar? p=2, int[1]? dim=None, bool keepdim=False, *, int? dtype=None)", norm},
    {"linalg_vector_norm(Tensor self, Scalar p=2, int[1]? dim=None, bool keepdim=False, *, int? dtype=None)",
     norm},
    {"linalg_norm(Tensor self, Scalar? p=None, int[1]? dim=None, bool keepdim=False, *, int? dtype=None)",
     norm},
    {"frobenius_norm(Tensor self, int[1]? dim=None, bool keepdim=False, Scalar? p=2)", norm},
    {"var(Tensor self, bool correction=True, int[1]? dim=None, bool keepdim=False)", spread, "var"},
    {"std(Tensor self, bool correction=True, int[1]? dim=None, bool keepdim=False)", spread, "std"},
    {"var(Tensor self, int[1]? dim, bool correction=True, bool keepdim=False)", spread, "var"},
    {"std(Tensor self, int[1]? dim, bool correction=True, bool keepdim=False)", spread, "std"},
    {"var(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)", spread, "var"},
    {"std(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)", spread, "std"},
    {"std_mean(Tensor self, bool correction=True, int[1]? dim=None, bool keepdim=False) -> (Tensor, Tensor)",
     spreadAndMean, "std"},
    {"std_mean(Tensor self, int[1]? dim, bool correction=True, bool keepdim=False) -> (Tensor, Tensor)",
     spreadAndMean, "std"},
    {"std_mean(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> (Tensor, "
     "Tensor)",
     spreadAndMean, "std"},
    {"var_mean(Tensor self, bool correction=True, int[1]? dim=None, bool keepdim=False) -> (Tensor, Tensor)",
     spreadAndMean, "var"},
    {"var_mean(Tensor self, int[1]? dim, bool correction=True, bool keepdim=False) -> (Tensor, Tensor)",
     spreadAndMean, "var"},
    {"var_mean(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> (Tensor, "
     "Tensor)",
     spreadAndMean, "var"},
    {"aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor, Tensor)", bothExtrema},
    {"count_nonzero(Tensor self, int[1]? dim=None)", countNonzero},
    {"median(Tensor self, int dim, bool keepdim=False) -> (Tensor, Tensor)", ordered, "median"},
    {"kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) -> (Tensor, Tensor)", ordered},
    {"logsumexp(Tensor self, int[1] dim, bool keepdim=False)", logSumExp},
    {"topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor, Tensor)", topK},
    {"sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor, Tensor)", sort},
    {"sort(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor, Tensor)", sort},
    {"argsort(Tensor self, int dim=-1, bool descending=False)", sort, "indices"},
    {"cumsum(Tensor self, int dim, *, int? dtype=None)", runningSum},
    {"cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08)", cosineSimilarity},
};
} // namespace

const OperatorTable<OperatorRow> kReductionOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
