// Unique, composed of sorting, comparing neighbours and counting. How many values are different is known at
// run time only: results have room for all, and a count of those that are valid.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <fmt/format.h>
#include <numeric>

namespace burin::onnx {

namespace {
constexpr int64_t kMaxColumns = 256; // of a row: each is sorted by once

Value iota(NodeContext& c, int64_t n) {
  Ints values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  return c.constant(values);
}

// Positions in ascending order of `keys` [n]; equal keys keep their order.
Value sortedPositions(NodeContext& c, Value keys) {
  const int64_t n = NodeContext::dims(keys)[0];
  auto results = c.emitAll("topk", {keys}, c.attrs().i("axis", 0).i("k", n).b("largest", false));
  return results.empty() ? Value() : results[1];
}

// As sortedPositions, for the rows of [n, columns]: by the last column first, the later sorts keep its order.
Value sortedRows(NodeContext& c, Value rows) {
  const Ints dims = NodeContext::dims(rows);
  Value order = iota(c, dims[0]);
  for (int64_t column = dims[1] - 1; column >= 0 && !c.failed(); --column) {
    Value keys = c.squeeze(c.slice(rows, 1, column, 1), 1);
    order = c.gather(order, sortedPositions(c, c.gather(keys, order, 0)), 0);
  }
  return order;
}

// Numbers from 0 on, one more at each place where `starts` holds.
Value numbered(NodeContext& c, Value starts) {
  Value counted = c.emit("cumsum", {c.cast(starts, rt::DType::I64)}, c.attrs().i("axis", 0));
  return c.sub(counted, c.scalar(1, rt::DType::I64));
}

Value scattered(NodeContext& c, Value into, Value at, Value values, const char* reduction) {
  return c.emit("scatter_elements", {into, at, values}, c.attrs().i("axis", 0).s("reduction", reduction));
}

// True for the first of each run of equal rows. NaN counts as one value.
Value runStarts(NodeContext& c, Value sorted) {
  const int64_t n = NodeContext::dims(sorted)[0];
  Value first = c.expand(c.scalar(1, rt::DType::Bool), {1});
  if (n == 1) return first;
  Value row = c.slice(sorted, 0, 1, n - 1), before = c.slice(sorted, 0, 0, n - 1);
  Value equal = c.binary("equal", row, before);
  if (NodeContext::isFloat(sorted))
    equal = c.binary("or", equal, c.binary("and", c.unary("is_nan", row), c.unary("is_nan", before)));
  Value allEqual = c.reduce("min", c.cast(equal, rt::DType::I64), {1}, false);
  return c.concat({first, c.binary("equal", allEqual, c.scalar(0, rt::DType::I64))}, 0);
}

// x as a table: one row for each entry of `axis`.
Value rowsOf(NodeContext& c, Value x, int64_t axis) {
  const Ints dims = NodeContext::dims(x);
  Ints perm = {axis};
  for (int64_t i = 0; i < static_cast<int64_t>(dims.size()); ++i)
    if (i != axis) perm.push_back(i);
  const int64_t n = dims[static_cast<size_t>(axis)];
  return c.reshape(c.transpose(x, perm), {n, n ? product(dims, 0, dims.size()) / n : 0});
}

// Where the different rows stand first (`positions` where `starts` holds), and which of them each row is.
struct Groups {
  Value positions, starts, inverse;
};

Groups groupsOf(NodeContext& c, Value rows, bool sorted) {
  const int64_t n = NodeContext::dims(rows)[0];
  Value order = sortedRows(c, rows), starts = runStarts(c, c.gather(rows, order, 0));
  Value group = numbered(c, starts), all = iota(c, n);
  Value groupOfRow = scattered(c, all, order, group, "none");
  if (sorted || c.failed()) return {order, starts, groupOfRow};
  // In order of appearance: a number for each row that is the first of its group.
  Value last = c.expand(c.scalar(static_cast<double>(n - 1), rt::DType::I64), {n});
  Value firstOfRow = c.gather(scattered(c, last, group, order, "min"), groupOfRow, 0);
  Value isFirst = c.binary("equal", firstOfRow, all);
  return {all, isFirst, c.gather(numbered(c, isFirst), firstOfRow, 0)};
}

void importUnique(NodeContext& c) {
  Value x = c.in(0);
  const bool flat = !c.hasAttribute("axis");
  const int64_t elements = NodeContext::shape(x).elements(),
                axis = flat ? 0 : c.axis(c.integer("axis"), NodeContext::rank(x));
  if (c.failed()) return;
  if (flat) x = c.reshape(x, {elements});
  Value rows = rowsOf(c, x, axis);
  if (elements == 0 || NodeContext::dims(rows)[1] > kMaxColumns)
    return c.unsupported(fmt::format("its rows have {} elements, 1 to {} are supported",
                                     elements ? NodeContext::dims(rows)[1] : 0, kMaxColumns));
  const Groups groups = groupsOf(c, rows, c.flag("sorted", true));
  auto taken = [&](Value from, int64_t along) {
    return c.emitAll("compress", {from, groups.starts}, c.attrs().i("axis", along));
  };
  auto values = taken(c.gather(x, groups.positions, axis), axis), first = taken(groups.positions, 0);
  if (c.failed()) return;
  setCounted(c, 0, values[0], values[1], axis);
  setCounted(c, 1, first[0], values[1], 0);
  if (c.wants(2)) c.set(2, groups.inverse);
  const Ints each = {NodeContext::dims(rows)[0]};
  Value zeros = c.expand(c.scalar(0, rt::DType::I64), each),
        ones = c.expand(c.scalar(1, rt::DType::I64), each);
  setCounted(c, 3, scattered(c, zeros, groups.inverse, ones, "add"), values[1], 0);
}

const OperatorRow kRows[] = {{"Unique", importUnique, 1, 1}};
} // namespace

const OperatorTable kSetOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
