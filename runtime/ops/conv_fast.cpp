#include "runtime/ops/conv_fast.h"

#include "runtime/ops/conv_pass.h"

#include <algorithm>

namespace burin::rt {

namespace {

// Below this many channels a kernel row is read as one segment: short segments would mostly pay for loop
// control, and integer steps for padding.
constexpr int64_t kMergedChannels = 16;

// Pixels per row of an image that holds its horizontal padding, or 0 where kernel rows are not merged.
int64_t mergedWidth(const ConvGeometry& g, bool transposed) {
  const int64_t width = (g.out[2] - 1) * g.stride[2] + g.kernel[2];
  const bool isWorth = g.groups == 1 && g.channels < kMergedChannels && g.kernel[2] > 1 && g.dilation[2] == 1;
  return isWorth && !transposed && width <= g.in[2] + 2 * g.kernel[2] ? width : 0;
}

StageFormat stageFormat(const ConvGeometry& g, const TileEngine& engine, bool transposed) {
  StageFormat format;
  format.element = engine.element;
  format.groups = g.groups;
  format.channelUnit = engine.group;
  format.mergedWidth = mergedWidth(g, transposed);
  return format;
}

class ConvTileKernel final : public Kernel {
public:
  ConvTileKernel(const Node& node, const ConvGeometry& g, const TileEngine& engine, bool transposed,
                 int planes, int threads);

  bool packFloat(const FloatClamp& clamp);
  bool packInteger(const IntegerOutput& output, const IntegerOperands& integers);

  void run(Context& context) override;
  size_t scratchBytes() const override;
  size_t packedBytes() const override {
    size_t bytes = zeros_.size();
    for (const ConvPass& pass : passes_) bytes += pass.packedBytes();
    return bytes;
  }
  const char* name() const override { return engine_.name; }

private:
  ConvSetup setup() const {
    return {node_,   geometry_, engine_,  stage_.image(), transposed_,
            merged_, planes_,   threads_, outStride(),    zeros_.data()};
  }
  int64_t outStride() const {
    const int64_t bytes = static_cast<int64_t>(dtypeBytes(node_.out().dtype()));
    return (unstages_ ? geometry_.outputs : pixelStride(node_.out())) * bytes;
  }
  size_t unstageBytes() const;
  // The outputs of a pass as a tensor: those of a phase are `stride` apart.
  Tensor outputsOf(size_t pass) const;

  const Node& node_;
  ConvGeometry geometry_;
  const TileEngine& engine_;
  bool transposed_, merged_, unstages_;
  int planes_, threads_;
  InputStage stage_;
  AlignedBuffer zeros_;
  int32_t stagedZero_ = 0;
  IntegerOutput output_;
  std::vector<ConvPass> passes_;
  std::vector<Spatial> firsts_; // first output position of each pass
};

ConvTileKernel::ConvTileKernel(const Node& node, const ConvGeometry& g, const TileEngine& engine,
                               bool transposed, int planes, int threads)
    : node_(node), geometry_(g), engine_(engine), transposed_(transposed),
      merged_(mergedWidth(g, transposed) > 0), unstages_(!isChannelsLast(node.out())), planes_(planes),
      threads_(threads), stage_(node.in(0), g, stageFormat(g, engine, transposed)) {
  const size_t zeroBytes = static_cast<size_t>(stage_.image().pixelBytes * (merged_ ? g.kernel[2] : 1));
  zeros_ = AlignedBuffer(roundUp(zeroBytes, kCacheLine) + kCacheLine);
  if (!transposed) {
    passes_.emplace_back(setup(), convWalk(g, merged_));
    firsts_.push_back({0, 0, 0});
    return;
  }
  unstages_ = unstages_ || g.stride != Spatial{1, 1, 1};
  Spatial phase{}, first{};
  do {
    RowWalk walk = phaseWalk(g, phase, first);
    if (walk.pixels() == 0) continue;
    passes_.emplace_back(setup(), std::move(walk));
    firsts_.push_back(first);
  } while (nextPosition(g.stride, phase));
}

bool ConvTileKernel::packFloat(const FloatClamp& clamp) {
  return zeros_.data() && std::all_of(passes_.begin(), passes_.end(),
                                      [&](ConvPass& pass) { return pass.packFloat(setup(), clamp); });
}

bool ConvTileKernel::packInteger(const IntegerOutput& output, const IntegerOperands& integers) {
  if (!zeros_.data()) return false;
  output_ = output;
  stagedZero_ = integers.xZero + stagingShift(node_.in(0).dtype(), engine_.element);
  fillElements(engine_.element, zeros_.data(), zeros_.size(), stagedZero_);
  return std::all_of(passes_.begin(), passes_.end(), [&](ConvPass& pass) {
    return pass.packInteger(setup(), output_, integers, stagedZero_);
  });
}

size_t ConvTileKernel::unstageBytes() const {
  if (!unstages_) return 0;
  int64_t pixels = 0;
  for (const ConvPass& pass : passes_) pixels = std::max(pixels, pass.pixels());
  return roundUp(static_cast<size_t>(pixels * outStride()), kCacheLine);
}

size_t ConvTileKernel::scratchBytes() const {
  size_t perThread = 0;
  for (const ConvPass& pass : passes_) perThread = std::max(perThread, pass.threadScratchBytes());
  return stage_.scratchBytes() + unstageBytes() + static_cast<size_t>(threads_) * perThread;
}

Tensor ConvTileKernel::outputsOf(size_t pass) const {
  Tensor view = node_.out();
  if (!transposed_) return view;
  int64_t offset = 0;
  for (int i = 2; i < view.shape().rank; ++i) {
    const int axis = kSpatial - view.shape().rank + i;
    offset += firsts_[pass][axis] * view.stride[i];
    view.stride[i] *= geometry_.stride[axis];
    view.type.shape[i] = passes_[pass].walk().out[axis];
  }
  view.data = view.as<uint8_t>() + offset * static_cast<int64_t>(dtypeBytes(view.dtype()));
  return view;
}

void ConvTileKernel::run(Context& context) {
  if (context.pool.threads() > threads_)
    return context.fail("the thread pool is larger than the kernels were made for");
  uint8_t* scratch = context.scratch;
  const uint8_t* image = node_.in(0).as<const uint8_t>();
  if (stage_.isNeeded()) {
    stage_.run(context.pool, node_.in(0), scratch, stagedZero_);
    image = scratch;
    scratch += stage_.scratchBytes();
  }
  uint8_t* out = unstages_ ? scratch : node_.out().as<uint8_t>();
  scratch += unstageBytes();
  for (size_t i = 0; i < passes_.size(); ++i) {
    passes_[i].run(context.pool, image, out, scratch);
    if (unstages_) unstageOutput(context.pool, out, outputsOf(i));
  }
}

// Each phase of a transposed convolution is a pass of its own; beyond some number they are too small to be
// worth it.
constexpr int64_t kMaxPhases = 64;

bool hasTiles(const Node& node, const ConvGeometry& g, bool transposed) {
  if (!node.in(1).constant || !isConstantOrAbsent(node, 2)) return false;
  for (int i = 0; transposed && i < kSpatial; ++i)
    if (g.stride[i] > kMaxPhases) return false;
  return !transposed || g.stride[0] * g.stride[1] * g.stride[2] <= kMaxPhases;
}

} // namespace

std::unique_ptr<Kernel> makeConvFast(const Node& node, const ConvGeometry& g, bool transposed,
                                     const KernelConfig& config) {
  const TileEngine* engine = floatTileEngine(config.isa);
  if (!engine || node.in(0).dtype() != DType::F32 || !hasTiles(node, g, transposed)) return nullptr;
  auto kernel = std::make_unique<ConvTileKernel>(node, g, *engine, transposed, 1, config.threads);
  return kernel->packFloat(FloatClamp(node.attrs)) ? std::move(kernel) : nullptr;
}

std::unique_ptr<Kernel> makeQConvFast(const Node& node, const ConvGeometry& g, bool transposed,
                                      const KernelConfig& config, std::string& error) {
  const int64_t length = g.groupChannels() * (mergedWidth(g, transposed) > 0 ? g.kernel[2] : 1);
  const TileProblem problem{node.in(0).dtype(), node.in(1).dtype(), g.batch * g.outputPixels(), length};
  const TileEngine* engine = integerTileEngine(config.isa, problem);
  if (!engine || !hasTiles(node, g, transposed)) return nullptr;
  IntegerOutput output;
  IntegerOperands integers;
  if (!readIntegerOperands(node, g.outputs, engine->element, integers, error) ||
      !output.prepare(node, g.outputs, error) || output.wide())
    return nullptr;
  output.chooseLoops(config.isa);
  auto kernel =
      std::make_unique<ConvTileKernel>(node, g, *engine, transposed, integers.planes, config.threads);
  return kernel->packInteger(output, integers) ? std::move(kernel) : nullptr;
}

} // namespace burin::rt
