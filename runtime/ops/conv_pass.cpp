#include "runtime/ops/conv_pass.h"

namespace burin::rt {

ConvPass::ConvPass(const ConvSetup& s, RowWalk walk)
    : rows_(std::move(walk), s.image, s.planes), pixels_(s.geometry.batch * rows_.walk().pixels()),
      positions_(rows_.walk().flatPositions(s.geometry.kernel)), zeros_(s.zeros) {
  const ConvGeometry& g = s.geometry;
  const int64_t length = g.groupChannels() * (s.merged ? g.kernel[2] : 1);
  const PackLayout layout(s.engine, g.groups, g.groupOutputs(), rows_.segments(), length);
  weights_ = AlignedBuffer(layout.weightBytes);
  bias_ = AlignedBuffer(layout.laneCount * 4);
  scale_ = AlignedBuffer(layout.laneCount * 4);
  plan_ = GemmPlan(layout, pixels_, s.threads);
  operands_.weights = weights_.data();
  operands_.bias = bias_.data();
  operands_.scale = scale_.data();
  operands_.outStride = s.outStride;
  operands_.outElementBytes = static_cast<int>(dtypeBytes(s.node.out().dtype()));
  operands_.groupBytes = s.image.groupBytes;
}

// Segments of one plane are kernel positions; a merged one holds a kernel row, position by position.
template <class T>
T ConvPass::weightAt(const WeightReader<T>& reader, const ConvSetup& s, int64_t channel, int64_t segment,
                     int64_t element) const {
  const int64_t first = positions_[static_cast<size_t>(segment)];
  if (!s.merged) return reader.at(channel, first, element);
  return reader.at(channel, first + element / s.geometry.channels, element % s.geometry.channels);
}

bool ConvPass::packFloat(const ConvSetup& s, const FloatClamp& clamp) {
  if (!weights_.data() || !bias_.data()) return false;
  const WeightReader<float> reader(s.node.in(1), s.geometry, s.transposed);
  packWeights(plan_.layout(), weights_.data(), [&](int64_t channel, int64_t segment, int64_t element) {
    return weightAt(reader, s, channel, segment, element);
  });
  packLanes<float>(plan_.layout(), bias_.data(), [&](int64_t channel) { return floatBias(s.node, channel); });
  operands_.store = TileStore::Float;
  operands_.low = clamp.low;
  operands_.high = clamp.high;
  return true;
}

// sum (x - zx)(w - zw) = sum x' (w - zw) - zx' sum (w - zw) for staged x' and its zero point: the second term
// joins the bias. Arithmetic modulo 2^32, as in the kernels.
bool ConvPass::packInteger(const ConvSetup& s, const IntegerOutput& output, const IntegerOperands& integers,
                           int32_t stagedZero) {
  if (!weights_.data() || !bias_.data() || !scale_.data()) return false;
  const PackLayout& layout = plan_.layout();
  const bool isBytes = s.engine.element == RowElement::U8;
  const int64_t segments = layout.segments / s.planes;
  std::vector<uint32_t> sums(static_cast<size_t>(s.geometry.outputs));
  withByteWeights(s.node.in(1), s.geometry, s.transposed, [&](const auto& reader) {
    packWeights(layout, weights_.data(), [&](int64_t channel, int64_t segment, int64_t element) {
      const size_t c = static_cast<size_t>(channel);
      const int32_t w = weightAt(reader, s, channel, segment % segments, element) - integers.wZero[c];
      if (segment < segments) sums[c] += static_cast<uint32_t>(w);
      return isBytes ? planeOf(w, segment / segments) : w;
    });
  });
  packLanes<uint32_t>(layout, bias_.data(), [&](int64_t channel) {
    return integerBias(s.node, channel) -
           static_cast<uint32_t>(stagedZero) * sums[static_cast<size_t>(channel)];
  });
  operands_.output = &output;
  operands_.store = output.isFloatToBytes() ? TileStore::Bytes : TileStore::Raw;
  if (operands_.store == TileStore::Bytes) {
    packLanes<float>(layout, scale_.data(),
                     [&](int64_t channel) { return output.rules()[static_cast<size_t>(channel)].scale; });
    operands_.bytes = output.bytes();
  }
  return true;
}

void ConvPass::run(ThreadPool& pool, const uint8_t* image, uint8_t* out, uint8_t* scratch) {
  rows_.bind(image, zeros_);
  GemmOperands operands = operands_;
  operands.out = out;
  const size_t perThread = plan_.scratchBytes();
  pool.parallelFor(plan_.tasks(), 1, [&](int64_t begin, int64_t end, int thread) {
    for (int64_t task = begin; task < end; ++task)
      plan_.run(task, rows_, operands, scratch + static_cast<size_t>(thread) * perThread);
  });
}

} // namespace burin::rt
