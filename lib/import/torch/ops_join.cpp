// Tensors put together, repeated, padded and rearranged; casts and copies.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::torch {

namespace {
using rt::DType;

// The tensors of a list in their common type. Empty ones of one dimension count for nothing, as in PyTorch.
std::vector<Value> alike(Call& c, const char* name) {
  const List* list = pointer<List>(c.data(name));
  const DType type = commonType(c, list ? list->items : std::vector<Data>());
  std::vector<Value> values;
  for (Value v : c.tensors(name))
    if (v && Call::dims(v) != Ints{0}) values.push_back(c.cast(v, type));
  if (values.empty()) c.invalid("it puts no tensors together");
  return values;
}

void concatenate(Call& c) {
  std::vector<Value> parts = alike(c, "tensors");
  if (c.failed()) return;
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(parts[0]));
  if (!c.failed()) c.give(parts.size() == 1 ? c.unary("identity", parts[0]) : c.concat(parts, axis));
}

void stack(Call& c) {
  std::vector<Value> parts = alike(c, "tensors");
  if (c.failed()) return;
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(parts[0]) + 1);
  for (Value& part : parts) part = c.unsqueeze(part, axis);
  if (!c.failed()) c.give(parts.size() == 1 ? parts[0] : c.concat(parts, axis));
}

// Side by side, on top of each other, or behind each other; tensors of too few dimensions get more before.
void stackAlong(Call& c) {
  const std::string_view kind = c.variant();
  std::vector<Value> parts = alike(c, "tensors");
  for (Value& x : parts) {
    const Ints dims = Call::dims(x);
    if (kind == "columns" && dims.size() < 2) x = c.reshape(x, {Call::shape(x).elements(), 1});
    if (kind == "h" && dims.empty()) x = c.reshape(x, {1});
    if (kind == "v" && dims.size() < 2) x = c.reshape(x, {1, Call::shape(x).elements()});
    if (kind == "d" && dims.size() < 2) x = c.reshape(x, {1, Call::shape(x).elements(), 1});
    if (kind == "d" && dims.size() == 2) x = c.reshape(x, {dims[0], dims[1], 1});
  }
  if (c.failed()) return;
  const int64_t axis = kind == "v" ? 0 : kind == "d" ? 2 : kind == "h" && Call::rank(parts[0]) == 1 ? 0 : 1;
  c.give(parts.size() == 1 ? c.unary("identity", parts[0]) : c.concat(parts, axis));
}

// Each element less the one before it, n times.
void differences(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  for (int64_t i = 0; i < c.integer("n") && !c.failed(); ++i) {
    const int64_t count = Call::dims(x)[static_cast<size_t>(axis)];
    if (count < 2) return c.invalid("nothing is left to take differences of");
    x = c.sub(c.slice(x, axis, 1, count - 1), c.slice(x, axis, 0, count - 1));
  }
  c.give(x);
}

// -1 keeps a dimension; new ones come in front.
Ints expandedShape(Call& c, const Ints& dims, Ints shape) {
  if (shape.size() < dims.size()) {
    c.invalid(fmt::format("a tensor of {} cannot be expanded to {}", dimsText(dims), dimsText(shape)));
    return dims;
  }
  const size_t added = shape.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i)
    if (shape[added + i] == -1) shape[added + i] = dims[i];
  return shape;
}
void expand(Call& c) {
  Value x = c.tensor("self");
  if (!x) return;
  const Ints shape = c.isTensor("size") ? Call::dims(c.tensor("size")) : c.integers("size");
  Value y = c.expand(x, expandedShape(c, Call::dims(x), shape));
  if (y == x) return c.giveSame("self");
  c.give(y);
}
void broadcastTensors(Call& c) {
  std::vector<Value> values = c.tensors("tensors");
  Ints shape;
  for (Value v : values) { // right-aligned
    Ints dims = Call::dims(v);
    if (dims.size() > shape.size()) shape.insert(shape.begin(), dims.size() - shape.size(), 1);
    for (size_t i = 0; i < dims.size(); ++i) {
      int64_t& to = shape[shape.size() - dims.size() + i];
      to = to == 1 ? dims[i] : to;
    }
  }
  for (Value& v : values) v = c.expand(v, shape);
  c.giveList(values);
}

void repeat(Call& c) {
  Value x = c.tensor("self");
  Ints times = c.integers("repeats"), dims = Call::dims(x);
  if (isVariant(c, "tile") && times.size() < dims.size())
    times.insert(times.begin(), dims.size() - times.size(), 1);
  if (times.size() < dims.size()) return c.invalid("it names fewer repetitions than dimensions");
  dims.insert(dims.begin(), times.size() - dims.size(), 1);
  c.give(c.emit("tile", {c.reshape(x, dims)}, c.attrs().ints("repeats", times)));
}

// Each element `repeats` times in a row.
void repeatInterleave(Call& c) {
  Value x = c.tensor("self");
  if (!c.given("dim")) x = c.reshape(x, {Call::shape(x).elements()});
  const int64_t axis = c.axis(c.integer("dim", 0), Call::rank(x)), times = c.integer("repeats");
  if (c.failed() || times < 1) return c.invalid("it repeats less than once");
  Ints dims = Call::dims(x), wide = dims;
  wide.insert(wide.begin() + axis + 1, times);
  dims[static_cast<size_t>(axis)] *= times;
  c.give(c.reshape(c.expand(c.unsqueeze(x, axis + 1), wide), dims));
}

//===-- padding
//-------------------------------------------------------------------------------------------------===//

// Pads are listed from the last dimension on: begin, end, begin, end, ...
void padBy(Call& c, const std::string& mode, double value) {
  Value x = c.tensor("self");
  const Ints given = c.integers("pad");
  const auto rank = static_cast<size_t>(Call::rank(x));
  if (given.size() % 2 || given.size() / 2 > rank) return c.invalid("its padding does not fit its input");
  Ints pads(2 * rank, 0);
  for (size_t i = 0; i < given.size() / 2; ++i) {
    pads[rank - 1 - i] = given[2 * i];
    pads[2 * rank - 1 - i] = given[2 * i + 1];
  }
  const char* name = mode == "replicate" ? "edge" : mode == "circular" ? "wrap" : mode.c_str();
  nn::AttrList list = c.attrs().ints("pads", pads).s("mode", name);
  if (mode == "constant") list.f("value", static_cast<float>(value));
  c.give(c.emit("pad", {x}, list));
}
void pad(Call& c) { padBy(c, c.string("mode"), c.given("value") ? c.real("value") : 0); }
void constantPad(Call& c) { padBy(c, "constant", c.real("value")); }
void modePad(Call& c) { padBy(c, c.variant(), 0); }

//===-- rearranging
//-----------------------------------------------------------------------------------------------===//

// With leading dimensions folded into one, which the operators on blocks need.
Value onImages(Call& c, Value x, const std::function<Value(Value)>& apply) {
  const Ints dims = Call::dims(x);
  if (dims.size() < 3) {
    c.invalid("its input has too few dimensions");
    return {};
  }
  const size_t lead = dims.size() - 3;
  Ints images = {product(Ints(dims.begin(), dims.begin() + static_cast<ptrdiff_t>(lead)))};
  images.insert(images.end(), dims.begin() + static_cast<ptrdiff_t>(lead), dims.end());
  Value y = apply(c.reshape(x, images));
  if (!y) return {};
  Ints shape(dims.begin(), dims.begin() + static_cast<ptrdiff_t>(lead)), out = Call::dims(y);
  shape.insert(shape.end(), out.begin() + 1, out.end());
  return c.reshape(y, shape);
}
void pixelShuffle(Call& c) {
  c.give(onImages(c, c.tensor("self"), [&](Value x) {
    return c.emit("depth_to_space", {x}, c.attrs().i("block", c.integer("factor")).s("mode", "crd"));
  }));
}
void pixelUnshuffle(Call& c) {
  c.give(onImages(c, c.tensor("self"), [&](Value x) -> Value {
    const int64_t block = c.integer("factor");
    const Ints d = Call::dims(x);
    if (block < 1 || block > 1 << 15 || d[2] % block || d[3] % block) {
      c.invalid("its input does not divide into blocks");
      return {};
    }
    Value split = c.reshape(x, {d[0], d[1], d[2] / block, block, d[3] / block, block});
    return c.reshape(c.transpose(split, {0, 1, 3, 5, 2, 4}),
                     {d[0], d[1] * block * block, d[2] / block, d[3] / block});
  }));
}
void channelShuffle(Call& c) {
  Value x = c.tensor("self");
  Ints dims = Call::dims(x), split = dims;
  const int64_t groups = c.integer("groups");
  if (dims.size() < 2 || groups < 1 || dims[1] % groups)
    return c.invalid("its channels do not form these groups");
  split[1] = groups;
  split.insert(split.begin() + 2, dims[1] / groups);
  Ints perm = allAxes(static_cast<int64_t>(split.size()));
  std::swap(perm[1], perm[2]);
  c.give(c.reshape(c.transpose(c.reshape(x, split), perm), dims));
}

void flip(Call& c) { // fliplr and flipud name their axis
  Value x = c.tensor("self");
  const std::string_view named = c.variant();
  for (int64_t axis : c.axes(named.empty() ? c.integers("dims") : Ints{named[0] - '0'}, Call::rank(x))) {
    const int64_t n = c.failed() ? 0 : Call::dims(x)[static_cast<size_t>(axis)];
    if (n > 1) x = c.slice(x, axis, n - 1, n, -1);
  }
  c.give(x);
}
void roll(Call& c) {
  Value x = c.tensor("self");
  Ints shifts = c.integers("shifts"), axes = c.integers("dims");
  const Ints dims = Call::dims(x);
  const bool flat = axes.empty();
  if (flat) x = c.reshape(x, {Call::shape(x).elements()}), axes = {0};
  if (shifts.size() != axes.size()) return c.invalid("its shifts and dims have different lengths");
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = c.axis(axes[i], Call::rank(x));
    if (c.failed()) return;
    const int64_t n = Call::dims(x)[static_cast<size_t>(axis)];
    const int64_t shift = n ? ((shifts[i] % n) + n) % n : 0;
    if (shift) x = c.concat({c.slice(x, axis, n - shift, shift), c.slice(x, axis, 0, n - shift)}, axis);
  }
  c.give(c.reshape(x, dims));
}

//===-- casts and copies
//----------------------------------------------------------------------------------------===//

// Devices and memory formats do not matter here.
void toType(Call& c) {
  Value x = c.tensor("self");
  auto type = c.type("dtype");
  if (c.failed()) return;
  if (!type || *type == Call::dtype(x)) return c.giveSame("self");
  c.give(c.cast(x, *type));
}
void typeAs(Call& c) {
  const DType type = Call::dtype(c.tensor("other"));
  if (type == Call::dtype(c.tensor("self"))) return c.giveSame("self");
  c.give(c.cast(c.tensor("self"), type));
}
void same(Call& c) { c.giveSame("self"); }
// A variable of its own.
void clone(Call& c) {
  Tensor* from = c.variable("self");
  Value value = c.tensor("self");
  Tensor* copy = c.heap().tensor(value);
  copy->quantization = from->quantization;
  c.give(Data(copy));
}
// The other tensor in the shape of the first; written over it as copy_.
void copy(Call& c) {
  Value to = c.tensor("self"), from = c.operand("src");
  c.give(c.expand(c.cast(from, Call::dtype(to)), Call::dims(to)));
}

const OperatorRow kRows[] = {
    {"cat(Tensor[] tensors, int dim=0)", concatenate},
    {"concat(Tensor[] tensors, int dim=0)", concatenate},
    {"concatenate(Tensor[] tensors, int dim=0)", concatenate},
    {"stack(Tensor[] tensors, int dim=0)", stack},
    {"hstack(Tensor[] tensors)", stackAlong, "h"},
    {"vstack(Tensor[] tensors)", stackAlong, "v"},
    {"row_stack(Tensor[] tensors)", stackAlong, "v"},
    {"dstack(Tensor[] tensors)", stackAlong, "d"},
    {"column_stack(Tensor[] tensors)", stackAlong, "columns"},
    {"diff(Tensor self, int n=1, int dim=-1, any prepend=None, any append=None)", differences},
    {"expand(Tensor self, int[] size, *, bool implicit=False)", expand},
    {"expand_as(Tensor self, Tensor size)", expand},
    {"broadcast_to(Tensor self, int[] size)", expand},
    {"broadcast_tensors(Tensor[] tensors) -> Tensor[]", broadcastTensors},
    {"repeat(Tensor self, int[] repeats)", repeat},
    {"tile(Tensor self, int[] repeats)", repeat, "tile"},
    {"repeat_interleave(Tensor self, int repeats, int? dim=None, *, int? output_size=None)",
     repeatInterleave},
    {"pad(Tensor self, int[] pad, str mode=constant, float? value=None)", pad},
    {"constant_pad_nd(Tensor self, int[] pad, Scalar value=0)", constantPad},
    {"reflection_pad1d(Tensor self, int[2] pad)", modePad, "reflect"},
    {"reflection_pad2d(Tensor self, int[4] pad)", modePad, "reflect"},
    {"reflection_pad3d(Tensor self, int[6] pad)", modePad, "reflect"},
    {"replication_pad1d(Tensor self, int[2] pad)", modePad, "edge"},
    {"replication_pad2d(Tensor self, int[4] pad)", modePad, "edge"},
    {"replication_pad3d(Tensor self, int[6] pad)", modePad, "edge"},
    {"pixel_shuffle(Tensor self, int factor)", pixelShuffle},
    {"pixel_unshuffle(Tensor self, int factor)", pixelUnshuffle},
    {"channel_shuffle(Tensor self, int groups)", channelShuffle},
    {"flip(Tensor self, int[] dims)", flip},
    {"fliplr(Tensor self)", flip, "1"},
    {"flipud(Tensor self)", flip, "0"},
    {"roll(Tensor self, int[1] shifts, int[1] dims=[])", roll},
    {"to(Tensor self, int dtype, bool non_blocking=False, bool copy=False, any memory_format=None)", toType},
    {"to(Tensor self, *, int? dtype=None, any layout=None, any device=None, any pin_memory=None, "
     "bool non_blocking=False, bool copy=False, any memory_format=None)",
     toType},
    {"to(Tensor self, str device, int? dtype=None, bool non_blocking=False, bool copy=False, any "
     "memory_format=None)",
     toType},
    {"to(Tensor self, Tensor other, bool non_blocking=False, bool copy=False, any memory_format=None)",
     typeAs},
    {"_to_copy(Tensor self, *, int? dtype=None, any layout=None, any device=None, any pin_memory=None, "
     "bool non_blocking=False, any memory_format=None)",
     toType},
    {"type_as(Tensor self, Tensor other)", typeAs},
    {"contiguous(Tensor self, *, any memory_format=None)", same},
    {"contiguous(Tensor self, any memory_format)", same},
    {"detach(Tensor self)", same},
    {"cpu(Tensor self)", same},
    {"cuda(Tensor self)", same},
    {"prim::data(Tensor self)", same},
    {"requires_grad_(Tensor self, bool requires_grad=True)", same},
    {"alias(Tensor self)", same},
    {"clone(Tensor self, *, any memory_format=None)", clone},
    {"copy(Tensor self, Tensor src, bool non_blocking=False)", copy},
};
} // namespace

const OperatorTable<OperatorRow> kJoinOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
