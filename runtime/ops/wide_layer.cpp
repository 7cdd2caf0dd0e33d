#include "runtime/ops/wide_layer.h"

#include "runtime/ops/conv_arithmetic.h"
#include "runtime/ops/conv_output.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/iterate.h"

#include <algorithm>

namespace burin::rt {

namespace {
// The elements between a tensor's first and last one; tensors of the same strides have the same places.
int64_t spanOf(const Tensor& t) {
  int64_t last = 0;
  for (int axis = 0; axis < t.shape().rank; ++axis) last += (t.shape()[axis] - 1) * t.stride[axis];
  return t.shape().elements() == 0 ? 0 : last + 1;
}

// The op on operands whose sums fit 32 bits, its results the bare sums.
struct Narrow {
  int32_t factor = 1;
  Tensor x, sums;
  Node node;
  std::unique_ptr<Kernel> kernel;
};

class WideLayer final : public Kernel {
public:
  WideLayer(const Node& node, int axis) : node_(node), axis_(axis) {}

  bool prepare(int64_t terms, const KernelConfig& config, KernelFactory narrow) {
    constexpr int64_t kLargestByte = 255, kLargestWord = 32768;
    const int64_t channels = node_.out().shape()[axis_];
    std::string unused;
    if (!output_.prepare(node_, channels, unused)) return false;
    for (int64_t c = 0; c < channels; ++c) bias_.push_back(integerBias(node_.input(2), c));
    if (terms * kLargestWord * kLargestByte <= INT32_MAX)
      add(1, DType::I16);
    else if (terms * kLargestByte * kLargestByte <= INT32_MAX)
      add(256, DType::I8), add(1, DType::U8);
    return !parts_.empty() && std::all_of(parts_.begin(), parts_.end(), [&](const auto& part) {
      part->kernel = narrow(part->node, config, unused);
      return part->kernel && std::string(part->kernel->name()) != "reference";
    });
  }

  void run(Context& context) override {
    uint8_t* memory = context.scratch;
    for (const auto& part : parts_) {
      if (splits()) memory = place(part->x, memory);
      memory = place(part->sums, memory);
    }
    if (splits()) split(context);
    for (const auto& part : parts_) {
      if (!splits()) part->x.data = node_.in(0).data;
      Context inner{context.pool, memory};
      part->kernel->run(inner);
    }
    finish(context);
  }

  size_t scratchBytes() const override {
    size_t bytes = 0, inner = 0;
    for (const auto& part : parts_) {
      bytes += bytesOf(part->sums) + (splits() ? bytesOf(part->x) : 0);
      inner = std::max(inner, part->kernel->scratchBytes());
    }
    return bytes + inner;
  }
  size_t packedBytes() const override {
    size_t bytes = 0;
    for (const auto& part : parts_) bytes += part->kernel->packedBytes();
    return bytes;
  }
  const char* name() const override { return splits() ? "bytes" : "words"; }

private:
  bool splits() const { return parts_.size() > 1; }

  void add(int32_t factor, DType dtype) {
    auto part = std::make_unique<Narrow>();
    part->factor = factor;
    part->x = node_.in(0);
    part->x.type.dtype = dtype;
    part->x.quant = Quant{{1.0f}, {0}, -1};
    part->sums = node_.out();
    part->sums.type.dtype = DType::I32;
    part->sums.quant = Quant();
    part->node = node_;
    auto& attributes = part->node.attrs.list;
    attributes.erase(
        std::remove_if(attributes.begin(), attributes.end(),
                       [](const Attr& a) { return isOneOf(a.name, "requant wide to lo hi q_lo q_hi"); }),
        attributes.end());
    part->node.attrs.setText("requant", "none");
    part->node.inputs = {&part->x, node_.input(1)};
    part->node.outputs = {&part->sums};
    parts_.push_back(std::move(part));
  }

  // With room for a kernel's last vector.
  static size_t bytesOf(const Tensor& t) {
    return (static_cast<size_t>(spanOf(t)) * dtypeBytes(t.dtype()) + 127) / 64 * 64;
  }
  static uint8_t* place(Tensor& t, uint8_t* memory) {
    t.data = memory;
    return memory + bytesOf(t);
  }

  void split(Context& context) const {
    const int16_t* x = node_.in(0).as<const int16_t>();
    int8_t* high = parts_[0]->x.as<int8_t>();
    uint8_t* low = parts_[1]->x.as<uint8_t>();
    context.pool.parallelFor(spanOf(node_.in(0)), 16384, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        high[i] = static_cast<int8_t>(x[i] >> 8);
        low[i] = static_cast<uint8_t>(x[i] & 255);
      }
    });
  }

  void finish(Context& context) const {
    const Tensor& y = node_.out();
    Shape places = y.shape();
    const int64_t channels = places[axis_], step = y.stride[axis_];
    places[axis_] = 1;
    const StridedWalk<1> walk(places, {y.stride});
    context.pool.parallelFor(walk.elements(), 1 + 1024 / (channels + 1),
                             [&](int64_t begin, int64_t end, int) {
                               walk.forEach(begin, end, [&](const int64_t* at) {
                                 for (int64_t c = 0; c < channels; ++c) {
                                   const int64_t offset = at[0] + c * step;
                                   int64_t sum = bias_[static_cast<size_t>(c)];
                                   for (const auto& part : parts_)
                                     sum += int64_t{part->factor} * part->sums.as<const int32_t>()[offset];
                                   output_.store(sum, c, y.data, offset);
                                 }
                               });
                             });
  }

  const Node& node_;
  int axis_;
  IntegerOutput output_;
  std::vector<int64_t> bias_;
  std::vector<std::unique_ptr<Narrow>> parts_; // high and low, or x whole
};
} // namespace

std::unique_ptr<Kernel> makeWideLayer(const Node& node, int64_t terms, int axis, const KernelConfig& config,
                                      KernelFactory narrow) {
  const Tensor &x = node.in(0), *bias = node.input(2);
  const bool wide = node.attrs.integer("wide") && x.dtype() == DType::I16 && x.zeroPoint() == 0 &&
                    dtypeBytes(node.in(1).dtype()) == 1 && (!bias || bias->constant);
  if (!wide || config.isa == Isa::Reference || axis < 0) return nullptr;
  auto kernel = std::make_unique<WideLayer>(node, axis);
  return kernel->prepare(terms, config, narrow) ? std::move(kernel) : nullptr;
}

} // namespace burin::rt
