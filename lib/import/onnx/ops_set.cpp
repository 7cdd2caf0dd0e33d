// Unique, composed of sorting, comparing neighbours and counting. How many values are different is known at
// run time only: results have room for all, and a count of those that are valid.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <utility>

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
  if (c.failed()) return {};
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
  if (c.failed()) return {};
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
  if (flat && !c.failed()) x = c.reshape(x, {elements});
  if (c.failed()) return;
  Value rows = rowsOf(c, x, axis);
  if (c.failed()) return;
  if (elements == 0 || NodeContext::dims(rows)[1] > kMaxColumns)
    return c.unsupported(fmt::format("its rows have {} elements, 1 to {} are supported",
                                     elements ? NodeContext::dims(rows)[1] : 0, kMaxColumns));
  const Groups groups = groupsOf(c, rows, c.flag("sorted", true));
  if (c.failed()) return;
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

//===-- n-grams
//-------------------------------------------------------------------------------------------------===//

constexpr size_t kMaxGrams = 1 << 14;

// The n-grams of one length: their items in rows, and where in the result each is counted.
struct Grams {
  int64_t length;
  Ints items, places;
};

// `ngram_counts` tells where in the pool each length begins, `ngram_indexes` counts through all n-grams.
std::vector<Grams> readGrams(NodeContext& c) {
  const Ints pool = c.ints("pool_int64s"), starts = c.ints("ngram_counts"), places = c.ints("ngram_indexes");
  if (pool.empty()) c.unsupported("n-grams of strings are not supported", "look up words before the network");
  std::vector<Grams> all;
  size_t next = 0;
  for (size_t i = 0; i < starts.size() && !c.failed(); ++i) {
    const int64_t length = static_cast<int64_t>(i) + 1,
                  end = i + 1 < starts.size() ? starts[i + 1] : static_cast<int64_t>(pool.size());
    if (starts[i] < 0 || end < starts[i] || end > static_cast<int64_t>(pool.size()) ||
        (end - starts[i]) % length)
      c.invalid("its ngram_counts do not fit its pool");
    const auto count = c.failed() ? size_t(0) : static_cast<size_t>((end - starts[i]) / length);
    if (next + count > places.size()) c.invalid("its ngram_indexes are too few");
    if (c.failed()) break;
    all.push_back({length, Ints(pool.begin() + starts[i], pool.begin() + end),
                   Ints(places.begin() + static_cast<int64_t>(next),
                        places.begin() + static_cast<int64_t>(next + count))});
    for (int64_t place : all.back().places)
      if (place < 0 || place >= int64_t(kMaxGrams))
        c.unsupported(fmt::format("it counts in place {} of at most {}", place, kMaxGrams));
    next += count;
  }
  if (next > kMaxGrams) c.unsupported(fmt::format("more than {} n-grams are not supported", kMaxGrams));
  return all;
}

// How often each n-gram stands in the rows of x [rows, columns], its items `step` apart: [rows, n-grams], or
// null where none has room.
Value countGrams(NodeContext& c, Value x, const Grams& grams, int64_t step) {
  const Ints dims = NodeContext::dims(x);
  const int64_t count = static_cast<int64_t>(grams.places.size()), room = dims[1] - (grams.length - 1) * step;
  if (room < 1 || count < 1) return {};
  Value matches;
  for (int64_t k = 0; k < grams.length; ++k) {
    Ints column;
    for (int64_t g = 0; g < count; ++g)
      column.push_back(grams.items[static_cast<size_t>(g * grams.length + k)]);
    Value item = c.unsqueeze(c.slice(x, 1, k * step, room), 2);
    Value equal = c.binary("equal", item, c.constant(column));
    matches = matches ? c.binary("and", matches, equal) : equal;
  }
  return c.reduce("sum", c.cast(matches, rt::DType::F32), {1}, false);
}

// Counts (TF), weights of those that occur (IDF), or both multiplied.
Value weighted(NodeContext& c, Value counts, const Ints& order) {
  const std::string mode = c.text("mode", "TF");
  const std::vector<float> given = c.floats("weights");
  std::vector<float> weights;
  for (int64_t gram : order)
    weights.push_back(given.empty()                              ? 1.0f
                      : static_cast<size_t>(gram) < given.size() ? given[static_cast<size_t>(gram)]
                                                                 : 0.0f);
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF")
    c.invalid(fmt::format("attribute 'mode' is '{}'", mode));
  if (mode == "IDF")
    counts = c.cast(c.binary("greater", counts, c.scalar(0, rt::DType::F32)), rt::DType::F32);
  return mode == "TF" ? counts : c.mul(counts, c.constant(weights, {static_cast<int64_t>(weights.size())}));
}

// Columns of counts, n-gram by n-gram: each one's number among all and its place in the result.
struct Counts {
  std::vector<Value> columns;
  Ints numbers, places;
  int64_t width = 0; // of the result
};

Counts countAll(NodeContext& c, Value x, const std::vector<Grams>& all) {
  const int64_t shortest = c.integer("min_gram_length", 1), longest = c.integer("max_gram_length", 1),
                skips = c.integer("max_skip_count");
  if (skips < 0 || skips > 64) c.invalid(fmt::format("attribute 'max_skip_count' is {}", skips));
  Counts counts;
  int64_t number = 0;
  for (const Grams& grams : all) {
    for (int64_t place : grams.places) counts.width = std::max(counts.width, place + 1);
    Value sum;
    const bool isCounted = grams.length >= shortest && grams.length <= longest && !c.failed();
    for (int64_t skip = 0; isCounted && skip <= (grams.length == 1 ? 0 : skips); ++skip)
      if (Value part = countGrams(c, x, grams, skip + 1)) sum = sum ? c.add(sum, part) : part;
    if (sum) {
      counts.columns.push_back(sum);
      for (size_t i = 0; i < grams.places.size(); ++i)
        counts.numbers.push_back(number + static_cast<int64_t>(i));
      counts.places.insert(counts.places.end(), grams.places.begin(), grams.places.end());
    }
    number += static_cast<int64_t>(grams.places.size());
  }
  return counts;
}

// The column that is counted in each place; where none is, the last one, which is zero.
Ints columnsAtPlaces(NodeContext& c, const Counts& counts) {
  const auto none = static_cast<int64_t>(counts.places.size());
  Ints columns(static_cast<size_t>(counts.width), none);
  for (size_t i = 0; i < counts.places.size(); ++i)
    if (counts.places[i] < 0 ||
        std::exchange(columns[static_cast<size_t>(counts.places[i])], static_cast<int64_t>(i)) != none) {
      c.unsupported("two of its n-grams are counted in one place");
      break;
    }
  return columns;
}

void importTfIdf(NodeContext& c) {
  const Ints dims = NodeContext::dims(c.in(0));
  if (dims.empty() || dims.size() > 2 || NodeContext::isFloat(c.in(0)))
    return c.invalid("it needs integers [columns] or [rows, columns]");
  const std::vector<Grams> all = readGrams(c);
  Value x = c.cast(c.reshape(c.in(0), {dims.size() == 2 ? dims[0] : 1, dims.back()}), rt::DType::I64);
  const Counts counts = countAll(c, x, all);
  if (c.failed()) return;
  Value table = c.expand(c.scalar(0, rt::DType::F32), {NodeContext::dims(x)[0], 1});
  if (!counts.columns.empty()) {
    Value found = counts.columns.size() == 1 ? counts.columns[0] : c.concat(counts.columns, 1);
    table = c.concat({weighted(c, found, counts.numbers), table}, 1);
  }
  Value y = c.gather(table, c.constant(columnsAtPlaces(c, counts)), 1);
  c.set(0, dims.size() == 1 ? c.reshape(y, {counts.width}) : y);
}

const OperatorRow kRows[] = {{"Unique", importUnique, 1, 1}, {"TfIdfVectorizer", importTfIdf, 1, 1}};
} // namespace

const OperatorTable<OperatorRow> kSetOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
