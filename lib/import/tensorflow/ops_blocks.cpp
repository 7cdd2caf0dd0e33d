// Blocks of pixels moved to channels or batch, and back.
#include "lib/import/tensorflow/layout.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
// Channels count block row, block column, channel: what ONNX calls DCR.
void importDepthToSpace(RuleContext& c, Attributes& a) {
  if (a.text("data_format", "NHWC") == "NCHW_VECT_C")
    return c.unsupported("data_format NCHW_VECT_C is not supported");
  nn::AttrList list = c.attrs();
  list.i("block", a.integer("block_size"));
  if (c.type() == "DepthToSpace") list.s("mode", "dcr");
  c.set(0, leave(c, a, c.emit(a.variant(), {enter(c, a, c.in(0))}, list)));
}

// Block sizes and pairs (begin, end) of the axes behind the batch; input 1 and 2 of both operators.
struct Blocks {
  Ints sizes, pairs;
  int64_t product = 1;
};

std::optional<Blocks> readBlocks(RuleContext& c, const char* what) {
  auto sizes = c.constantInts(1, "block shape"), pairs = c.constantInts(2, what);
  if (!sizes || !pairs) return std::nullopt;
  Blocks blocks{*sizes, *pairs};
  if (sizes->empty() || sizes->size() > 3 ||
      static_cast<int64_t>(sizes->size()) >= RuleContext::rank(c.in(0)) ||
      RuleContext::rank(c.in(0)) + static_cast<int64_t>(sizes->size()) > rt::kMaxRank ||
      pairs->size() != 2 * sizes->size()) {
    c.unsupported(fmt::format("blocks over {} axes of {} are not supported", sizes->size(),
                              RuleContext::rank(c.in(0))));
    return std::nullopt;
  }
  for (int64_t size : *sizes) {
    blocks.product = size > 0 && size < 65536 && blocks.product < 65536 ? blocks.product * size : 0;
    if (blocks.product == 0) c.invalid(fmt::format("its block shape {} is not possible", dimsText(*sizes)));
  }
  for (int64_t pad : *pairs)
    if (pad < 0 || pad > 1 << 30) c.invalid(fmt::format("its {} hold {}", what, pad));
  return c.failed() ? std::nullopt : std::optional(blocks);
}

// Pads, then moves the place within each block to the front of the batch.
void importSpaceToBatch(RuleContext& c, Attributes&) {
  auto blocks = readBlocks(c, "paddings");
  if (!blocks) return;
  Value x = c.in(0);
  const size_t rank = RuleContext::dims(x).size(), n = blocks->sizes.size();
  Ints pads(2 * rank, 0);
  for (size_t i = 0; i < n; ++i) {
    pads[1 + i] = blocks->pairs[2 * i];
    pads[1 + i + rank] = blocks->pairs[2 * i + 1];
  }
  Value y = c.emit("pad", {x}, c.attrs().ints("pads", pads).s("mode", "constant"));
  Ints dims = RuleContext::dims(y), split, order, joined;
  if (!y) return;
  for (size_t i = 0; i < n; ++i)
    if (dims[1 + i] % blocks->sizes[i])
      return c.invalid(fmt::format("axis {} of {} is no multiple of its block of {}", 1 + i, dims[1 + i],
                                   blocks->sizes[i]));
  // [batch, h, bh, w, bw, rest] to [bh, bw, batch, h, w, rest]
  split.push_back(dims[0]);
  joined.push_back(dims[0] * blocks->product);
  for (size_t i = 0; i < n; ++i) {
    split.insert(split.end(), {dims[1 + i] / blocks->sizes[i], blocks->sizes[i]});
    joined.push_back(dims[1 + i] / blocks->sizes[i]);
    order.push_back(static_cast<int64_t>(2 + 2 * i));
  }
  order.push_back(0);
  for (size_t i = 0; i < n; ++i) order.push_back(static_cast<int64_t>(1 + 2 * i));
  for (size_t i = 1 + n; i < rank; ++i) {
    split.push_back(dims[i]);
    joined.push_back(dims[i]);
    order.push_back(static_cast<int64_t>(i + n));
  }
  y = c.reshape(c.transpose(c.reshape(y, split), order), joined);
  c.set(0, y);
  if (y) sessionOf(c).spaceToBatch[y.getAsOpaquePointer()] = {x, blocks->sizes, blocks->pairs};
}

// The operand of `v`'s op if that is an nn.<mnemonic> of that name.
Value behind(Value v, const char* mnemonic) {
  mlir::Operation* op = v ? v.getDefiningOp() : nullptr;
  return op && op->getName().stripDialect() == mnemonic ? op->getOperand(0) : Value();
}
Value behindAny(Value v, const char* mnemonic) {
  Value inner = behind(v, mnemonic);
  return inner ? inner : v;
}

// What older graphs write for a dilated convolution: pixels of a block in the batch, a convolution without
// padding, and back. A convolution in one dimension has a spatial axis of 1 added around it.
struct DilatedConv {
  nn::ConvOp conv;
  SpaceToBatch before;
};

std::optional<DilatedConv> matchDilated(RuleContext& c, const Blocks& blocks) {
  Value y = behind(behindAny(c.in(0), "reshape"), "transpose");
  auto conv = y ? y.getDefiningOp<nn::ConvOp>() : nn::ConvOp();
  if (!conv) return std::nullopt;
  Value x = behindAny(behind(conv.getX(), "transpose"), "reshape");
  // The convolution's input is the batch of blocks itself, or that with an axis added.
  auto& known = sessionOf(c).spaceToBatch;
  auto before = known.find(behind(conv.getX(), "transpose").getAsOpaquePointer());
  if (before == known.end()) before = known.find(x.getAsOpaquePointer());
  if (before == known.end() || before->second.sizes != blocks.sizes) return std::nullopt;
  auto ones = [](llvm::ArrayRef<int64_t> list) {
    return llvm::all_of(list, [](int64_t v) { return v == 1; });
  };
  bool plain = ones(conv.getStrides()) && ones(conv.getDilations()) &&
               llvm::all_of(conv.getPads(), [](int64_t p) { return p == 0; });
  const size_t n = blocks.sizes.size(), spatial = conv.getStrides().size();
  bool added = spatial == 2 && n == 1 && RuleContext::rank(before->second.x) == 3 &&
               RuleContext::dims(conv.getX())[2] == 1;
  if (!plain || (spatial != n && !added) || RuleContext::rank(c.in(0)) != RuleContext::rank(before->second.x))
    return std::nullopt;
  return DilatedConv{conv, before->second};
}

// The same as one convolution with dilations. Null where the crops take more than the pads gave.
Value emitDilated(RuleContext& c, const DilatedConv& found, const Blocks& blocks) {
  nn::ConvOp conv = found.conv;
  const size_t n = blocks.sizes.size(), spatial = conv.getStrides().size(), first = spatial - n;
  Ints dilations(spatial, 1), pads(2 * spatial, 0), dims = RuleContext::dims(found.before.x);
  for (size_t i = 0; i < n; ++i) {
    dilations[first + i] = blocks.sizes[i];
    pads[first + i] = found.before.pairs[2 * i] - blocks.pairs[2 * i];
    pads[first + i + spatial] = found.before.pairs[2 * i + 1] - blocks.pairs[2 * i + 1];
  }
  if (std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p < 0; })) return {};
  Value x = found.before.x;
  if (first) x = c.unsqueeze(x, 1);
  Value y = c.emit("conv", {channelsFirst(c, x), conv.getW(), conv.getBias()},
                   c.attrs()
                       .ints("strides", Ints(spatial, 1))
                       .ints("dilations", dilations)
                       .ints("pads", pads)
                       .i("groups", static_cast<int64_t>(conv.getGroups())));
  y = channelsLast(c, y);
  return first ? c.squeeze(y, 1) : y;
}

void importBatchToSpace(RuleContext& c, Attributes&) {
  auto blocks = readBlocks(c, "crops");
  if (!blocks) return;
  if (auto dilated = matchDilated(c, *blocks))
    if (Value y = emitDilated(c, *dilated, *blocks)) return c.set(0, y);
  Ints dims = RuleContext::dims(c.in(0)), split = blocks->sizes, order, joined;
  const size_t rank = dims.size(), n = blocks->sizes.size();
  if (dims[0] % blocks->product)
    return c.invalid(
        fmt::format("its batch of {} is no multiple of its block of {}", dims[0], blocks->product));
  // [bh, bw, batch, h, w, rest] to [batch, h, bh, w, bw, rest]
  split.push_back(dims[0] / blocks->product);
  split.insert(split.end(), dims.begin() + 1, dims.end());
  joined.push_back(split[n]);
  order.push_back(static_cast<int64_t>(n));
  for (size_t i = 0; i < n; ++i) {
    order.insert(order.end(), {static_cast<int64_t>(n + 1 + i), static_cast<int64_t>(i)});
    joined.push_back(dims[1 + i] * blocks->sizes[i]);
  }
  for (size_t i = 1 + n; i < rank; ++i) {
    order.push_back(static_cast<int64_t>(n + i));
    joined.push_back(dims[i]);
  }
  Value y = c.reshape(c.transpose(c.reshape(c.in(0), split), order), joined);
  for (size_t i = 0; i < n; ++i) {
    int64_t size = joined[1 + i] - blocks->pairs[2 * i] - blocks->pairs[2 * i + 1];
    if (size < 0) return c.invalid(fmt::format("its crops leave nothing of axis {}", 1 + i));
    if (size != joined[1 + i]) y = c.slice(y, static_cast<int64_t>(1 + i), blocks->pairs[2 * i], size);
  }
  c.set(0, y);
}

const OperatorRow kRows[] = {
    {"DepthToSpace", importDepthToSpace, 1, 1, "depth_to_space", "model"},
    {"SpaceToDepth", importDepthToSpace, 1, 1, "space_to_depth"},
    {"SpaceToBatchND", importSpaceToBatch, 3, 3},
    {"BatchToSpaceND", importBatchToSpace, 3, 3},
};
} // namespace

const OperatorTable<OperatorRow> kBlockOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
