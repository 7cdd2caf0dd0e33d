// nn.roi_align (He et al., "Mask R-CNN", 2017), as ONNX RoiAlign: every bin is the mean or maximum of
// bilinear samples.
#include "runtime/ops/detection_ops.h"
#include "runtime/ops/index_reader.h"

#include <cmath>

namespace burin::rt {

bool inferRoiAlign(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 3, 3, error) || !checkChoice(signature, "mode", "avg max", error) ||
      !checkInts(signature, "sizes", 2, 1, 1 << 20, error) ||
      !checkInts(signature, "sampling_ratio", 1, 0, 1 << 10, error) ||
      !checkInts(signature, "half_pixel", 1, 0, 1, error))
    return false;
  const TensorType &x = *signature.input(0), &rois = *signature.input(1), &batch = *signature.input(2);
  if (!isFloat(x.dtype) || !isFloat(rois.dtype)) return reject(error, "operand and rois must be floats");
  if (x.shape.rank != 4)
    return reject(error, "the operand must have 4 axes, it has " + std::to_string(x.shape.rank));
  if (x.shape[2] < 1 || x.shape[3] < 1 || x.shape[2] > 1 << 24 || x.shape[3] > 1 << 24)
    return reject(error, "the operand's plane " + std::to_string(x.shape[2]) + "x" +
                             std::to_string(x.shape[3]) + " cannot be sampled");
  if (rois.shape.rank != 2 || rois.shape[1] != 4)
    return reject(error, "rois of shape " + toString(rois.shape) + " must be [rois, 4]");
  if (!checkIndexType(batch, "batch", error)) return false;
  if (batch.shape != Shape{rois.shape[0]})
    return reject(error, "batch of shape " + toString(batch.shape) +
                             " must hold one number for each of the " + std::to_string(rois.shape[0]) +
                             " rois");
  const Shape shape{rois.shape[0], x.shape[1], signature.attrs.ints("sizes")[0],
                    signature.attrs.ints("sizes")[1]};
  results = {{x.dtype, shape}};
  return checkShape(shape, error);
}

namespace {
constexpr float kMaxSamples = 1024; // per bin and axis; a larger roi has wrong coordinates

// One axis of a roi: bins of `size`, each with `samples` evenly spaced samples.
struct RoiAxis {
  float start = 0, size = 0;
  int64_t samples = 1;

  float at(int64_t bin, int64_t sample) const {
    return start + static_cast<float>(bin) * size +
           (static_cast<float>(sample) + 0.5f) * size / static_cast<float>(samples);
  }
};

// The neighbours of a coordinate and the weight of the upper one; false when it is outside the plane.
bool neighbours(float at, int64_t length, int64_t& low, int64_t& high, float& upper) {
  if (!(at >= -1) || at > static_cast<float>(length)) return false;
  at = at > 0 ? at : 0;
  low = static_cast<int64_t>(at);
  if (low >= length - 1) {
    low = high = length - 1;
    upper = 0;
    return true;
  }
  high = low + 1;
  upper = at - static_cast<float>(low);
  return true;
}

class RoiAlignKernel final : public Kernel {
public:
  explicit RoiAlignKernel(const Node& node) : node_(node) {
    scale_ = node.attrs.real("spatial_scale", 1);
    ratio_ = node.attrs.integer("sampling_ratio");
    halfPixel_ = node.attrs.integer("half_pixel") != 0;
    maximum_ = node.attrs.text("mode") == "max";
  }

  void run(Context& context) override {
    const Tensor &x = node_.in(0), &batch = node_.in(2), &y = node_.out();
    const int64_t rois = y.type.shape[0], channels = y.type.shape[1];
    const IndexReader read(batch);
    RoiAxis vertical, horizontal;
    for (int64_t r = 0; r < rois; ++r) {
      const int64_t image = read(r * batch.stride[0]);
      if (image < 0 || image >= x.type.shape[0])
        return context.fail("roi_align: a batch index is out of range");
      if (!axisOf(r, 1, vertical) || !axisOf(r, 0, horizontal))
        return context.fail("roi_align: a roi is not finite or too large");
    }
    context.pool.parallelFor(rois * channels, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        runPlane(i / channels, i % channels, read(i / channels * batch.stride[0]));
    });
  }

private:
  // axis 0 is x, 1 is y, as in a roi (x1, y1, x2, y2).
  bool axisOf(int64_t roi, int axis, RoiAxis& result) const {
    const Tensor &rois = node_.in(1), &y = node_.out();
    const float* p = rois.as<float>() + roi * rois.stride[0];
    const float offset = halfPixel_ ? 0.5f : 0.0f;
    const float begin = p[axis * rois.stride[1]] * scale_ - offset,
                end = p[(axis + 2) * rois.stride[1]] * scale_ - offset;
    float length = end - begin;
    if (!halfPixel_) length = length > 1 ? length : 1;
    result.start = begin;
    result.size = length / static_cast<float>(y.type.shape[axis == 0 ? 3 : 2]);
    if (!(begin > -1e9f && begin < 1e9f) || !(result.size > -kMaxSamples && result.size < kMaxSamples))
      return false;
    const int64_t whole = static_cast<int64_t>(result.size);
    result.samples = ratio_ > 0 ? ratio_ : whole + (static_cast<float>(whole) < result.size ? 1 : 0);
    return true;
  }

  void runPlane(int64_t roi, int64_t channel, int64_t image) const {
    const Tensor &x = node_.in(0), &y = node_.out();
    const float* plane = x.as<float>() + image * x.stride[0] + channel * x.stride[1];
    float* to = y.as<float>() + roi * y.stride[0] + channel * y.stride[1];
    RoiAxis vertical, horizontal;
    axisOf(roi, 1, vertical);
    axisOf(roi, 0, horizontal);
    for (int64_t h = 0; h < y.type.shape[2]; ++h)
      for (int64_t w = 0; w < y.type.shape[3]; ++w)
        to[h * y.stride[2] + w * y.stride[3]] = bin(plane, vertical, horizontal, h, w);
  }

  float bin(const float* plane, const RoiAxis& vertical, const RoiAxis& horizontal, int64_t h,
            int64_t w) const {
    float result = 0;
    bool first = true;
    for (int64_t i = 0; i < vertical.samples; ++i)
      for (int64_t j = 0; j < horizontal.samples; ++j) {
        const float value = sample(plane, vertical.at(h, i), horizontal.at(w, j));
        if (!maximum_)
          result += value;
        else if (first || value > result)
          result = value;
        first = false;
      }
    const int64_t count = vertical.samples * horizontal.samples;
    return maximum_ || count < 1 ? result : result / static_cast<float>(count);
  }

  // avg: the bilinear value; max: the greatest of the four weighted neighbours, as ONNX defines it.
  float sample(const float* plane, float atY, float atX) const {
    const Tensor& x = node_.in(0);
    int64_t y0, y1, x0, x1;
    float ly, lx;
    if (!neighbours(atY, x.type.shape[2], y0, y1, ly) || !neighbours(atX, x.type.shape[3], x0, x1, lx))
      return 0;
    const float hy = 1 - ly, hx = 1 - lx;
    const float* row0 = plane + y0 * x.stride[2];
    const float* row1 = plane + y1 * x.stride[2];
    const float a = row0[x0 * x.stride[3]], b = row0[x1 * x.stride[3]];
    const float c = row1[x0 * x.stride[3]], d = row1[x1 * x.stride[3]];
    const float wa = hy * hx, wb = hy * lx, wc = ly * hx, wd = ly * lx;
    if (!maximum_) return std::fma(wd, d, std::fma(wc, c, std::fma(wb, b, wa * a)));
    const float top = wa * a > wb * b ? wa * a : wb * b, bottom = wc * c > wd * d ? wc * c : wd * d;
    return top > bottom ? top : bottom;
  }

  const Node& node_;
  float scale_ = 1;
  int64_t ratio_ = 0;
  bool halfPixel_ = false, maximum_ = false;
};
} // namespace

std::unique_ptr<Kernel> makeRoiAlign(const Node& node, const KernelConfig&, std::string& error) {
  if (node.in(0).dtype() != DType::F32 || node.in(1).dtype() != DType::F32) {
    error = "16-bit floats need a cast to f32";
    return nullptr;
  }
  return std::make_unique<RoiAlignKernel>(node);
}

} // namespace burin::rt
