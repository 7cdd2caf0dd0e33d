#include "runtime/ops/conv_depthwise.h"

#include "runtime/ops/conv_output.h"
#include "runtime/ops/conv_rows.h"
#include "runtime/ops/conv_weights.h"

#include <algorithm>

namespace burin::rt {

namespace {

constexpr int64_t kChunkPixels = 48, kLeastChunkPixels = 4;
constexpr int kTasksPerThread = 4;

struct ChannelBlock {
  int64_t firstChannel;
  int channels;
  size_t weights; // byte offset
  size_t lanes;   // index of the first value of its bias and scale
};

class DepthwiseKernel final : public Kernel {
public:
  DepthwiseKernel(const Node& node, const ConvGeometry& g, const DepthwiseEngine& engine, int planes,
                  int threads);

  bool packFloat(const FloatClamp& clamp);
  bool packInteger(const IntegerOutput& output, const IntegerOperands& integers);

  void run(Context& context) override;
  size_t scratchBytes() const override {
    return stage_.scratchBytes() + outputStageBytes() +
           static_cast<size_t>(threads_) * (tableBytes() + sumBytes());
  }
  size_t packedBytes() const override {
    return weights_.size() + bias_.size() + scale_.size() + zeros_.size();
  }
  const char* name() const override { return engine_.name; }

private:
  // Each block of packed weights is [tap group][set][lane][tap]; weightOf(channel, tap) as the engine's
  // element.
  template <class E, class WeightOf>
  void pack(const WeightOf& weightOf);
  template <class T, class Value>
  void packLanes(const AlignedBuffer& lanes, const Value& value);
  bool hasMemory() const { return weights_.data() && bias_.data() && scale_.data() && zeros_.data(); }
  void setOutput(TileStore store);
  void runChunk(int64_t chunk, const uint8_t** table, uint8_t* sums, uint8_t* out) const;
  void runPixels(const ChannelBlock& block, DepthwiseCall& call, int64_t count, uint8_t* sums,
                 uint8_t* out) const;
  void finishSums(const ChannelBlock& block, const uint8_t* sums, int pixels, uint8_t* out) const;

  int64_t taps() const { return rows_.segments(); }
  int64_t tapRows() const { return engine_.sharesTaps ? 3 : engine_.taps; } // of the table, per group
  int64_t tapGroups() const { return (taps() + tapRows() - 1) / tapRows(); }
  // The tap that element t of a lane multiplies in a set, or -1: sets that share taps start one column apart.
  int64_t tapOf(int64_t group, int set, int t) const {
    const int64_t tap = group * tapRows() + t - set;
    const bool isColumn = !engine_.sharesTaps || (t >= set && t - set < 3);
    return isColumn && tap < taps() ? tap : -1;
  }
  size_t setBytes() const { return static_cast<size_t>(engine_.lanes) * 4; } // of sums
  size_t tableBytes() const {
    return roundUp(static_cast<size_t>(tapGroups() * tapRows() * chunkPixels_) * sizeof(uint8_t*),
                   kCacheLine);
  }
  size_t sumBytes() const { return setBytes() * static_cast<size_t>(engine_.sets() * engine_.slots); }
  int64_t outBytes() const { return static_cast<int64_t>(dtypeBytes(node_.out().dtype())); }
  size_t outputStageBytes() const {
    return unstages_ ? roundUp(static_cast<size_t>(node_.out().shape().elements()) *
                                   dtypeBytes(node_.out().dtype()),
                               kCacheLine)
                     : 0;
  }

  const Node& node_;
  ConvGeometry geometry_;
  const DepthwiseEngine& engine_;
  int threads_, planes_;
  bool unstages_;
  InputStage stage_;
  ConvRows rows_;
  std::vector<ChannelBlock> blocks_;
  AlignedBuffer weights_, bias_, scale_, zeros_;
  int64_t chunks_ = 1, chunkPixels_ = 0, pixels_ = 0, outStride_ = 0;
  int32_t stagedZero_ = 0;
  IntegerOutput output_;
  DepthwiseCall call_{};
};

StageFormat stageFormat(const ConvGeometry& g, const DepthwiseEngine& engine) {
  StageFormat format;
  format.element = engine.element;
  format.acceptsSignedBytes = engine.flipsSign;
  // Overlapping blocks need one whole block.
  format.leastChannels = engine.masks ? 0 : engine.blockChannels;
  return format;
}

DepthwiseKernel::DepthwiseKernel(const Node& node, const ConvGeometry& g, const DepthwiseEngine& engine,
                                 int planes, int threads)
    : node_(node), geometry_(g), engine_(engine), threads_(threads), planes_(planes),
      unstages_(!isChannelsLast(node.out())), stage_(node.in(0), g, stageFormat(g, engine)),
      rows_(convWalk(g, false), stage_.image(), planes) {
  const int64_t block = engine.blockChannels;
  size_t weightBytes = 0, lanes = 0;
  for (int64_t first = 0; first < g.channels; first += block) {
    int64_t begin = first;
    if (!engine.masks && first > 0 && first + block > g.channels) begin = g.channels - block;
    blocks_.push_back({begin, static_cast<int>(std::min(block, g.channels - begin)), weightBytes, lanes});
    weightBytes +=
        static_cast<size_t>(tapGroups() * engine.sets() * engine.lanes * engine.taps * engine.elementBytes());
    lanes += static_cast<size_t>(engine.lanes);
  }
  weights_ = AlignedBuffer(weightBytes);
  bias_ = AlignedBuffer(lanes * 4);
  scale_ = AlignedBuffer(lanes * 4);
  zeros_ = AlignedBuffer(roundUp(static_cast<size_t>(stage_.image().pixelBytes), kCacheLine) + kCacheLine);
  pixels_ = g.batch * g.outputPixels();
  const int64_t wanted = threads > 1 ? int64_t{threads} * kTasksPerThread : 1;
  chunks_ = std::max({int64_t{1}, (pixels_ + kChunkPixels - 1) / kChunkPixels,
                      std::min(wanted, pixels_ / kLeastChunkPixels)});
  chunkPixels_ = (pixels_ + chunks_ - 1) / chunks_;
}

template <class E, class WeightOf>
void DepthwiseKernel::pack(const WeightOf& weightOf) {
  for (const ChannelBlock& block : blocks_) {
    E* out = reinterpret_cast<E*>(weights_.data() + block.weights);
    for (int64_t group = 0; group < tapGroups(); ++group)
      for (int set = 0; set < engine_.sets(); ++set)
        for (int lane = 0; lane < engine_.lanes; ++lane)
          for (int t = 0; t < engine_.taps; ++t, ++out) {
            const int64_t tap = tapOf(group, set, t);
            const int channel = engine_.indexOfLane(lane) % engine_.blockChannels;
            *out = tap >= 0 && channel < block.channels
                       ? static_cast<E>(weightOf(block.firstChannel + channel, tap))
                       : E{0};
          }
  }
}

template <class T, class Value>
void DepthwiseKernel::packLanes(const AlignedBuffer& lanes, const Value& value) {
  for (const ChannelBlock& block : blocks_) {
    T* out = reinterpret_cast<T*>(lanes.data()) + block.lanes;
    for (int lane = 0; lane < engine_.lanes; ++lane) {
      const int channel = engine_.indexOfLane(lane) % engine_.blockChannels;
      if (channel < block.channels) out[lane] = static_cast<T>(value(block.firstChannel + channel));
    }
  }
}

void DepthwiseKernel::setOutput(TileStore store) {
  const DType dtype = node_.out().dtype();
  outStride_ =
      (unstages_ ? geometry_.outputs : pixelStride(node_.out())) * static_cast<int64_t>(dtypeBytes(dtype));
  call_.store = store;
  call_.tapGroups = tapGroups();
}

bool DepthwiseKernel::packFloat(const FloatClamp& clamp) {
  if (!hasMemory()) return false;
  const WeightReader<float> reader(node_.in(1), geometry_, false);
  pack<float>([&](int64_t channel, int64_t tap) { return reader.at(channel, tap, 0); });
  packLanes<float>(bias_, [&](int64_t channel) { return floatBias(node_, channel); });
  call_.low = clamp.low;
  call_.high = clamp.high;
  setOutput(TileStore::Float);
  return true;
}

// The zero point of x joins the bias, as in the tile kernels.
bool DepthwiseKernel::packInteger(const IntegerOutput& output, const IntegerOperands& integers) {
  if (!hasMemory()) return false;
  output_ = output;
  const int32_t zero = integers.xZero + stagingShift(node_.in(0).dtype(), engine_.element);
  stagedZero_ = engine_.flipsSign ? integers.xZero : zero;
  fillElements(engine_.element, zeros_.data(), zeros_.size(), stagedZero_);
  const int64_t positions = taps() / planes_;
  std::vector<uint32_t> sums(static_cast<size_t>(geometry_.outputs));
  withByteWeights(node_.in(1), geometry_, false, [&](const auto& reader) {
    auto weightOf = [&](int64_t channel, int64_t tap) {
      return reader.at(channel, tap % positions, 0) - integers.wZero[static_cast<size_t>(channel)];
    };
    for (int64_t channel = 0; channel < geometry_.outputs; ++channel)
      for (int64_t tap = 0; tap < positions; ++tap)
        sums[static_cast<size_t>(channel)] += static_cast<uint32_t>(weightOf(channel, tap));
    if (engine_.element == RowElement::U8)
      pack<int8_t>(
          [&](int64_t channel, int64_t tap) { return planeOf(weightOf(channel, tap), tap / positions); });
    else
      pack<int16_t>(weightOf);
  });
  packLanes<uint32_t>(bias_, [&](int64_t channel) {
    return integerBias(node_, channel) - static_cast<uint32_t>(zero) * sums[static_cast<size_t>(channel)];
  });
  // An engine that does not mask would write a whole block over a narrower pixel.
  const bool isFused =
      output.isFloatToBytes() && (engine_.masks || geometry_.channels >= engine_.blockChannels);
  if (isFused)
    packLanes<float>(scale_,
                     [&](int64_t channel) { return output.rules()[static_cast<size_t>(channel)].scale; });
  if (isFused) call_.bytes = output.bytes();
  setOutput(isFused ? TileStore::Bytes : TileStore::Raw);
  return true;
}

void DepthwiseKernel::run(Context& context) {
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
  scratch += outputStageBytes();
  rows_.bind(image, zeros_.data());
  const size_t perThread = tableBytes() + sumBytes();
  context.pool.parallelFor(chunks_, 1, [&](int64_t begin, int64_t end, int thread) {
    uint8_t* own = scratch + static_cast<size_t>(thread) * perThread;
    for (int64_t chunk = begin; chunk < end; ++chunk)
      runChunk(chunk, reinterpret_cast<const uint8_t**>(own), own + tableBytes(), out);
  });
  if (unstages_) unstageOutput(context.pool, out, node_.out());
}

void DepthwiseKernel::runChunk(int64_t chunk, const uint8_t** table, uint8_t* sums, uint8_t* out) const {
  const int64_t first = pixels_ * chunk / chunks_, count = pixels_ * (chunk + 1) / chunks_ - first;
  if (count == 0) return;
  rows_.fill(first, count, table);
  std::fill(table + taps() * count, table + tapGroups() * tapRows() * count,
            zeros_.data()); // taps without weights
  DepthwiseCall call = call_;
  call.rowStep = count;
  call.outStride = outStride_;
  for (const ChannelBlock& block : blocks_) {
    call.offset = block.firstChannel * engine_.elementBytes();
    call.weights = weights_.data() + block.weights;
    call.start = bias_.data() + block.lanes * 4;
    call.scale = reinterpret_cast<const float*>(scale_.data()) + block.lanes;
    call.channels = block.channels;
    // Shared taps need neighbours, so runs end with the output row.
    const int64_t width = geometry_.out[2];
    for (int64_t pixel = 0; pixel < count;) {
      const int64_t run =
          engine_.sharesTaps ? std::min(count - pixel, width - (first + pixel) % width) : count;
      call.rows = table + pixel;
      runPixels(block, call, run, sums, out + (first + pixel) * outStride_ + block.firstChannel * outBytes());
      pixel += run;
    }
  }
}

void DepthwiseKernel::runPixels(const ChannelBlock& block, DepthwiseCall& call, int64_t count, uint8_t* sums,
                                uint8_t* out) const {
  const int slotPixels = engine_.slotPixels();
  const int64_t most = int64_t{engine_.slots} * slotPixels;
  const bool isRaw = call.store == TileStore::Raw;
  for (int64_t pixel = 0; pixel < count; pixel += most, call.rows += most, out += most * outStride_) {
    call.pixels = static_cast<int>(std::min(most, count - pixel));
    call.out = isRaw ? sums : out;
    engine_.tile[(call.pixels + slotPixels - 1) / slotPixels](call);
    if (isRaw) finishSums(block, sums, call.pixels, out);
  }
}

// Sums lie [slot][set][lane]; a set covers `parts` pixels, the sets of a slot alternate between them.
void DepthwiseKernel::finishSums(const ChannelBlock& block, const uint8_t* sums, int pixels,
                                 uint8_t* out) const {
  int32_t natural[kMaxDepthwiseLanes];
  const int sets = engine_.sets(), slotPixels = engine_.slotPixels();
  for (int first = 0; first < pixels; first += slotPixels)
    for (int set = 0; set < sets; ++set, sums += setBytes()) {
      const int32_t* row = reinterpret_cast<const int32_t*>(sums);
      for (int lane = 0; lane < engine_.lanes; ++lane) natural[engine_.indexOfLane(lane)] = row[lane];
      for (int part = 0; part < engine_.parts(); ++part) {
        const int pixel = first + part * sets + set;
        if (pixel < pixels)
          output_.storeRow(natural + part * engine_.blockChannels, block.firstChannel, block.channels,
                           out + pixel * outStride_);
      }
    }
}

// The engine with the fewest instructions per pixel.
const DepthwiseEngine* chooseEngine(const DepthwiseEngines& engines, const ConvGeometry& g, int planes) {
  const DepthwiseEngine* best = nullptr;
  double least = 0;
  for (int i = 0; i < engines.count; ++i) {
    const DepthwiseEngine& e = engines.list[i];
    const bool canShare =
        g.kernel[2] == 3 && g.stride[2] == 1 && g.dilation[2] == 1 && g.out[2] > 1 && planes == 1;
    if (e.sharesTaps && !canShare) continue;
    const int64_t rows = e.sharesTaps ? 3 : e.taps;
    const int64_t groups = (g.kernelPositions() * planes + rows - 1) / rows;
    const int64_t blocks = (g.channels + e.blockChannels - 1) / e.blockChannels;
    const double cost = static_cast<double>(blocks * groups) * e.groupCost / e.slotPixels();
    if (!best || cost < least) {
      best = &e;
      least = cost;
    }
  }
  return best;
}

} // namespace

std::unique_ptr<Kernel> makeDepthwiseFast(const Node& node, const ConvGeometry& g,
                                          const KernelConfig& config) {
  const DepthwiseEngine* engine = chooseEngine(floatDepthwiseEngines(config.isa), g, 1);
  if (!engine || !g.isDepthwise() || node.in(0).dtype() != DType::F32 || !node.in(1).constant ||
      !isConstantOrAbsent(node, 2))
    return nullptr;
  auto kernel = std::make_unique<DepthwiseKernel>(node, g, *engine, 1, config.threads);
  return kernel->packFloat(FloatClamp(node.attrs)) ? std::move(kernel) : nullptr;
}

std::unique_ptr<Kernel> makeQDepthwiseFast(const Node& node, const ConvGeometry& g,
                                           const KernelConfig& config, std::string& error) {
  const DepthwiseEngines engines =
      integerDepthwiseEngines(config.isa, node.in(0).dtype(), node.in(1).dtype());
  if (engines.count == 0 || !g.isDepthwise() || !node.in(1).constant || !isConstantOrAbsent(node, 2))
    return nullptr;
  IntegerOutput output;
  IntegerOperands integers;
  if (!readIntegerOperands(node, g.outputs, engines.list[0].element, integers, error) ||
      !output.prepare(node, g.outputs, error) || output.wide())
    return nullptr;
  output.chooseLoops(config.isa);
  const DepthwiseEngine* engine = chooseEngine(engines, g, integers.planes);
  auto kernel = std::make_unique<DepthwiseKernel>(node, g, *engine, integers.planes, config.threads);
  return kernel->packInteger(output, integers) ? std::move(kernel) : nullptr;
}

} // namespace burin::rt
