// Reshape with its codes, transpose, concat, pad, tile and their kin.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::mxnet {

namespace {
// One run through a shape with codes: 0 copies a dimension, -1 takes what is left, -2 copies all that remain,
// -3 joins two, -4 splits one into the next two, of which one may be -1.
class ShapeCodes {
public:
  ShapeCodes(const Ints& dims, const Ints& codes) : dims_(dims), codes_(codes) {}

  std::optional<Ints> run() {
    while (at_ < codes_.size())
      if (!step(codes_[at_++])) return std::nullopt;
    if (open_ < 0) return shape_;
    int64_t known = 1;
    for (int64_t d : shape_)
      if (d >= 0) known *= d;
    shape_[static_cast<size_t>(open_)] = known > 0 ? product(dims_) / known : 0;
    return shape_;
  }

private:
  bool step(int64_t code) {
    if (shape_.size() > static_cast<size_t>(rt::kMaxRank)) return false;
    if (code > 0) return push(code);
    if (code == -1) return push(-1);
    if (code == 0) return next_ < dims_.size() && push(dims_[next_]);
    if (code == -2) {
      while (next_ < dims_.size()) push(dims_[next_]);
      return true;
    }
    if (code == -3) return next_ + 1 < dims_.size() && join();
    return code == -4 && next_ < dims_.size() && at_ + 1 < codes_.size() && split();
  }
  bool push(int64_t size) {
    if (size > int64_t(1) << 31 || (size == -1 && open_ >= 0)) return false;
    if (size == -1) open_ = static_cast<int64_t>(shape_.size());
    shape_.push_back(size);
    ++next_;
    return true;
  }
  bool join() {
    shape_.push_back(dims_[next_] * dims_[next_ + 1]);
    next_ += 2;
    return true;
  }
  bool split() {
    int64_t a = codes_[at_], b = codes_[at_ + 1], whole = dims_[next_++];
    at_ += 2;
    if (a == -1 && b > 0) a = whole / b;
    if (b == -1 && a > 0) b = whole / a;
    if (a < 0 || b < 0 || a > (int64_t(1) << 31) || b > (int64_t(1) << 31) || a * b != whole) return false;
    shape_.insert(shape_.end(), {a, b});
    return true;
  }

  const Ints &dims_, &codes_;
  Ints shape_;
  size_t at_ = 0, next_ = 0; // in the codes, in the input's dimensions
  int64_t open_ = -1;
};

// reverse reads dimensions and codes from the end; the sizes of a split come behind its code there too.
Ints reversedCodes(const Ints& codes) {
  Ints result;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] != -4 || i + 2 >= codes.size()) {
      result.insert(result.begin(), codes[i]);
      continue;
    }
    result.insert(result.begin(), {-4, codes[i + 2], codes[i + 1]});
    i += 2;
  }
  return result;
}

void importReshape(Node& n) {
  Ints dims = RuleContext::dims(n.x()), codes = n.ints("shape");
  if (codes.empty()) { // before 0.9: 0 takes what is left, unless keep_highest says that it stays
    codes = n.ints("target_shape");
    for (size_t i = 0; i < codes.size(); ++i)
      if (codes[i] == 0 && !(i == 0 && n.flag("keep_highest"))) codes[i] = -1;
  }
  bool reverse = n.flag("reverse");
  if (reverse) {
    std::reverse(dims.begin(), dims.end());
    codes = reversedCodes(codes);
  }
  auto shape = ShapeCodes(dims, codes).run();
  if (!shape) return n->invalid(fmt::format("its shape {} does not fit its input", n.text("shape")));
  if (reverse) std::reverse(shape->begin(), shape->end());
  n->set(0, n->reshape(n.x(), *shape));
}

void importReshapeLike(Node& n) {
  if (n.has("lhs_begin") || n.has("rhs_begin") || n.has("lhs_end") || n.has("rhs_end"))
    return n->unsupported("reshaping a part of the axes is not supported");
  n->set(0, n->reshape(n.x(), RuleContext::dims(n->in(1))));
}

void importFlatten(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  if (dims.empty()) return n->invalid("its input is a scalar");
  n->set(0, n->reshape(n.x(), {dims[0], product(dims, 1)}));
}

void importTranspose(Node& n) {
  Ints axes = n.ints("axes");
  for (int64_t& axis : axes) axis = n->axis(axis, RuleContext::rank(n.x()));
  if (axes.empty()) {
    axes = allAxes(RuleContext::rank(n.x()));
    std::reverse(axes.begin(), axes.end());
  }
  n->set(0, n->transpose(n.x(), axes));
}

void importSwapAxis(Node& n) {
  int64_t rank = RuleContext::rank(n.x());
  Ints perm = allAxes(rank);
  int64_t a = n->axis(n.integer("dim1"), rank), b = n->axis(n.integer("dim2"), rank);
  if (n->failed() || perm.empty()) return n->invalid("its input is a scalar");
  std::swap(perm[static_cast<size_t>(a)], perm[static_cast<size_t>(b)]);
  n->set(0, n->transpose(n.x(), perm));
}

void importExpandDims(Node& n) {
  n->set(0, n->unsqueeze(n.x(), n->axis(n.integer("axis"), RuleContext::rank(n.x()) + 1)));
}

void importSqueeze(Node& n) {
  Ints dims = RuleContext::dims(n.x()), shape;
  Ints axes = n->axes(n.ints("axis"), static_cast<int64_t>(dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    bool named = axes.empty() || std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    if (!named || dims[i] != 1) shape.push_back(dims[i]);
  }
  n->set(0, n->reshape(n.x(), shape.empty() ? Ints{1} : shape));
}

std::vector<Value> operands(Node& n) {
  std::vector<Value> xs;
  for (int i = 0; i < n->inputCount(); ++i) xs.push_back(n->in(i));
  return xs;
}

void importConcat(Node& n) {
  n->set(0, n->concat(operands(n), n->axis(n.integer("dim", 1), RuleContext::rank(n.x()))));
}

void importStack(Node& n) {
  int64_t axis = n->axis(n.integer("axis"), RuleContext::rank(n.x()) + 1);
  std::vector<Value> xs = operands(n);
  for (Value& x : xs) x = n->unsqueeze(x, axis);
  n->set(0, n->concat(xs, axis));
}

// Begin and end of every axis in turn.
void importPad(Node& n) {
  Ints widths = n.ints("pad_width");
  size_t rank = static_cast<size_t>(RuleContext::rank(n.x()));
  if (widths.size() != 2 * rank)
    return n->invalid(fmt::format("its pad_width has {} entries", widths.size()));
  Ints pads(2 * rank);
  for (size_t i = 0; i < rank; ++i) pads[i] = widths[2 * i], pads[i + rank] = widths[2 * i + 1];
  std::string mode = n.text("mode", "constant");
  nn::AttrList list = n->attrs();
  list.ints("pads", pads).s("mode", mode);
  if (mode == "constant") list.f("value", n.real("constant_value"));
  n->set(0, n->emit("pad", {n.x()}, list));
}

void importTile(Node& n) {
  Ints repeats = n.ints("reps"), dims = RuleContext::dims(n.x());
  while (dims.size() < repeats.size()) dims.insert(dims.begin(), 1);
  while (repeats.size() < dims.size()) repeats.insert(repeats.begin(), 1);
  n->set(0, n->emit("tile", {n->reshape(n.x(), dims)}, n->attrs().ints("repeats", repeats)));
}

// Each entry several times in a row; without an axis, of the flattened input.
void importRepeat(Node& n) {
  Value x = n.x();
  auto given = n.optionalInt("axis");
  int64_t repeats = n.integer("repeats", 1);
  if (!given) x = n->reshape(x, {product(RuleContext::dims(x))});
  int64_t axis = n->axis(given.value_or(0), RuleContext::rank(x));
  Ints dims = RuleContext::dims(x);
  if (n->failed() || dims.empty() || repeats < 1 || repeats > int64_t(1) << 24)
    return n->invalid(fmt::format("it repeats {} times", repeats));
  Ints wide = dims;
  wide.insert(wide.begin() + axis + 1, repeats);
  dims[static_cast<size_t>(axis)] *= repeats;
  n->set(0, n->reshape(n->expand(n->unsqueeze(x, axis + 1), wide), dims));
}

void importBroadcastTo(Node& n) {
  Ints dims = RuleContext::dims(n.x()), shape = n.ints("shape");
  if (shape.size() != dims.size())
    return n->invalid("its shape has another number of dimensions than its input");
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == 0) shape[i] = dims[i];
  n->set(0, n->expand(n.x(), shape));
}

void importBroadcastLike(Node& n) {
  Ints shape = RuleContext::dims(n.x()), like = RuleContext::dims(n->in(1));
  Ints mine = n.ints("lhs_axes"), theirs = n.ints("rhs_axes");
  if (mine.empty()) return n->set(0, n->expand(n.x(), like));
  if (mine.size() != theirs.size()) return n->invalid("its lhs_axes and rhs_axes have different lengths");
  for (size_t i = 0; i < mine.size(); ++i) {
    int64_t to = n->axis(mine[i], static_cast<int64_t>(shape.size())),
            from = n->axis(theirs[i], static_cast<int64_t>(like.size()));
    if (n->failed()) return;
    shape[static_cast<size_t>(to)] = like[static_cast<size_t>(from)];
  }
  n->set(0, n->expand(n.x(), shape));
}

void importBroadcastAxis(Node& n) {
  Ints shape = RuleContext::dims(n.x()), axes = n.ints("axis"), sizes = n.ints("size");
  if (axes.size() != sizes.size()) return n->invalid("its axis and size have different lengths");
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t axis = n->axis(axes[i], static_cast<int64_t>(shape.size()));
    if (n->failed()) return;
    shape[static_cast<size_t>(axis)] = sizes[i];
  }
  n->set(0, n->expand(n.x(), shape));
}

void importFlip(Node& n) {
  Ints dims = RuleContext::dims(n.x()), starts(dims.size(), 0), steps(dims.size(), 1);
  Ints axes = n->axes(n.ints("axis"), static_cast<int64_t>(dims.size()));
  if (n->failed()) return;
  for (int64_t axis : axes) {
    size_t at = static_cast<size_t>(axis);
    starts[at] = std::max<int64_t>(dims[at] - 1, 0), steps[at] = -1;
  }
  n->set(0, n->emit("slice", {n.x()},
                    n->attrs().ints("starts", starts).ints("sizes", dims).ints("steps", steps)));
}

void importDepthToSpace(Node& n) {
  n->set(0, n->emit("depth_to_space", {n.x()},
                    n->attrs().i("block", n.integer("block_size", 1)).s("mode", "dcr")));
}
void importSpaceToDepth(Node& n) {
  n->set(0, n->emit("space_to_depth", {n.x()}, n->attrs().i("block", n.integer("block_size", 1))));
}

const OperatorRow kRows[] = {
    {"Reshape", importReshape, "", "model"},
    {"reshape", importReshape},
    {"reshape_like", importReshapeLike},
    {"Flatten", importFlatten},
    {"flatten", importFlatten},
    {"transpose", importTranspose},
    {"SwapAxis", importSwapAxis},
    {"swapaxes", importSwapAxis},
    {"expand_dims", importExpandDims},
    {"squeeze", importSqueeze},
    {"Concat", importConcat, "", "model"},
    {"concat", importConcat},
    {"_rnn_param_concat", importConcat},
    {"stack", importStack},
    {"Pad", importPad},
    {"pad", importPad},
    {"tile", importTile},
    {"repeat", importRepeat},
    {"broadcast_to", importBroadcastTo},
    {"broadcast_like", importBroadcastLike},
    {"broadcast_axis", importBroadcastAxis},
    {"broadcast_axes", importBroadcastAxis},
    {"flip", importFlip},
    {"reverse", importFlip},
    {"depth_to_space", importDepthToSpace},
    {"space_to_depth", importSpaceToDepth},
};
} // namespace

const OperatorTable<OperatorRow> kMovementOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet
