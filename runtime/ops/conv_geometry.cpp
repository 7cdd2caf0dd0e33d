#include "runtime/ops/conv_geometry.h"

#include "runtime/ops/infer_check.h"

namespace burin::rt {

namespace {

std::string text(int64_t value) { return std::to_string(value); }

// Reads `count` integers of at least `least`; an absent attribute gives `fallback`.
bool readInts(const Signature& signature, const char* name, int count, int64_t least, int64_t fallback,
              int64_t* values, std::string& error) {
  const bool present = signature.attrs.has(name);
  if (present && !checkInts(signature, name, count, least, kMaxElements, error)) return false;
  for (int i = 0; i < count; ++i) values[i] = present ? signature.attrs.ints(name)[i] : fallback;
  return true;
}

// Everything convolution and transposed convolution have in common. `padEnd` has one value per normalised
// axis.
bool parseCommon(const Signature& signature, ConvGeometry& g, Spatial& padEnd, std::string& error) {
  const Shape &x = signature.input(0)->shape, &w = signature.input(1)->shape;
  const int rank = x.rank - 2;
  if (rank < 1 || rank > kSpatial)
    return reject(error, "the input has rank " + text(x.rank) + ", a convolution takes rank 3, 4 or 5");
  if (w.rank != x.rank)
    return reject(error, "the weights have rank " + text(w.rank) + ", the input has rank " + text(x.rank));
  for (int i = 0; i < w.rank; ++i)
    if (w[i] < 1) return reject(error, "the weights of shape " + toString(w) + " are empty");
  int64_t strides[kSpatial], dilations[kSpatial], pads[2 * kSpatial];
  if (!readInts(signature, "strides", rank, 1, 1, strides, error) ||
      !readInts(signature, "dilations", rank, 1, 1, dilations, error) ||
      !readInts(signature, "pads", 2 * rank, 0, 0, pads, error) ||
      !readInts(signature, "groups", 1, 1, 1, &g.groups, error))
    return false;
  padEnd = {0, 0, 0};
  for (int i = 0; i < rank; ++i) {
    const int axis = kSpatial - rank + i;
    g.in[axis] = x[2 + i];
    g.kernel[axis] = w[2 + i];
    g.stride[axis] = strides[i];
    g.dilation[axis] = dilations[i];
    g.padBegin[axis] = pads[i];
    padEnd[axis] = pads[rank + i];
    if (g.kernel[axis] - 1 > kMaxElements / g.dilation[axis])
      return reject(error, "kernel " + text(g.kernel[axis]) + " with dilation " + text(g.dilation[axis]) +
                               " is too large");
  }
  g.batch = x[0];
  g.channels = x[1];
  if (g.channels < 1 || g.channels % g.groups != 0)
    return reject(error,
                  text(g.channels) + " input channels cannot be divided into " + text(g.groups) + " groups");
  return true;
}

} // namespace

bool ConvGeometry::isPointwise() const {
  for (int i = 0; i < kSpatial; ++i)
    if (kernel[i] != 1 || padBegin[i] != 0 || (out[i] - 1) * stride[i] >= in[i]) return false;
  return true;
}

ConvStrides convStrides(const Tensor& tensor) {
  ConvStrides strides;
  strides.outer = tensor.stride[0];
  strides.inner = tensor.stride[1];
  const int rank = tensor.shape().rank - 2;
  for (int i = 0; i < rank; ++i) strides.spatial[kSpatial - rank + i] = tensor.stride[2 + i];
  return strides;
}

bool parseConv(const Signature& signature, ConvGeometry& g, std::string& error) {
  const Shape &x = signature.input(0)->shape, &w = signature.input(1)->shape;
  Spatial padEnd;
  if (!parseCommon(signature, g, padEnd, error)) return false;
  g.outputs = w[0];
  if (w[1] != g.groupChannels() || g.outputs % g.groups != 0)
    return reject(error, "weights of shape " + toString(w) + " do not fit " + text(g.channels) +
                             " input channels in " + text(g.groups) + " groups");
  for (int i = 0; i < kSpatial; ++i) {
    const int64_t padded = g.in[i] + g.padBegin[i] + padEnd[i];
    const int64_t window = g.dilation[i] * (g.kernel[i] - 1) + 1;
    if (padded < window)
      return reject(error, "the kernel spans " + text(window) + " positions but the padded input has only " +
                               text(padded));
    g.out[i] = (padded - window) / g.stride[i] + 1;
  }
  return checkShape(convResultShape(g, x.rank), error);
}

bool parseConvTranspose(const Signature& signature, ConvGeometry& g, std::string& error) {
  const Shape &x = signature.input(0)->shape, &w = signature.input(1)->shape;
  Spatial padEnd;
  if (!parseCommon(signature, g, padEnd, error)) return false;
  if (w[0] != g.channels || w[1] > kMaxElements / g.groups)
    return reject(error,
                  "weights of shape " + toString(w) + " do not fit " + text(g.channels) + " input channels");
  g.outputs = w[1] * g.groups;
  const int rank = x.rank - 2;
  int64_t outputPads[kSpatial];
  if (!readInts(signature, "output_pads", rank, 0, 0, outputPads, error)) return false;
  for (int i = 0; i < kSpatial; ++i) {
    const int normalised = i - (kSpatial - rank);
    const int64_t extra = normalised < 0 ? 0 : outputPads[normalised];
    if (g.in[i] < 1 || g.in[i] > kMaxElements / g.stride[i])
      return reject(error, "input extent " + text(g.in[i]) + " with stride " + text(g.stride[i]) +
                               " is empty or too large");
    g.out[i] = (g.in[i] - 1) * g.stride[i] + g.dilation[i] * (g.kernel[i] - 1) + 1 + extra - g.padBegin[i] -
               padEnd[i];
    if (g.out[i] < 1) return reject(error, "the pads leave an output extent of " + text(g.out[i]));
  }
  return checkShape(convResultShape(g, x.rank), error);
}

Shape convResultShape(const ConvGeometry& g, int rank) {
  Shape shape{g.batch, g.outputs};
  for (int i = kSpatial - (rank - 2); i < kSpatial; ++i) shape.push(g.out[i]);
  return shape;
}

} // namespace burin::rt
