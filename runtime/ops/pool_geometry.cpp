#include "runtime/ops/pool_geometry.h"

namespace burin::rt {

namespace {
constexpr int64_t kMaxWindow = int64_t{1} << 31; // of kernel, stride, dilation and pad

int64_t numberOr(const std::vector<int64_t>& values, int i, int64_t fallback) {
  return values.empty() ? fallback : values[static_cast<size_t>(i)];
}

// The largest output length (ceil_mode) of an axis; 0 when the window does not fit.
int64_t largestOutput(int64_t input, int64_t kernel, int64_t stride, int64_t dilation, int64_t pads) {
  if (kernel - 1 > kMaxElements / dilation) return 0;
  const int64_t room = input + pads - ((kernel - 1) * dilation + 1);
  return room <= -stride ? 0 : (room + stride - 1) / stride + 1;
}

bool checkWindow(const Signature& signature, int spatial, std::string& error) {
  const Attrs& attrs = signature.attrs;
  return checkInts(signature, "kernel", spatial, 1, kMaxWindow, error) &&
         (!attrs.has("strides") || checkInts(signature, "strides", spatial, 1, kMaxWindow, error)) &&
         (!attrs.has("dilations") || checkInts(signature, "dilations", spatial, 1, kMaxWindow, error)) &&
         (!attrs.has("pads") || checkInts(signature, "pads", 2 * spatial, 0, kMaxWindow, error)) &&
         checkInts(signature, "sizes", spatial, 0, kMaxElements, error);
}
} // namespace

bool inferPoolShape(const Signature& signature, Shape& shape, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const Shape& x = signature.input(0)->shape;
  const int spatial = x.rank - 2;
  if (spatial < 1 || spatial > 3)
    return reject(error, "the operand has " + std::to_string(x.rank) +
                             " axes; 1 to 3 spatial ones after batch and channel are supported");
  if (!checkWindow(signature, spatial, error)) return false;
  const Attrs& attrs = signature.attrs;
  shape = Shape{x[0], x[1]};
  for (int i = 0; i < spatial; ++i) {
    const int64_t size = attrs.ints("sizes")[static_cast<size_t>(i)];
    const int64_t pads = numberOr(attrs.ints("pads"), i, 0) + numberOr(attrs.ints("pads"), i + spatial, 0);
    const int64_t largest =
        largestOutput(x[i + 2], attrs.ints("kernel")[static_cast<size_t>(i)],
                      numberOr(attrs.ints("strides"), i, 1), numberOr(attrs.ints("dilations"), i, 1), pads);
    if (size > largest)
      return reject(error, "size " + std::to_string(size) + " of spatial axis " + std::to_string(i) +
                               " is more than the windows over " + std::to_string(x[i + 2]) +
                               " elements give, which is " + std::to_string(largest));
    shape.push(size);
  }
  return checkShape(shape, error);
}

PoolGeometry poolGeometry(const Attrs& attrs, const Tensor& x, const Tensor& y) {
  PoolGeometry g;
  const Shape& shape = x.type.shape;
  const int spatial = shape.rank - 2;
  g.batch = shape[0];
  g.channels = shape[1];
  g.batchX = x.stride[0];
  g.batchY = y.stride[0];
  g.channelX = x.stride[1];
  g.channelY = y.stride[1];
  for (int i = 0; i < spatial; ++i) {
    PoolAxis& axis = g.axis[3 - spatial + i];
    axis.input = shape[i + 2];
    axis.output = y.type.shape[i + 2];
    axis.kernel = attrs.ints("kernel")[static_cast<size_t>(i)];
    axis.stride = numberOr(attrs.ints("strides"), i, 1);
    axis.dilation = numberOr(attrs.ints("dilations"), i, 1);
    axis.padBegin = numberOr(attrs.ints("pads"), i, 0);
    axis.padEnd = numberOr(attrs.ints("pads"), i + spatial, 0);
    axis.stepX = x.stride[i + 2];
    axis.stepY = y.stride[i + 2];
  }
  return g;
}

} // namespace burin::rt
