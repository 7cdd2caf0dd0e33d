// Pooling.
#include "lib/import/tensorflow/layout.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
// The node's input with channels in front, and the window over it.
struct Pool {
  Value x;
  Window window;
};

std::optional<Pool> readPool(RuleContext& c, Attributes& a) {
  Value x = c.in(0);
  if (RuleContext::rank(x) < 3) {
    c.invalid(fmt::format("its input has {} dimensions", RuleContext::rank(x)));
    return std::nullopt;
  }
  auto kernel = spatialEntries(c, a, "ksize", RuleContext::rank(x));
  if (!kernel) return std::nullopt;
  x = enter(c, a, x);
  if (!x) return std::nullopt;
  auto window = readWindow(c, a, RuleContext::dims(x), *kernel);
  if (!window) return std::nullopt;
  return Pool{x, *window};
}

// Padding never counts.
void importPool(RuleContext& c, Attributes& a) {
  auto pool = readPool(c, a);
  if (!pool) return;
  c.set(0, leave(c, a, c.emit(a.variant(), {pool->x}, poolAttrs(c, pool->window))));
}

// The index counts [h, w, c], with the batch in front on request; ours counts [n, c, h, w].
void importMaxPoolWithArgmax(RuleContext& c, Attributes& a) {
  auto pool = readPool(c, a);
  if (!pool) return;
  auto results = c.emitAll("max_pool_index", {pool->x}, poolAttrs(c, pool->window));
  if (results.size() != 2) return;
  c.set(0, leave(c, a, results[0]));
  if (!c.wants(1)) return;
  Ints dims = RuleContext::dims(pool->x);
  auto number = [&](int64_t value) { return c.scalar(static_cast<double>(value), rt::DType::I64); };
  int64_t pixels = dims[2] * dims[3];
  Value index = results[1], image = c.div(index, number(dims[1] * pixels));
  Value channel = c.binary("mod", c.div(index, number(pixels)), number(dims[1]));
  Value at = c.add(c.mul(c.binary("mod", index, number(pixels)), number(dims[1])), channel);
  if (a.flag("include_batch_in_index")) at = c.add(at, c.mul(image, number(dims[1] * pixels)));
  c.set(1, c.cast(leave(c, a, at), a.type("Targmax", rt::DType::I64)));
}

const OperatorRow kRows[] = {
    {"MaxPool", importPool, 1, 1, "max_pool", "model"},
    {"AvgPool", importPool, 1, 1, "avg_pool", "model"},
    {"MaxPool3D", importPool, 1, 1, "max_pool"},
    {"AvgPool3D", importPool, 1, 1, "avg_pool"},
    {"MaxPoolWithArgmax", importMaxPoolWithArgmax, 1, 1, "", "fixture", "output argmax"},
};
} // namespace

const OperatorTable<OperatorRow> kPoolingOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
