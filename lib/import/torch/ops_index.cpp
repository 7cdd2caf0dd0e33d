// Elements by index: embeddings, gathering, scattering, x[i, j].
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::torch {

namespace {
using rt::DType;

void embedding(Call& c) { c.give(c.gather(c.tensor("weight"), c.indices("indices"), 0)); }

void indexSelect(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), std::max<int64_t>(Call::rank(x), 1));
  c.give(c.gather(x, c.indices("index"), axis));
}

void gather(Call& c) {
  Value x = c.tensor("self"), index = c.indices("index");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  c.give(c.emit("gather_elements", {x, index}, c.attrs().i("axis", axis)));
}

// A bool mask that is constant, as the positions where it holds.
Value positionsOf(Call& c, Value mask) {
  if (!nn::isConstant(mask) || Call::rank(mask) != 1) {
    c.unsupported("it takes elements by a mask that is known only at run time",
                  "the shape of its result depends on data; cut it off with --outputs");
    return {};
  }
  Ints positions, held = nn::constantInts(mask);
  for (size_t i = 0; i < held.size(); ++i)
    if (held[i]) positions.push_back(static_cast<int64_t>(i));
  return c.constant(positions);
}

// The indices of x[..., i, :, j]: null where a dimension is taken whole.
std::vector<Value> readIndices(Call& c, int64_t rank) {
  std::vector<Value> indices = c.tensors("indices");
  for (Value& index : indices) {
    if (index && Call::dtype(index) == DType::Bool) index = positionsOf(c, index);
    if (index && !rt::isInteger(Call::dtype(index))) c.invalid("an index holds no integers");
  }
  indices.resize(static_cast<size_t>(std::max<int64_t>(rank, 0)));
  return indices;
}

// Indices of several dimensions belong together: they are broadcast, and index as one (numpy's rule).
// Dimensions between them move: that case is rare and not supported.
void index(Call& c) {
  Value x = c.tensor("self");
  std::vector<Value> indices = readIndices(c, Call::rank(x));
  if (c.failed()) return;
  Ints axes;
  for (size_t i = 0; i < indices.size(); ++i)
    if (indices[i]) axes.push_back(static_cast<int64_t>(i));
  if (axes.empty()) return c.giveSame("self");
  if (axes.size() == 1) return c.give(c.gather(x, indices[static_cast<size_t>(axes[0])], axes[0]));
  if (axes.back() - axes.front() + 1 != static_cast<int64_t>(axes.size()))
    return c.unsupported("indices with whole dimensions between them are not supported");
  const Ints dims = Call::dims(x);
  // The indexed dimensions become one, of which a combined index takes elements.
  Value combined = c.scalar(0, DType::I64);
  Ints shape(dims.begin(), dims.begin() + axes.front());
  int64_t extent = 1;
  for (int64_t axis : axes) {
    const int64_t n = dims[static_cast<size_t>(axis)];
    Value at = c.cast(indices[static_cast<size_t>(axis)], DType::I64),
          size = c.scalar(static_cast<double>(n), DType::I64);
    at = c.binary("mod", at, size); // negative ones count from the end
    combined = c.add(c.mul(combined, size), at);
    extent *= n;
  }
  shape.push_back(extent);
  shape.insert(shape.end(), dims.begin() + axes.back() + 1, dims.end());
  c.give(c.gather(c.reshape(x, shape), combined, axes.front()));
}

// x[i] = values, or += with accumulate, for an index of the first dimensions.
void indexPut(Call& c) {
  Value x = c.tensor("self");
  std::vector<Value> indices = readIndices(c, Call::rank(x));
  if (c.failed()) return;
  size_t count = 0;
  while (count < indices.size() && indices[count]) ++count;
  if (!count || std::any_of(indices.begin() + static_cast<ptrdiff_t>(count), indices.end(),
                            [](Value v) { return static_cast<bool>(v); }))
    return c.unsupported("only indices of the first dimensions can be written");
  const Ints dims = Call::dims(x);
  Value sum; // broadcasts the indices against each other
  for (size_t i = 0; i < count; ++i) {
    Value zero = c.mul(c.cast(indices[i], DType::I64), c.scalar(0, DType::I64));
    sum = sum ? c.add(sum, zero) : zero;
  }
  std::vector<Value> columns;
  for (size_t i = 0; i < count; ++i)
    columns.push_back(c.unsqueeze(c.binary("mod", c.add(sum, c.cast(indices[i], DType::I64)),
                                           c.scalar(static_cast<double>(dims[i]), DType::I64)),
                                  Call::rank(sum)));
  Ints shape = Call::dims(sum);
  shape.insert(shape.end(), dims.begin() + static_cast<ptrdiff_t>(count), dims.end());
  Value values = c.expand(c.cast(c.tensor("values"), Call::dtype(x)), shape);
  Value index = columns.size() == 1 ? columns[0] : c.concat(columns, Call::rank(sum));
  c.give(c.emit("scatter_nd", {x, index, values},
                c.attrs().s("reduction", c.flag("accumulate") ? "add" : "none")));
}

void scatter(Call& c) {
  Value x = c.tensor("self"), index = c.indices("index");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  Value values = c.cast(c.operand("src"), Call::dtype(x));
  if (c.failed()) return;
  const Ints shape = Call::dims(index);
  if (Call::rank(values) == 0) values = c.expand(values, shape);
  for (size_t i = 0; i < shape.size() && i < Call::dims(values).size(); ++i)
    values = emitSlice(c, values, static_cast<int64_t>(i), 0, shape[i], 1);
  c.give(
      c.emit("scatter_elements", {x, index, values}, c.attrs().i("axis", axis).s("reduction", c.variant())));
}

// Whole slices along one dimension: filled with a number, replaced or added to.
void indexWrite(Call& c) {
  Value x = c.tensor("self"), index = c.indices("index");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  if (c.failed() || Call::rank(index) > 1) return c.invalid("its indices have more than one dimension");
  Ints shape = Call::dims(x), along(shape.size(), 1);
  const int64_t count = Call::shape(index).elements();
  shape[static_cast<size_t>(axis)] = along[static_cast<size_t>(axis)] = count;
  Value values = c.cast(c.operand("source"), Call::dtype(x));
  if (std::string_view(c.variant()) == "add" && c.real("alpha") != 1)
    values = c.mul(values, c.scalarLike(c.real("alpha"), x));
  Value places = c.expand(c.reshape(index, along), shape);
  const char* reduction = isVariant(c, "add") ? "add" : "none";
  c.give(c.emit("scatter_elements", {x, places, c.expand(values, shape)},
                c.attrs().i("axis", axis).s("reduction", reduction)));
}

void take(Call& c) {
  Value x = c.tensor("self");
  c.give(c.gather(c.reshape(x, {Call::shape(x).elements()}), c.indices("index"), 0));
}

void maskedSelect(Call& c) {
  Value x = c.tensor("self"), mask = c.tensor("mask");
  if (Call::dims(x) != Call::dims(mask)) return c.unsupported("a mask of another shape is not supported");
  const Ints flat = {Call::shape(x).elements()};
  Value positions = positionsOf(c, c.reshape(mask, flat));
  c.give(c.gather(c.reshape(x, flat), positions, 0));
}

void oneHot(Call& c) {
  Value index = c.indices("self");
  const int64_t classes = c.integer("num_classes");
  if (classes < 1) return c.unsupported("the number of classes is not given");
  c.give(c.emit("one_hot", {index, c.constant(Ints{0, 1})},
                c.attrs().i("depth", classes).i("axis", Call::rank(index))));
}

const OperatorRow kRows[] = {
    {"embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool "
     "sparse=False)",
     embedding},
    {"index_select(Tensor self, int dim, Tensor index)", indexSelect},
    {"gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False)", gather},
    {"take_along_dim(Tensor self, Tensor index, int dim)", gather},
    {"index(Tensor self, Tensor?[] indices)", index},
    {"index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False)", indexPut},
    {"scatter(Tensor self, int dim, Tensor index, Tensor src)", scatter, "none"},
    {"scatter(Tensor self, int dim, Tensor index, Scalar src)", scatter, "none"},
    {"scatter_add(Tensor self, int dim, Tensor index, Tensor src)", scatter, "add"},
    {"index_fill(Tensor self, int dim, Tensor index, any source)", indexWrite},
    {"index_copy(Tensor self, int dim, Tensor index, Tensor source)", indexWrite},
    {"index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1)", indexWrite, "add"},
    {"take(Tensor self, Tensor index)", take},
    {"masked_select(Tensor self, Tensor mask)", maskedSelect},
    {"one_hot(Tensor self, int num_classes=-1)", oneHot},
};
} // namespace

const OperatorTable<OperatorRow> kIndexOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
