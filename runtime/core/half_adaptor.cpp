#include "runtime/core/half_adaptor.h"

#include "runtime/kernels/vector_kernels.h"
#include "runtime/math/half.h"
#include "runtime/ops/iterate.h"

#include <cstring>

namespace burin::rt {

namespace {
constexpr int64_t kGrain = 16384;

// These copy elements by their size, or know every type.
const char* const kAnyTypeOps[] = {
    "nn.cast",           "nn.reshape",        "nn.transpose", "nn.slice",           "nn.concat",
    "nn.expand",         "nn.tile",           "nn.gather",    "nn.gather_elements", "nn.gather_nd",
    "nn.depth_to_space", "nn.space_to_depth", "nn.select",    "nn.reverse_sequence"};

bool isHalf(const Tensor& t) { return t.dtype() == DType::F16 || t.dtype() == DType::BF16; }

size_t imageBytes(const Tensor& t) {
  return (static_cast<size_t>(t.shape().elements()) * sizeof(float) + 63) / 64 * 64;
}

// The axes keep their order in memory, without padding.
Tensor imageOf(const Tensor& t) {
  Tensor image = t;
  image.type.dtype = DType::F32;
  const int rank = t.shape().rank;
  uint8_t order[kMaxRank];
  for (int i = 0; i < rank; ++i) {
    int place = i;
    for (; place > 0 && t.stride[order[place - 1]] < t.stride[i]; --place) order[place] = order[place - 1];
    order[place] = static_cast<uint8_t>(i);
  }
  computeStrides(t.shape(), order, 0, image.stride);
  return image;
}

// One half tensor and its f32 image.
class Conversion {
public:
  Conversion(const Tensor& half, const Tensor& image, const VectorKernels* kernels)
      : half_(&half), image_(&image), walk_(half.shape(), {half.stride, image.stride}),
        format_(half.dtype() == DType::BF16 ? 1 : 0) {
    walk_.orderBy(1);
    if (walk_.step(0) == 1 && walk_.step(1) == 1) kernels_ = kernels;
  }
  void widen(ThreadPool& pool) const {
    pool.parallelFor(walk_.elements(), kGrain, [&](int64_t begin, int64_t end, int) { widen(begin, end); });
  }
  void widen(int64_t begin, int64_t end) const {
    walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
      const uint16_t* from = half_->as<const uint16_t>() + offset[0];
      float* to = image_->as<float>() + offset[1];
      if (kernels_) return kernels_->widen[format_](from, to, count);
      for (int64_t i = 0; i < count; ++i) {
        const uint16_t bits = from[i * walk_.step(0)];
        to[i * walk_.step(1)] = format_ ? math::bfloat16ToFloat(bits) : math::halfToFloat(bits);
      }
    });
  }
  void narrow(ThreadPool& pool) const {
    pool.parallelFor(walk_.elements(), kGrain, [&](int64_t begin, int64_t end, int) {
      walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
        const float* from = image_->as<const float>() + offset[1];
        uint16_t* to = half_->as<uint16_t>() + offset[0];
        if (kernels_) return kernels_->narrow[format_](from, to, count);
        for (int64_t i = 0; i < count; ++i) {
          const float value = from[i * walk_.step(1)];
          to[i * walk_.step(0)] = format_ ? math::floatToBfloat16(value) : math::floatToHalf(value);
        }
      });
    });
  }
  int64_t elements() const { return walk_.elements(); }

private:
  const Tensor* half_;
  const Tensor* image_;
  StridedWalk<2> walk_;
  int format_;
  const VectorKernels* kernels_ = nullptr;
};

class HalfKernel final : public Kernel {
public:
  bool build(const Node& node, const KernelConfig& config, KernelFactory make, uint8_t* workspace,
             std::string& error) {
    vectors_ = vectorKernels(config.isa);
    image_.type = node.type;
    image_.name = node.name;
    image_.attrs = node.attrs;
    images_.reserve(node.inputs.size() + node.outputs.size()); // addresses are kept
    for (const Tensor* t : node.inputs)
      image_.inputs.push_back(t && isHalf(*t) ? addInput(*t, workspace) : t);
    for (Tensor* t : node.outputs) image_.outputs.push_back(isHalf(*t) ? addOutput(*t, workspace) : t);
    inner_ = make(image_, config, error);
    return inner_ != nullptr;
  }

  void run(Context& context) override {
    for (const Conversion& input : inputs_) input.widen(context.pool);
    inner_->run(context);
    if (context.failure) return;
    for (const Conversion& output : outputs_) output.narrow(context.pool);
  }
  size_t scratchBytes() const override { return inner_->scratchBytes(); }
  size_t packedBytes() const override { return inner_->packedBytes() + constantBytes_; }
  const char* name() const override { return inner_->name(); }

private:
  Tensor* addImage(const Tensor& t) {
    images_.push_back(imageOf(t));
    return &images_.back();
  }
  const Tensor* addInput(const Tensor& t, uint8_t*& workspace) {
    Tensor* image = addImage(t);
    if (!t.constant) {
      image->data = workspace;
      workspace += imageBytes(t);
      inputs_.emplace_back(t, *image, vectors_);
      return image;
    }
    constantBytes_ += imageBytes(t);
    constants_.emplace_back(new float[imageBytes(t) / sizeof(float)]);
    image->data = constants_.back().get();
    Conversion(t, *image, vectors_).widen(0, t.shape().elements());
    return image;
  }
  Tensor* addOutput(const Tensor& t, uint8_t*& workspace) {
    Tensor* image = addImage(t);
    image->data = workspace;
    workspace += imageBytes(t);
    outputs_.emplace_back(t, *image, vectors_);
    return image;
  }

  Node image_;
  std::vector<Tensor> images_;
  std::vector<std::unique_ptr<float[]>> constants_;
  size_t constantBytes_ = 0;
  std::vector<Conversion> inputs_, outputs_;
  const VectorKernels* vectors_ = nullptr;
  std::unique_ptr<Kernel> inner_;
};
} // namespace

bool needsHalfAdaptor(const Node& node) {
  for (const char* type : kAnyTypeOps)
    if (node.type == type) return false;
  for (const Tensor* t : node.inputs)
    if (t && isHalf(*t)) return true;
  for (const Tensor* t : node.outputs)
    if (isHalf(*t)) return true;
  return false;
}

size_t halfWorkspaceBytes(const Node& node) {
  size_t bytes = 0;
  for (const Tensor* t : node.inputs)
    if (t && isHalf(*t) && !t->constant) bytes += imageBytes(*t);
  for (const Tensor* t : node.outputs)
    if (isHalf(*t)) bytes += imageBytes(*t);
  return bytes;
}

std::unique_ptr<Kernel> makeHalfKernel(const Node& node, const KernelConfig& config, KernelFactory make,
                                       uint8_t* workspace, std::string& error) {
  auto kernel = std::make_unique<HalfKernel>();
  if (!kernel->build(node, config, make, workspace, error)) return nullptr;
  return kernel;
}

} // namespace burin::rt
