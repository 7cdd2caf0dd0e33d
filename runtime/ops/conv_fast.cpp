#include "runtime/ops/conv_fast.h"

#include "runtime/ops/conv_rows.h"
#include "runtime/ops/conv_weights.h"

#include <algorithm>

namespace burin::rt {

namespace {

// Below this many channels a kernel row is read as one segment: short segments would mostly pay for loop
// control, and integer steps for padding.
constexpr int64_t kMergedChannels = 16;

int64_t mergedWidth(const ConvGeometry& g) {
  const bool merges = g.groups == 1 && g.channels < kMergedChannels && g.kernel[2] > 1 && g.dilation[2] == 1;
  return merges ? (g.out[2] - 1) * g.stride[2] + g.kernel[2] : 0;
}

StageFormat stageFormat(const ConvGeometry& g, const TileEngine& engine) {
  StageFormat format;
  format.element = engine.element;
  format.groups = g.groups;
  format.channelUnit = engine.group;
  format.mergedWidth = mergedWidth(g);
  return format;
}

class ConvTileKernel final : public Kernel {
public:
  ConvTileKernel(const Node& node, const ConvGeometry& g, const TileEngine& engine, int planes, int threads)
      : node_(node), geometry_(g), threads_(threads), merged_(mergedWidth(g) > 0),
        stage_(node.in(0), g, stageFormat(g, engine)), rows_(g, stage_.image(), merged_, planes) {
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
  bool packInteger(const IntegerOutput& output, const IntegerOperands& integers);

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
  void setOutput(TileStore store);

  // The weight of a channel at (segment of one plane, element of the segment).
  template <class T>
  T weightAt(const WeightReader<T>& reader, int64_t channel, int64_t segment, int64_t element) const {
    if (!merged_) return reader.at(channel, segment, element);
    return reader.at(channel, segment * geometry_.kernel[2] + element / geometry_.channels,
                     element % geometry_.channels);
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

void ConvTileKernel::setOutput(TileStore store) {
  const Tensor& y = node_.out();
  const int64_t bytes = static_cast<int64_t>(dtypeBytes(y.dtype()));
  operands_.weights = weights_.data();
  operands_.bias = bias_.data();
  operands_.scale = scale_.data();
  operands_.outStride = (unstages_ ? geometry_.outputs : pixelStride(y)) * bytes;
  operands_.outElementBytes = static_cast<int>(bytes);
  operands_.groupBytes = stage_.image().groupBytes;
  operands_.store = store;
  operands_.output = &output_;
}

bool ConvTileKernel::packFloat(const FloatClamp& clamp) {
  if (!hasMemory()) return false;
  const WeightReader<float> reader(node_.in(1), geometry_.kernel);
  packWeights(plan_.layout(), weights_.data(), [&](int64_t channel, int64_t segment, int64_t element) {
    return weightAt(reader, channel, segment, element);
  });
  packLanes<float>(plan_.layout(), bias_.data(), [&](int64_t channel) { return floatBias(node_, channel); });
  operands_.low = clamp.low;
  operands_.high = clamp.high;
  setOutput(TileStore::Float);
  return true;
}

// sum (x - zx)(w - zw) = sum x' (w - zw) - zx' sum (w - zw) for staged x' and its zero point: the second term
// joins the bias. Arithmetic modulo 2^32, as in the kernels.
bool ConvTileKernel::packInteger(const IntegerOutput& output, const IntegerOperands& integers) {
  if (!hasMemory()) return false;
  const PackLayout& layout = plan_.layout();
  const RowElement element = layout.engine->element;
  output_ = output;
  stagedZero_ = integers.xZero + stagingShift(node_.in(0).dtype(), element);
  fillElements(element, zeros_.data(), zeros_.size(), stagedZero_);
  const int64_t segments = layout.segments / integers.planes;
  std::vector<uint32_t> sums(static_cast<size_t>(geometry_.outputs));
  withByteWeights(node_.in(1), geometry_.kernel, [&](const auto& reader) {
    packWeights(layout, weights_.data(), [&](int64_t channel, int64_t segment, int64_t i) {
      const int32_t w =
          weightAt(reader, channel, segment % segments, i) - integers.wZero[static_cast<size_t>(channel)];
      if (segment < segments) sums[static_cast<size_t>(channel)] += static_cast<uint32_t>(w);
      return element == RowElement::U8 ? planeOf(w, segment / segments) : w;
    });
  });
  packLanes<uint32_t>(layout, bias_.data(), [&](int64_t channel) {
    return integerBias(node_, channel) -
           static_cast<uint32_t>(stagedZero_) * sums[static_cast<size_t>(channel)];
  });
  const bool isFused = output.isFloatToBytes();
  if (isFused)
    packLanes<float>(layout, scale_.data(),
                     [&](int64_t channel) { return output.rules()[static_cast<size_t>(channel)].scale; });
  if (isFused) operands_.bytes = output.bytes();
  setOutput(isFused ? TileStore::Bytes : TileStore::Raw);
  return true;
}

} // namespace

std::unique_ptr<Kernel> makeConvFast(const Node& node, const ConvGeometry& g, const KernelConfig& config) {
  const TileEngine* engine = floatTileEngine(config.isa);
  if (!engine || node.in(0).dtype() != DType::F32 || !node.in(1).constant || !isConstantOrAbsent(node, 2))
    return nullptr;
  auto kernel = std::make_unique<ConvTileKernel>(node, g, *engine, 1, config.threads);
  return kernel->packFloat(FloatClamp(node.attrs)) ? std::move(kernel) : nullptr;
}

std::unique_ptr<Kernel> makeQConvFast(const Node& node, const ConvGeometry& g, const KernelConfig& config,
                                      std::string& error) {
  const TileEngine* engine = integerTileEngine(config.isa, node.in(0).dtype(), node.in(1).dtype());
  if (!engine || !node.in(1).constant || !isConstantOrAbsent(node, 2)) return nullptr;
  IntegerOutput output;
  IntegerOperands integers;
  if (!readIntegerOperands(node, g.outputs, engine->element, integers, error) ||
      !output.prepare(node, g.outputs, error) || output.wide())
    return nullptr;
  output.chooseLoops(config.isa);
  auto kernel = std::make_unique<ConvTileKernel>(node, g, *engine, integers.planes, config.threads);
  return kernel->packInteger(output, integers) ? std::move(kernel) : nullptr;
}

} // namespace burin::rt
