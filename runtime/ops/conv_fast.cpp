#include "runtime/ops/conv_fast.h"

#include "runtime/ops/conv_arithmetic.h"
#include "runtime/ops/conv_rows.h"

#include <algorithm>

namespace burin::rt {

namespace {

// Below this many channels a kernel row is read as one segment: short segments would mostly pay for loop
// control, and integer steps for padding.
constexpr int64_t kMergedChannels = 16;

bool isConstant(const Node& node, int input) { return !node.input(input) || node.in(input).constant; }

int64_t mergedWidth(const ConvGeometry& g) {
  const bool merges = g.groups == 1 && g.channels < kMergedChannels && g.kernel[2] > 1 && g.dilation[2] == 1;
  return merges ? (g.out[2] - 1) * g.stride[2] + g.kernel[2] : 0;
}

int32_t clampToByte(int32_t value) { return std::min(std::max(value, int32_t{INT8_MIN}), int32_t{INT8_MAX}); }

// A weight less its zero point has up to 9 bits. It is the sum of 8-bit planes, each its own set of segments:
// plane p takes what 8 bits can hold of what the planes before it left.
int32_t planeOf(int32_t weight, int64_t plane) {
  for (; plane > 0; --plane) weight -= clampToByte(weight);
  return clampToByte(weight);
}
int32_t planeSum(int32_t weight, int planes) {
  int32_t sum = 0;
  for (int p = 0; p < planes; ++p) sum += planeOf(weight, p);
  return sum;
}

class ConvTileKernel final : public Kernel {
public:
  ConvTileKernel(const Node& node, const ConvGeometry& g, const TileEngine& engine, int planes, int threads)
      : node_(node), geometry_(g), threads_(threads), merged_(mergedWidth(g) > 0),
        stage_(node.in(0), g, engine, mergedWidth(g)), rows_(g, stage_.image(), merged_, planes) {
    const int64_t length = g.groupChannels() * (merged_ ? g.kernel[2] : 1);
    const PackLayout layout(engine, g.groups, g.groupOutputs(), rows_.segments(), length);
    weights_ = AlignedBuffer(layout.weightBytes);
    bias_ = AlignedBuffer(layout.laneCount * 4);
    scale_ = AlignedBuffer(layout.laneCount * 4);
    const size_t zeroBytes = static_cast<size_t>(stage_.image().pixelBytes * (merged_ ? g.kernel[2] : 1));
    zeros_ = AlignedBuffer(roundUp(zeroBytes, kCacheLine) + kCacheLine);
    plan_ = GemmPlan(layout, g.batch * g.outputPixels(), threads);
    unstages_ = !isChannelsLast(node.out());
  }

  bool packFloat(const FloatClamp& clamp);
  bool packInteger(const IntegerOutput& output, int32_t xZero, const std::vector<int32_t>& wZero, int planes);

  void run(Context& context) override {
    if (context.pool.threads() > threads_)
      return context.fail("the thread pool is larger than the kernels were made for");
    uint8_t* scratch = context.scratch;
    const Tensor &x = node_.in(0), &y = node_.out();
    const uint8_t* image = x.as<const uint8_t>();
    if (stage_.isNeeded()) {
      stage_.run(context.pool, x, scratch, stagedZero_);
      image = scratch;
      scratch += stage_.scratchBytes();
    }
    GemmOperands operands = operands_;
    operands.out = y.as<uint8_t>();
    if (unstages_) {
      operands.out = scratch;
      scratch += unstageBytes();
    }
    rows_.bind(image, zeros_.data());
    const size_t perThread = plan_.scratchBytes();
    context.pool.parallelFor(plan_.tasks(), 1, [&](int64_t begin, int64_t end, int thread) {
      for (int64_t task = begin; task < end; ++task)
        plan_.run(task, rows_, operands, scratch + static_cast<size_t>(thread) * perThread);
    });
    if (unstages_) unstageOutput(context.pool, operands.out, y);
  }

  size_t scratchBytes() const override {
    return stage_.scratchBytes() + (unstages_ ? unstageBytes() : 0) +
           static_cast<size_t>(threads_) * plan_.scratchBytes();
  }
  size_t packedBytes() const override {
    return weights_.size() + bias_.size() + scale_.size() + zeros_.size();
  }
  const char* name() const override { return plan_.layout().engine->name; }

private:
  size_t unstageBytes() const {
    return roundUp(static_cast<size_t>(node_.out().shape().elements()) * dtypeBytes(node_.out().dtype()),
                   kCacheLine);
  }
  bool hasMemory() const { return weights_.data() && bias_.data() && scale_.data() && zeros_.data(); }
  void setOutput(TileStore store, float low, float high);

  // The weight of a channel at (segment of one plane, element of the segment).
  template <class T>
  T weightAt(int64_t channel, int64_t segment, int64_t element) const {
    const ConvGeometry& g = geometry_;
    const Tensor& w = node_.in(1);
    const ConvStrides strides = convStrides(w);
    const int64_t columns = merged_ ? element / g.groupChannels() : 0;
    const Spatial k = positionAt(g.kernel, merged_ ? segment * g.kernel[2] + columns : segment);
    return w
        .as<const T>()[channel * strides.outer + element % g.groupChannels() * strides.inner + strides.at(k)];
  }
  int32_t integerWeight(int64_t channel, int64_t segment, int64_t element) const {
    return node_.in(1).dtype() == DType::I8   ? weightAt<int8_t>(channel, segment, element)
           : node_.in(1).dtype() == DType::U8 ? weightAt<uint8_t>(channel, segment, element)
                                              : weightAt<int16_t>(channel, segment, element);
  }

  const Node& node_;
  ConvGeometry geometry_;
  int threads_;
  bool merged_ = false, unstages_ = false;
  InputStage stage_;
  ConvRows rows_;
  GemmPlan plan_;
  AlignedBuffer weights_, bias_, scale_, zeros_;
  int32_t stagedZero_ = 0;
  IntegerOutput output_;
  GemmOperands operands_{};
};

void ConvTileKernel::setOutput(TileStore store, float low, float high) {
  const Tensor& y = node_.out();
  const int64_t bytes = static_cast<int64_t>(dtypeBytes(y.dtype()));
  operands_.weights = weights_.data();
  operands_.bias = bias_.data();
  operands_.scale = scale_.data();
  operands_.outStride = (unstages_ ? geometry_.outputs : pixelStride(y)) * bytes;
  operands_.outElementBytes = static_cast<int>(bytes);
  operands_.groupBytes = stage_.image().groupBytes;
  operands_.store = store;
  operands_.low = low;
  operands_.high = high;
  operands_.output = &output_;
}

bool ConvTileKernel::packFloat(const FloatClamp& clamp) {
  if (!hasMemory()) return false;
  packWeights(plan_.layout(), weights_.data(), [this](int64_t channel, int64_t segment, int64_t element) {
    return weightAt<float>(channel, segment, element);
  });
  if (const Tensor* bias = node_.input(2))
    packLanes<float>(plan_.layout(), bias_.data(),
                     [bias](int64_t channel) { return bias->as<const float>()[channel * bias->stride[0]]; });
  setOutput(TileStore::Float, clamp.low, clamp.high);
  return true;
}

// sum (x - zx)(w - zw) = sum x' (w - zw) - zx' sum (w - zw) for staged x' and its zero point: the second term
// joins the bias. Arithmetic modulo 2^32, as in the kernels.
bool ConvTileKernel::packInteger(const IntegerOutput& output, int32_t xZero,
                                 const std::vector<int32_t>& wZero, int planes) {
  if (!hasMemory()) return false;
  const PackLayout& layout = plan_.layout();
  output_ = output;
  stagedZero_ = xZero + stagingShift(node_.in(0).dtype(), layout.engine->element);
  const int64_t segments = layout.segments / planes;
  std::vector<uint32_t> sums(static_cast<size_t>(geometry_.outputs));
  packWeights(layout, weights_.data(), [&](int64_t channel, int64_t segment, int64_t element) {
    const int32_t w =
        integerWeight(channel, segment % segments, element) - wZero[static_cast<size_t>(channel)];
    if (segment < segments) sums[static_cast<size_t>(channel)] += static_cast<uint32_t>(w);
    return layout.engine->element == RowElement::U8 ? planeOf(w, segment / segments) : w;
  });
  const Tensor* bias = node_.input(2);
  packLanes<uint32_t>(layout, bias_.data(), [&](int64_t channel) {
    const uint32_t start =
        bias ? static_cast<uint32_t>(bias->as<const int32_t>()[channel * bias->stride[0]]) : 0;
    return start - static_cast<uint32_t>(stagedZero_) * sums[static_cast<size_t>(channel)];
  });
  if (layout.engine->element == RowElement::I16) {
    int16_t* zeros = reinterpret_cast<int16_t*>(zeros_.data());
    std::fill(zeros, zeros + zeros_.size() / 2, static_cast<int16_t>(stagedZero_));
  } else {
    std::fill(zeros_.data(), zeros_.data() + zeros_.size(), static_cast<uint8_t>(stagedZero_));
  }
  const bool isFused = output.isFloatToBytes();
  if (isFused)
    packLanes<float>(layout, scale_.data(),
                     [&](int64_t channel) { return output.rules()[static_cast<size_t>(channel)].scale; });
  operands_.zeroPoint = output.zeroPoint();
  setOutput(isFused ? TileStore::Bytes : TileStore::Raw,
            static_cast<float>(output.low() - output.zeroPoint()),
            static_cast<float>(output.high() - output.zeroPoint()));
  return true;
}

// How many planes weights less their zero points need.
int planesOf(const Tensor& w, const std::vector<int32_t>& zero, const TileEngine& engine) {
  int planes = 1;
  if (engine.element != RowElement::U8) return planes;
  for (int32_t z : zero)
    for (int32_t extreme :
         {w.dtype() == DType::U8 ? 0 : INT8_MIN, w.dtype() == DType::U8 ? UINT8_MAX : INT8_MAX})
      while (planeSum(extreme - z, planes) != extreme - z) ++planes;
  return planes;
}

} // namespace

std::unique_ptr<Kernel> makeConvFast(const Node& node, const ConvGeometry& g, const KernelConfig& config) {
  const TileEngine* engine = floatTileEngine(config.isa);
  if (!engine || node.in(0).dtype() != DType::F32 || !node.in(1).constant || !isConstant(node, 2))
    return nullptr;
  auto kernel = std::make_unique<ConvTileKernel>(node, g, *engine, 1, config.threads);
  return kernel->packFloat(FloatClamp(node.attrs)) ? std::move(kernel) : nullptr;
}

std::unique_ptr<Kernel> makeQConvFast(const Node& node, const ConvGeometry& g, const KernelConfig& config,
                                      std::string& error) {
  const TileEngine* engine = integerTileEngine(config.isa, node.in(0).dtype(), node.in(1).dtype());
  if (!engine || !node.in(1).constant || !isConstant(node, 2)) return nullptr;
  IntegerOutput output;
  std::vector<int32_t> wZero;
  int32_t xZero = 0;
  if (!activationZeroPoint(node.in(0), xZero, error) ||
      !weightZeroPoints(node.in(1), g.outputs, wZero, error) || !output.prepare(node, g.outputs, error) ||
      output.wide())
    return nullptr;
  const int planes = planesOf(node.in(1), wZero, *engine);
  auto kernel = std::make_unique<ConvTileKernel>(node, g, *engine, planes, config.threads);
  return kernel->packInteger(output, xZero, wZero, planes) ? std::move(kernel) : nullptr;
}

} // namespace burin::rt
