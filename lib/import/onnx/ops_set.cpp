// Unique of constants: its result's size depends on values, so it exists while importing only.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace burin::onnx {

namespace {
template <class T>
struct Rows {
  std::vector<T> values; // row-major [count, width]
  size_t count, width;
  bool less(size_t a, size_t b) const {
    for (size_t i = 0; i < width; ++i) {
      T x = values[a * width + i], y = values[b * width + i];
      if (x != y && !(x != x && y != y)) return x < y || y != y; // NaN stands behind all numbers
    }
    return false;
  }
  bool equal(size_t a, size_t b) const { return !less(a, b) && !less(b, a); }
};

struct Unique {
  Ints first, inverse, counts; // index of the first occurrence; group of every row; size of every group
};

// Groups in sorted order, or in order of first occurrence.
template <class T>
Unique findUnique(const Rows<T>& rows, bool sorted) {
  std::vector<size_t> order(rows.count);
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rows.less(a, b); });
  Unique u;
  u.inverse.resize(rows.count);
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || !rows.equal(order[i - 1], order[i]))
      u.first.push_back(static_cast<int64_t>(order[i])), u.counts.push_back(0);
    ++u.counts.back();
    u.inverse[order[i]] = static_cast<int64_t>(u.first.size()) - 1;
  }
  if (sorted) return u;
  Ints rank(u.first.size()), place(u.first.size());
  std::iota(rank.begin(), rank.end(), int64_t(0));
  std::sort(rank.begin(), rank.end(), [&](int64_t a, int64_t b) {
    return u.first[static_cast<size_t>(a)] < u.first[static_cast<size_t>(b)];
  });
  Unique result = u;
  for (size_t i = 0; i < rank.size(); ++i) {
    size_t group = static_cast<size_t>(rank[i]);
    place[group] = static_cast<int64_t>(i), result.first[i] = u.first[group],
    result.counts[i] = u.counts[group];
  }
  for (int64_t& group : result.inverse) group = place[static_cast<size_t>(group)];
  return result;
}

void importUnique(NodeContext& c) {
  Value x = c.in(0);
  if (!nn::isConstant(x)) return c.needsConstant(0, "data");
  int64_t rank = NodeContext::rank(x), axis = 0;
  if (c.hasAttribute("axis"))
    axis = c.axis(c.integer("axis"), rank);
  else
    x = c.reshape(x, {product(NodeContext::dims(x), 0, static_cast<size_t>(rank))});
  if (!x || c.failed()) return;
  Ints perm = {axis};
  for (int64_t i = 0; i < NodeContext::rank(x); ++i)
    if (i != axis) perm.push_back(i);
  Value byRow = c.transpose(x, perm);
  Ints dims = NodeContext::dims(byRow);
  if (!byRow || !nn::isConstant(byRow)) return;
  size_t count = static_cast<size_t>(dims[0]), width = static_cast<size_t>(product(dims, 1, dims.size()));
  bool sorted = c.flag("sorted", true);
  Unique u = NodeContext::isFloat(x)
                 ? findUnique(Rows<float>{nn::constantFloats(byRow), count, width}, sorted)
                 : findUnique(Rows<int64_t>{nn::constantInts(byRow), count, width}, sorted);
  c.set(0, c.gather(x, c.constant(u.first), axis));
  c.set(1, c.constant(u.first));
  c.set(2, c.constant(u.inverse));
  c.set(3, c.constant(u.counts));
}

const OperatorRow kRows[] = {{"Unique", importUnique, 1, 1}};
} // namespace

const OperatorTable kSetOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
