// nn.arg_reduce and nn.topk: extrema by position.
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/integer_block.h"
#include "runtime/ops/reduce_ops.h"
#include "runtime/ops/reduce_order.h"
#include "runtime/ops/reduce_walk.h"

#include "runtime/math/float_math.h"

#include <algorithm>

namespace burin::rt {

namespace {
// Flipping the sign bit of a positive float, or all bits of a negative one, makes its bits ordered.
uint64_t floatKey(float value) {
  const uint32_t bits = math::bitsOf(value == 0.0f ? 0.0f : value);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
} // namespace

void loadOrderKeys(DType dtype, const void* data, int64_t offset, int64_t step, int64_t count,
                   bool descending, uint64_t nanKey, uint64_t* keys) {
  const uint64_t flip = descending ? ~uint64_t{0} : 0;
  if (dtype == DType::F32) {
    const float* x = static_cast<const float*>(data) + offset;
    for (int64_t i = 0; i < count; ++i) {
      const float value = x[i * step];
      keys[i] = value != value ? nanKey : floatKey(value) ^ flip;
    }
    return;
  }
  const uint64_t bias = dtype == DType::U64 ? 0 : uint64_t{1} << 63;
  for (int64_t done = 0; done < count; done += kIntegerBlock) {
    int64_t block[kIntegerBlock];
    const int64_t n = std::min(count - done, kIntegerBlock);
    loadIntegers(dtype, data, offset + done * step, step, n, block);
    for (int64_t i = 0; i < n; ++i) keys[done + i] = (static_cast<uint64_t>(block[i]) ^ bias) ^ flip;
  }
}

bool inferArgReduce(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error) || !checkChoice(signature, "fn", "max min", error)) return false;
  const Shape& x = signature.input(0)->shape;
  if (!checkAxis(signature, "axis", x.rank, error)) return false;
  const int64_t axis = signature.attrs.integer("axis");
  if (x[static_cast<int>(axis)] == 0)
    return reject(error, "axis " + std::to_string(axis) + " is empty and has no extremum");
  Shape shape;
  for (int i = 0; i < x.rank; ++i) {
    if (i != axis)
      shape.push(x[i]);
    else if (signature.attrs.integer("keep_dims") != 0)
      shape.push(1);
  }
  results = {{DType::I64, shape}};
  return true;
}

namespace {
class ArgReduce final : public Kernel {
public:
  ArgReduce(const Node& node, const bool* reducedAxis)
      : node_(node), descending_(node.attrs.text("fn") == "min"),
        last_(node.attrs.integer("select_last") != 0),
        walk_(node.in(0), node.out(), reducedAxis, node.attrs.integer("keep_dims") != 0) {}

  void run(Context& context) override {
    int64_t* y = node_.out().as<int64_t>();
    context.pool.parallelFor(walk_.kept.elements(), walk_.grain(), [&](int64_t begin, int64_t end, int) {
      walk_.kept.forEach(begin, end, [&](const int64_t* offset) { y[offset[1]] = find(offset[0]); });
    });
  }

private:
  // NaN is the extremum of either kind, as in numpy.
  int64_t find(int64_t fromX) const {
    uint64_t keys[kIntegerBlock], best = 0;
    int64_t place = 0;
    const int64_t count = walk_.reduced.elements();
    const int64_t stepX = walk_.reduced.rank() ? walk_.reduced.step(0) : 0;
    for (int64_t done = 0; done < count; done += kIntegerBlock) {
      const int64_t n = std::min(count - done, kIntegerBlock);
      loadOrderKeys(node_.in(0).dtype(), node_.in(0).data, fromX + done * stepX, stepX, n, descending_,
                    ~uint64_t{0}, keys);
      for (int64_t i = 0; i < n; ++i)
        if (keys[i] > best || (last_ && keys[i] == best)) {
          best = keys[i];
          place = done + i;
        }
    }
    return place;
  }

  const Node& node_;
  bool descending_, last_;
  ReduceWalk walk_;
};
} // namespace

std::unique_ptr<Kernel> makeArgReduce(const Node& node, const KernelConfig&, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  bool reduced[kMaxRank] = {};
  reduced[node.attrs.integer("axis")] = true;
  return std::make_unique<ArgReduce>(node, reduced);
}

bool inferTopK(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  if (!checkAxis(signature, "axis", x.shape.rank, error)) return false;
  const int axis = static_cast<int>(signature.attrs.integer("axis"));
  if (!checkInts(signature, "k", 1, 0, x.shape[axis], error)) return false;
  Shape shape = x.shape;
  shape[axis] = signature.attrs.integer("k");
  results = {{x.dtype, shape}, {DType::I64, shape}};
  return true;
}

namespace {
struct Candidate {
  uint64_t key;
  int64_t place;
};

class TopK final : public Kernel {
public:
  TopK(const Node& node, int threads)
      : node_(node), axis_(static_cast<int>(node.attrs.integer("axis"))), k_(node.attrs.integer("k")),
        length_(node.in(0).shape()[axis_]), largest_(node.attrs.integer("largest", 1) != 0),
        threads_(threads < 1 ? 1 : threads) {
    Shape kept = node.in(0).shape();
    kept[axis_] = 1;
    walk_ = StridedWalk<3>(kept, {node.in(0).stride, node.out(0).stride, node.out(1).stride});
  }
  size_t scratchBytes() const override {
    return static_cast<size_t>(threads_) * static_cast<size_t>(length_) *
           (sizeof(Candidate) + sizeof(uint64_t));
  }
  void run(Context& context) override {
    if (k_ == 0) return;
    Candidate* candidates = reinterpret_cast<Candidate*>(context.scratch);
    uint64_t* keys = reinterpret_cast<uint64_t*>(candidates + threads_ * length_);
    context.pool.parallelFor(walk_.elements(), 1, [&](int64_t begin, int64_t end, int thread) {
      walk_.forEach(begin, end, [&](const int64_t* offset) {
        select(offset, candidates + thread * length_, keys + thread * length_);
      });
    });
  }

private:
  // Sorted by element, equal ones by place: the candidates have a total order, so any algorithm gives one
  // result.
  void select(const int64_t* offset, Candidate* candidates, uint64_t* keys) const {
    const Tensor &x = node_.in(0), &y = node_.out(0), &index = node_.out(1);
    const int64_t stepX = x.stride[axis_], stepY = y.stride[axis_], stepIndex = index.stride[axis_];
    const uint64_t nanKey = largest_ ? 0 : ~uint64_t{0}; // NaN counts as the largest number
    loadOrderKeys(x.dtype(), x.data, offset[0], stepX, length_, largest_, nanKey, keys);
    for (int64_t i = 0; i < length_; ++i) candidates[i] = {keys[i], i};
    std::partial_sort(candidates, candidates + k_, candidates + length_,
                      [](const Candidate& a, const Candidate& b) {
                        return a.key != b.key ? a.key < b.key : a.place < b.place;
                      });
    dispatchBytes(dtypeBytes(x.dtype()), [&](auto zero) {
      using T = decltype(zero);
      for (int64_t i = 0; i < k_; ++i) {
        y.as<T>()[offset[1] + i * stepY] = x.as<const T>()[offset[0] + candidates[i].place * stepX];
        index.as<int64_t>()[offset[2] + i * stepIndex] = candidates[i].place;
      }
    });
  }

  const Node& node_;
  int axis_;
  int64_t k_, length_;
  bool largest_;
  int threads_;
  StridedWalk<3> walk_;
};
} // namespace

std::unique_ptr<Kernel> makeTopK(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  return std::make_unique<TopK>(node, config.threads);
}

} // namespace burin::rt
