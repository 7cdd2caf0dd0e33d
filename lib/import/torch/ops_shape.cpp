// Views of tensors: another shape, another order, a part. Writing to a view changes what it shows.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace burin::torch {

Value emitSlice(RuleContext& c, Value x, int64_t axis, int64_t start, int64_t size, int64_t step) {
  const Ints dims = RuleContext::dims(x);
  if (start == 0 && step == 1 && size == dims[static_cast<size_t>(axis)]) return x;
  return c.slice(x, axis, start, size, step);
}

namespace {
// `base` with a slice replaced by `part`. Steps other than one go through positions in both, one behind the
// other.
Value replaceSlice(RuleContext& c, Value base, Value part, int64_t axis, int64_t start, int64_t step) {
  const int64_t total = RuleContext::dims(base)[static_cast<size_t>(axis)];
  const int64_t size = RuleContext::dims(part)[static_cast<size_t>(axis)];
  if (size == total) return part;
  if (step == 1) {
    std::vector<Value> pieces;
    if (start > 0) pieces.push_back(c.slice(base, axis, 0, start));
    pieces.push_back(part);
    if (start + size < total) pieces.push_back(c.slice(base, axis, start + size, total - start - size));
    return c.concat(pieces, axis);
  }
  Ints positions(static_cast<size_t>(total));
  std::iota(positions.begin(), positions.end(), 0);
  for (int64_t i = 0; i < size; ++i) positions[static_cast<size_t>(start + i * step)] = total + i;
  return c.gather(c.concat({base, part}, axis), c.constant(positions), axis);
}

// A view of the same elements in row-major order.
void giveReshaped(Call& c, const Ints& shape) {
  c.giveView(
      "self", [shape](RuleContext& r, Value base) { return r.reshape(base, shape); },
      [](RuleContext& r, Value base, Value part) { return r.reshape(part, RuleContext::dims(base)); });
}

void giveTransposed(Call& c, const Ints& perm) {
  Ints inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  c.giveView(
      "self", [perm](RuleContext& r, Value base) { return r.transpose(base, perm); },
      [inverse](RuleContext& r, Value, Value part) { return r.transpose(part, inverse); });
}

using Part = std::pair<Call::Read, Call::Write>;
Part slicePart(int64_t axis, int64_t start, int64_t size, int64_t step = 1) {
  return {
      [=](RuleContext& r, Value base) { return emitSlice(r, base, axis, start, size, step); },
      [=](RuleContext& r, Value base, Value part) { return replaceSlice(r, base, part, axis, start, step); }};
}
Part selectPart(int64_t axis, int64_t index) {
  return {[=](RuleContext& r, Value base) { return r.squeeze(r.slice(base, axis, index, 1), axis); },
          [=](RuleContext& r, Value base, Value part) {
            return replaceSlice(r, base, r.unsqueeze(part, axis), axis, index, 1);
          }};
}

//===-- reshaping
//-----------------------------------------------------------------------------------------------===//

void view(Call& c) {
  Value x = c.tensor("self");
  Ints shape = c.isTensor("size") ? Call::dims(c.tensor("size")) : c.integers("size");
  const int64_t total = Call::shape(x).elements();
  double known = 1;
  int64_t open = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1 && open < 0)
      open = static_cast<int64_t>(i);
    else
      known *= static_cast<double>(shape[i]);
  }
  if (open >= 0 && known > 0)
    shape[static_cast<size_t>(open)] = total / static_cast<int64_t>(std::min(known, 9e15));
  const bool fits = std::all_of(shape.begin(), shape.end(), [](int64_t d) { return d >= 0; }) &&
                    shape.size() <= static_cast<size_t>(rt::kMaxRank) && known < 9e15 &&
                    product(shape) == total;
  if (!fits)
    return c.invalid(
        fmt::format("a tensor of {} cannot have the shape {}", dimsText(Call::dims(x)), dimsText(shape)),
        "check --input-shapes");
  giveReshaped(c, shape);
}

void flatten(Call& c) {
  const Ints dims = Call::dims(c.tensor("self"));
  const auto rank = static_cast<int64_t>(dims.size());
  if (rank == 0) return giveReshaped(c, {1});
  const int64_t first = c.axis(c.integer("start_dim"), rank), last = c.axis(c.integer("end_dim"), rank);
  if (c.failed() || first > last) return c.invalid("it flattens no dimensions");
  Ints shape(dims.begin(), dims.begin() + first);
  shape.push_back(product(Ints(dims.begin() + first, dims.begin() + last + 1)));
  shape.insert(shape.end(), dims.begin() + last + 1, dims.end());
  giveReshaped(c, shape);
}
void unflatten(Call& c) {
  Ints dims = Call::dims(c.tensor("self")), sizes = c.integers("sizes");
  const int64_t axis = c.axis(c.integer("dim"), static_cast<int64_t>(dims.size()));
  if (c.failed()) return;
  const int64_t total = dims[static_cast<size_t>(axis)], known = std::abs(product(sizes));
  for (int64_t& s : sizes)
    if (s == -1 && known > 0) s = total / known;
  if (product(sizes) != total)
    return c.invalid(fmt::format("{} elements cannot have the shape {}", total, dimsText(sizes)));
  dims.erase(dims.begin() + axis);
  dims.insert(dims.begin() + axis, sizes.begin(), sizes.end());
  giveReshaped(c, dims);
}

void unsqueeze(Call& c) {
  Ints dims = Call::dims(c.tensor("self"));
  const int64_t axis = c.axis(c.integer("dim"), static_cast<int64_t>(dims.size()) + 1);
  if (c.failed()) return;
  dims.insert(dims.begin() + axis, 1);
  giveReshaped(c, dims);
}
void squeeze(Call& c) {
  const Ints dims = Call::dims(c.tensor("self"));
  const auto rank = static_cast<int64_t>(dims.size());
  Ints shape;
  Ints axes = c.given("dim") ? c.axes(c.integers("dim"), rank) : allAxes(rank);
  for (int64_t i = 0; i < rank; ++i)
    if (dims[static_cast<size_t>(i)] != 1 || !std::binary_search(axes.begin(), axes.end(), i))
      shape.push_back(dims[static_cast<size_t>(i)]);
  giveReshaped(c, shape);
}

//===-- order
//---------------------------------------------------------------------------------------------------===//

void permute(Call& c) {
  const int64_t rank = Call::rank(c.tensor("self"));
  Ints perm = c.integers("dims"), sorted;
  for (int64_t& p : perm) p = c.axis(p, rank);
  sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != allAxes(rank)) return c.invalid("it does not name every dimension once");
  giveTransposed(c, perm);
}
void transpose(Call& c) {
  const int64_t rank = Call::rank(c.tensor("self"));
  Ints perm = allAxes(rank);
  const int64_t a = c.axis(c.integer("dim0"), std::max<int64_t>(rank, 1)),
                b = c.axis(c.integer("dim1"), std::max<int64_t>(rank, 1));
  if (c.failed()) return;
  if (rank > 0) std::swap(perm[static_cast<size_t>(a)], perm[static_cast<size_t>(b)]);
  giveTransposed(c, perm);
}
void reverseAxes(Call& c) { // of matrices; mT: the last two of more
  Ints perm = allAxes(Call::rank(c.tensor("self")));
  if (perm.size() > 1) std::swap(perm[perm.size() - 1], perm[isVariant(c, "last") ? perm.size() - 2 : 0]);
  giveTransposed(c, perm);
}
void moveAxes(Call& c) {
  const int64_t rank = Call::rank(c.tensor("self"));
  Ints from = c.integers("source"), to = c.integers("destination"), perm(static_cast<size_t>(rank), -1);
  if (from.size() != to.size()) return c.invalid("it moves dimensions to a different number of places");
  std::vector<bool> moved(static_cast<size_t>(rank), false);
  for (size_t i = 0; i < from.size() && !c.failed(); ++i) {
    const auto at = static_cast<size_t>(c.axis(from[i], rank)),
               place = static_cast<size_t>(c.axis(to[i], rank));
    if (c.failed() || moved[at] || perm[place] >= 0) return c.invalid("it names a dimension twice");
    moved[at] = true, perm[place] = static_cast<int64_t>(at);
  }
  int64_t next = 0;
  for (int64_t& p : perm) {
    if (p >= 0) continue;
    while (moved[static_cast<size_t>(next)]) ++next;
    p = next++;
  }
  giveTransposed(c, perm);
}

//===-- parts
//---------------------------------------------------------------------------------------------------===//

void givePart(Call& c, const Part& part) { c.giveView("self", part.first, part.second); }

void slice(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x)), step = c.integer("step");
  if (c.failed() || step < 1) return c.invalid("its step is below 1");
  const int64_t n = Call::dims(x)[static_cast<size_t>(axis)];
  auto clamped = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
  const int64_t start = clamped(c.integer("start", 0)), end = clamped(c.integer("end", n));
  const int64_t stride = std::min(step, n + 1), size = end > start ? (end - start + stride - 1) / stride : 0;
  givePart(c, slicePart(axis, size ? start : 0, size, stride));
}

std::optional<int64_t> indexIn(Call& c, int64_t index, int64_t n) {
  if (index >= -n && index < n) return index < 0 ? index + n : index;
  c.invalid(fmt::format("the index {} is outside a dimension of {}", index, n), "check --input-shapes");
  return std::nullopt;
}

void select(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  if (c.failed()) return;
  if (auto index = indexIn(c, c.integer("index"), Call::dims(x)[static_cast<size_t>(axis)]))
    givePart(c, selectPart(axis, *index));
}
void narrow(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x)), length = c.integer("length");
  if (c.failed()) return;
  const int64_t n = Call::dims(x)[static_cast<size_t>(axis)],
                start = c.integer("start") + (c.integer("start") < 0 ? n : 0);
  if (start < 0 || length < 0 || start > n || length > n - start)
    return c.invalid("it reaches outside its input");
  givePart(c, slicePart(axis, start, length));
}

void giveParts(Call& c, int64_t axis, const Ints& sizes) {
  std::vector<Part> parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    parts.push_back(slicePart(axis, start, size));
    start += size;
  }
  c.giveViews("self", parts);
}

// Pieces of a size, the last one may be smaller.
Ints piecesOf(int64_t total, int64_t size) {
  Ints sizes;
  for (int64_t at = 0; at < total; at += size) sizes.push_back(std::min(size, total - at));
  return sizes;
}

void split(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  if (c.failed()) return;
  const int64_t total = Call::dims(x)[static_cast<size_t>(axis)];
  const bool isChunk = isVariant(c, "chunk"), isList = pointer<List>(c.data("size"));
  if (isList) {
    Ints sizes = c.integers("size");
    if (std::accumulate(sizes.begin(), sizes.end(), int64_t{0}) != total ||
        std::any_of(sizes.begin(), sizes.end(), [](int64_t s) { return s < 0; }))
      return c.invalid(fmt::format("its sizes do not add up to {}", total), "check --input-shapes");
    return giveParts(c, axis, sizes);
  }
  int64_t size = c.integer("size");
  if (size < 1 || total < 1) return c.invalid("it splits into nothing");
  if (isChunk) size = (total - 1) / size + 1;
  giveParts(c, axis, piecesOf(total, size));
}

// Into `parts` pieces of almost one size, or before each of the given places.
void splitTensor(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  if (c.failed()) return;
  const int64_t total = Call::dims(x)[static_cast<size_t>(axis)];
  Ints sizes;
  if (pointer<List>(c.data("parts"))) {
    int64_t begin = 0;
    for (int64_t at : c.integers("parts")) {
      const int64_t end = std::clamp<int64_t>(at < 0 ? at + total : at, begin, total);
      sizes.push_back(end - begin);
      begin = end;
    }
    sizes.push_back(total - begin);
  } else {
    const int64_t parts = c.integer("parts");
    if (parts < 1 || parts > 1 << 16) return c.invalid(fmt::format("it splits into {} parts", parts));
    for (int64_t i = 0; i < parts; ++i) sizes.push_back(total / parts + (i < total % parts));
  }
  giveParts(c, axis, sizes);
}

// Windows along one axis; what a window holds becomes a new last axis.
void windows(Call& c) {
  Value x = c.tensor("self");
  const int64_t rank = Call::rank(x), axis = c.axis(c.integer("dimension"), rank), size = c.integer("size"),
                step = c.integer("step");
  const int64_t total = c.failed() ? 0 : Call::dims(x)[static_cast<size_t>(axis)];
  if (size < 1 || step < 1 || size > total)
    return c.invalid(fmt::format("a window of {} does not fit into {}", size, total));
  const int64_t count = (total - size) / step + 1;
  if (!c.session().takeGeneratedBytes(8 * count * size)) return c.unsupported("it has too many windows");
  Ints places;
  for (int64_t i = 0; i < count * size; ++i) places.push_back(i / size * step + i % size);
  Value gathered = c.gather(x, c.reshape(c.constant(places), {count, size}), axis);
  Ints perm = allAxes(rank + 1);
  perm.erase(perm.begin() + axis + 1);
  perm.push_back(axis + 1);
  c.give(c.transpose(gathered, perm));
}

// The diagonal of two axes becomes a new last axis.
void diagonal(Call& c) {
  Value x = c.tensor("self");
  const int64_t rank = Call::rank(x), offset = c.integer("offset"), first = c.axis(c.integer("dim1"), rank),
                second = c.axis(c.integer("dim2"), rank);
  if (c.failed() || first == second) return c.invalid("it names no two axes");
  Ints perm;
  for (int64_t i = 0; i < rank; ++i)
    if (i != first && i != second) perm.push_back(i);
  perm.insert(perm.end(), {first, second});
  Value moved = c.transpose(x, perm);
  Ints dims = Call::dims(moved), places;
  const int64_t rows = dims[dims.size() - 2], columns = dims.back();
  for (int64_t i = 0; i < rows; ++i)
    if (i + offset >= 0 && i + offset < columns) places.push_back(i * columns + i + offset);
  dims.pop_back();
  dims.back() = rows * columns;
  c.give(c.gather(c.reshape(moved, dims), c.constant(places), rank - 2));
}

void unbind(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  if (c.failed()) return;
  std::vector<Part> parts;
  for (int64_t i = 0; i < Call::dims(x)[static_cast<size_t>(axis)]; ++i) parts.push_back(selectPart(axis, i));
  c.giveViews("self", parts);
}

const OperatorRow kRows[] = {
    {"view(Tensor self, int[] size)", view},
    {"reshape(Tensor self, int[] size)", view},
    {"_unsafe_view(Tensor self, int[] size)", view},
    {"view_as(Tensor self, Tensor size)", view},
    {"reshape_as(Tensor self, Tensor size)", view},
    {"flatten(Tensor self, int start_dim=0, int end_dim=-1)", flatten},
    {"unflatten(Tensor self, int dim, int[] sizes)", unflatten},
    {"ravel(Tensor self, int start_dim=0, int end_dim=-1)", flatten},
    {"unsqueeze(Tensor self, int dim)", unsqueeze},
    {"squeeze(Tensor self, int[1]? dim=None)", squeeze},
    {"permute(Tensor self, int[] dims)", permute},
    {"transpose(Tensor self, int dim0, int dim1)", transpose},
    {"swapaxes(Tensor self, int dim0, int dim1)", transpose},
    {"swapdims(Tensor self, int dim0, int dim1)", transpose},
    {"t(Tensor self)", reverseAxes, "last"},
    {"numpy_T(Tensor self)", reverseAxes, "last"},
    {"mT(Tensor self)", reverseAxes, "last"},
    {"movedim(Tensor self, int[1] source, int[1] destination)", moveAxes},
    {"slice(Tensor self, int dim=0, int? start=None, int? end=None, int step=1)", slice},
    {"select(Tensor self, int dim, int index)", select},
    {"narrow(Tensor self, int dim, int start, int length)", narrow},
    {"split(Tensor self, int[1] size, int dim=0) -> Tensor[]", split},
    {"split_with_sizes(Tensor self, int[] size, int dim=0) -> Tensor[]", split},
    {"unsafe_split(Tensor self, int[1] size, int dim=0) -> Tensor[]", split},
    {"chunk(Tensor self, int size, int dim=0) -> Tensor[]", split, "chunk"},
    {"unsafe_chunk(Tensor self, int size, int dim=0) -> Tensor[]", split, "chunk"},
    {"tensor_split(Tensor self, int[1] parts, int dim=0) -> Tensor[]", splitTensor},
    {"unfold(Tensor self, int dimension, int size, int step)", windows},
    {"diagonal(Tensor self, int offset=0, int dim1=0, int dim2=1)", diagonal},
    {"unbind(Tensor self, int dim=0) -> Tensor[]", unbind},
};
} // namespace

const OperatorTable<OperatorRow> kShapeOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
