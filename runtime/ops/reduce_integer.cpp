// nn.reduce of integers: exact modulo 2^64, wrapped to the element type when stored; the mean truncates.
#include "runtime/ops/integer_block.h"
#include "runtime/ops/reduce_ops.h"
#include "runtime/ops/reduce_walk.h"

namespace burin::rt {

namespace {
// floor(sqrt(value)), bit by bit.
uint64_t integerSquareRoot(uint64_t value) {
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 31; bit; bit >>= 1) {
    const uint64_t trial = root | bit;
    if (trial * trial <= value) root = trial;
  }
  return root;
}

class IntegerReduce final : public Kernel {
public:
  IntegerReduce(const Node& node, ReduceFn fn, const bool* reducedAxis)
      : node_(node), fn_(fn), dtype_(node.in(0).dtype()), unsignedWide_(dtype_ == DType::U64),
        walk_(node.in(0), node.out(), reducedAxis, node.attrs.integer("keep_dims") != 0) {}

  void run(Context& context) override {
    context.pool.parallelFor(walk_.kept.elements(), walk_.grain(), [&](int64_t begin, int64_t end, int) {
      walk_.kept.forEach(begin, end, [&](const int64_t* offset) {
        const int64_t value = reduceOne(offset[0]);
        storeIntegers(dtype_, &value, 1, node_.out().data, offset[1], 1);
      });
    });
  }

private:
  bool below(int64_t a, int64_t b) const {
    return unsignedWide_ ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
  }
  int64_t smallest() const {
    switch (dtype_) {
    case DType::I8:
      return INT8_MIN;
    case DType::I16:
      return INT16_MIN;
    case DType::I32:
      return INT32_MIN;
    case DType::I64:
      return INT64_MIN;
    default:
      return 0;
    }
  }
  int64_t largest() const {
    if (dtype_ == DType::Bool) return 1;
    const int bits = static_cast<int>(dtypeBytes(dtype_)) * 8 - (smallest() < 0 ? 1 : 0);
    return static_cast<int64_t>(~uint64_t{0} >> (64 - bits));
  }
  int64_t identity() const {
    switch (fn_) {
    case ReduceFn::Max:
      return smallest();
    case ReduceFn::Min:
      return largest();
    case ReduceFn::Prod:
      return 1;
    default:
      return 0;
    }
  }
  int64_t step(int64_t acc, int64_t x) const {
    switch (fn_) {
    case ReduceFn::Max:
      return below(acc, x) ? x : acc;
    case ReduceFn::Min:
      return below(x, acc) ? x : acc;
    case ReduceFn::Prod:
      return wrapMul(acc, x);
    case ReduceFn::L1:
      return wrapAdd(acc, below(x, 0) ? wrapSub(0, x) : x);
    case ReduceFn::L2:
    case ReduceFn::SumSquare:
      return wrapAdd(acc, wrapMul(x, x));
    default:
      return wrapAdd(acc, x);
    }
  }
  int64_t finish(int64_t acc) const {
    if (fn_ == ReduceFn::L2) return static_cast<int64_t>(integerSquareRoot(static_cast<uint64_t>(acc)));
    if (fn_ != ReduceFn::Mean) return acc;
    const int64_t count = walk_.reduced.elements();
    if (count == 0) return 0;
    return unsignedWide_ ? static_cast<int64_t>(static_cast<uint64_t>(acc) / static_cast<uint64_t>(count))
                         : acc / count;
  }
  int64_t reduceOne(int64_t fromX) const {
    int64_t acc = identity(), block[kIntegerBlock];
    const int64_t stepX = walk_.reduced.step(0);
    walk_.reduced.forRuns(0, walk_.reduced.elements(), [&](const int64_t* offset, int64_t count) {
      for (int64_t done = 0; done < count; done += kIntegerBlock) {
        const int64_t n = count - done < kIntegerBlock ? count - done : kIntegerBlock;
        loadIntegers(dtype_, node_.in(0).data, fromX + offset[0] + done * stepX, stepX, n, block);
        for (int64_t i = 0; i < n; ++i) acc = step(acc, block[i]);
      }
    });
    return finish(acc);
  }

  const Node& node_;
  ReduceFn fn_;
  DType dtype_;
  bool unsignedWide_;
  ReduceWalk walk_;
};
} // namespace

std::unique_ptr<Kernel> makeIntegerReduce(const Node& node, ReduceFn fn) {
  bool reduced[kMaxRank] = {};
  for (int64_t axis : node.attrs.ints("axes")) reduced[axis] = true;
  return std::make_unique<IntegerReduce>(node, fn, reduced);
}

} // namespace burin::rt
