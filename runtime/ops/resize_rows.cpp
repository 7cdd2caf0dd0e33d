// Linear and cubic resize of [N, C, H, W] whose channels are innermost. Each input row that a result row
// needs is resampled along W once, kept in scratch memory, and the kept rows are combined along H: the order
// of the float law.
#include "runtime/kernels/data_kernels.h"
#include "runtime/ops/resize_ops.h"
#include "runtime/ops/stored_value.h"

namespace burin::rt {

namespace {
constexpr int64_t kMaxRowTaps = 64;

class ResizeRows final : public Kernel {
public:
  ResizeRows(const Node& node, const std::vector<ResizeAxis>& axes, const DataKernels& kernels, int threads)
      : node_(node), vertical_(axes[2]), horizontal_(axes[3]), kernels_(kernels), threads_(threads) {
    channels_ = node.in(0).type.shape[1];
    rowFloats_ = node.out().type.shape[3] * channels_;
    inputFloats_ = node.in(0).dtype() == DType::F32 ? 0 : node.in(0).type.shape[3] * channels_;
  }

  // Per thread: one resampled row per vertical tap, one combined row, one input row as floats.
  size_t scratchBytes() const override {
    return static_cast<size_t>(threads_) * sizeof(float) * threadFloats();
  }

  void run(Context& context) override {
    const Shape& shape = node_.out().type.shape;
    const int64_t grain = std::max<int64_t>(vertical_.taps, 32768 / (rowFloats_ + 1));
    context.pool.parallelFor(shape[0] * shape[2], grain, [&](int64_t begin, int64_t end, int thread) {
      float* rows = reinterpret_cast<float*>(context.scratch) + static_cast<size_t>(thread) * threadFloats();
      int64_t kept[kMaxRowTaps]; // the input row in each slot
      for (int64_t& row : kept) row = -1;
      for (int64_t i = begin; i < end; ++i) {
        if (i == begin || i % shape[2] == 0)
          for (int64_t& row : kept) row = -1;
        makeRow(i / shape[2], i % shape[2], rows, kept);
      }
    });
  }
  const char* name() const override { return "weighted-rows"; }

private:
  size_t threadFloats() const {
    return static_cast<size_t>(rowFloats_ * (vertical_.taps + 1) + inputFloats_);
  }

  void makeRow(int64_t batch, int64_t o, float* rows, int64_t* kept) const {
    const Tensor& y = node_.out();
    const float* taps[kMaxRowTaps];
    for (int64_t t = 0; t < vertical_.taps; ++t) {
      // Neighbouring rows: they differ modulo the number of taps.
      const int64_t row = vertical_.index[static_cast<size_t>(o * vertical_.taps + t)],
                    slot = row % vertical_.taps;
      float* resampled = rows + slot * rowFloats_;
      if (kept[slot] != row) resampleRow(batch, row, resampled, rows + rowFloats_ * (vertical_.taps + 1));
      kept[slot] = row;
      taps[t] = resampled;
    }
    float* combined = rows + rowFloats_ * vertical_.taps;
    const float* weights = vertical_.weight.data() + o * vertical_.taps;
    const int64_t place = batch * y.stride[0] + o * y.stride[2], width = y.type.shape[3];
    const bool direct = y.dtype() == DType::F32 && (width == 1 || y.stride[3] == channels_);
    kernels_.weighF32(taps, weights, vertical_.taps, direct ? y.as<float>() + place : combined, rowFloats_);
    if (direct) return;
    for (int64_t i = 0; i < width; ++i) storeChannels(combined + i * channels_, place + i * y.stride[3]);
  }

  void resampleRow(int64_t batch, int64_t row, float* to, float* converted) const {
    const Tensor& x = node_.in(0);
    const int64_t place = batch * x.stride[0] + row * x.stride[2], width = node_.out().type.shape[3];
    const float* from = x.as<float>() + place;
    int64_t step = x.stride[3];
    if (inputFloats_) {
      for (int64_t i = 0; i < x.type.shape[3]; ++i)
        loadChannels(place + i * x.stride[3], converted + i * channels_);
      from = converted;
      step = channels_;
    }
    const float* taps[kMaxRowTaps];
    for (int64_t o = 0; o < width; ++o) {
      const size_t first = static_cast<size_t>(o * horizontal_.taps);
      for (int64_t t = 0; t < horizontal_.taps; ++t)
        taps[t] = from + horizontal_.index[first + static_cast<size_t>(t)] * step;
      kernels_.weighF32(taps, horizontal_.weight.data() + first, horizontal_.taps, to + o * channels_,
                        channels_);
    }
  }

  void loadChannels(int64_t place, float* to) const {
    const Tensor& x = node_.in(0);
    const Byte8 from = byteForm(x.dtype(), 0);
    kernels_.dequantize8(x.as<uint8_t>() + place, from, 1.0f, to, channels_);
  }

  void storeChannels(const float* from, int64_t place) const {
    const Tensor& y = node_.out();
    if (y.dtype() == DType::F32) {
      std::copy_n(from, channels_, y.as<float>() + place);
      return;
    }
    FloatStage8 stage;
    stage.low = static_cast<int32_t>(lowestOf(y.dtype()));
    stage.high = static_cast<int32_t>(highestOf(y.dtype()));
    stage.out = byteForm(y.dtype(), 0);
    kernels_.quantizeMultiply8(from, stage, y.as<uint8_t>() + place, channels_);
  }

  const Node& node_;
  ResizeAxis vertical_, horizontal_;
  const DataKernels& kernels_;
  int threads_;
  int64_t channels_ = 0, rowFloats_ = 0, inputFloats_ = 0;
};

// Rows a window reads are distinct modulo the number of taps only while they are neighbours.
bool readsNeighbours(const ResizeAxis& axis) {
  for (size_t i = 0; i < axis.index.size(); i += static_cast<size_t>(axis.taps))
    if (axis.index[i + static_cast<size_t>(axis.taps) - 1] - axis.index[i] >= axis.taps) return false;
  return true;
}
} // namespace

std::unique_ptr<Kernel> makeResizeRows(const Node& node, const std::vector<ResizeAxis>& axes,
                                       const KernelConfig& config) {
  const Tensor &x = node.in(0), &y = node.out();
  const DType dtype = x.dtype();
  const DataKernels* kernels = dataKernels(config.isa);
  if (!kernels || axes.size() != 4 || !axes[0].identity || !axes[1].identity) return nullptr;
  if (dtype != DType::F32 && dtype != DType::I8 && dtype != DType::U8) return nullptr;
  const bool innermost = x.type.shape[1] == 1 || (x.stride[1] == 1 && y.stride[1] == 1);
  if (!innermost || axes[2].taps > kMaxRowTaps || axes[3].taps > kMaxRowTaps || !readsNeighbours(axes[2]))
    return nullptr;
  return std::make_unique<ResizeRows>(node, axes, *kernels, std::max(1, config.threads));
}

} // namespace burin::rt
