#include "runtime/ops/conv_stage.h"

#include <algorithm>
#include <type_traits>

namespace burin::rt {

namespace {

// Bytes a tile may read behind the last pixel (the rest of a step).
constexpr size_t kSlack = 64;

template <class T>
T paddingValue(int32_t zero) {
  return static_cast<T>(zero);
}

// One pixel row: `count` pixels of `channels` values, from any strides to contiguous groups of channels.
template <class From, class To>
void stageRow(const RowImage& image, const From* x, int64_t pixelStep, int64_t channelStep, int32_t shift,
              int64_t count, To* out) {
  const int64_t groupChannels = image.channels / image.groups;
  const int64_t pixel = image.pixelBytes / static_cast<int64_t>(sizeof(To));
  const int64_t group = image.groupBytes / static_cast<int64_t>(sizeof(To));
  auto convert = [&](From value) {
    if constexpr (std::is_same_v<From, float>)
      return value;
    else
      return static_cast<To>(value + shift);
  };
  if (channelStep == 1 && pixelStep == image.channels && pixel == image.channels) {
    for (int64_t i = 0; i < count * pixel; ++i) out[i] = convert(x[i]);
    return;
  }
  for (int64_t g = 0; g < image.groups; ++g, x += groupChannels * channelStep, out += group) {
    if (channelStep == 1) {
      for (int64_t p = 0; p < count; ++p)
        for (int64_t c = 0; c < groupChannels; ++c) out[p * pixel + c] = convert(x[p * pixelStep + c]);
    } else {
      for (int64_t c = 0; c < groupChannels; ++c)
        for (int64_t p = 0; p < count; ++p) out[p * pixel + c] = convert(x[p * pixelStep + c * channelStep]);
    }
  }
}

template <class From, class To>
void stageRows(const RowImage& image, const Tensor& x, uint8_t* staged, int32_t shift, int32_t zero,
               int64_t begin, int64_t end) {
  const ConvStrides strides = convStrides(x);
  const int64_t pixel = image.pixelBytes / static_cast<int64_t>(sizeof(To));
  const To padding = paddingValue<To>(zero);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t rowsPerSample = image.in[0] * image.in[1];
    const Spatial at{row % rowsPerSample / image.in[1], row % image.in[1], 0};
    const From* from = x.as<const From>() + row / rowsPerSample * strides.outer + strides.at(at);
    To* out = reinterpret_cast<To*>(staged + row * image.rowBytes());
    const int64_t inner = std::min(image.in[2], image.width - image.padLeft);
    std::fill(out, out + image.padLeft * pixel, padding);
    stageRow<From, To>(image, from, strides.spatial[2], strides.inner, shift, inner,
                       out + image.padLeft * pixel);
    std::fill(out + (image.padLeft + inner) * pixel, out + image.width * pixel, padding);
  }
}

// True when a kernel of this format can read the stored values as they are.
bool isStoredAs(DType dtype, const StageFormat& format) {
  if (format.element == RowElement::F32) return dtype == DType::F32;
  if (format.element == RowElement::I16) return dtype == DType::I16;
  return dtype == (format.acceptsSignedBytes ? DType::I8 : DType::U8);
}

template <class T>
void unstageRows(const uint8_t* staged, const Tensor& y, int64_t begin, int64_t end) {
  const Shape& shape = y.shape();
  const ConvStrides strides = convStrides(y);
  const int64_t channels = shape[1];
  Spatial out{1, 1, 1};
  for (int i = 2; i < shape.rank; ++i) out[kSpatial - shape.rank + i] = shape[i];
  const T* from = reinterpret_cast<const T*>(staged) + begin * out[2] * channels;
  for (int64_t row = begin; row < end; ++row, from += out[2] * channels) {
    const int64_t rowsPerSample = out[0] * out[1];
    T* to = y.as<T>() + row / rowsPerSample * strides.outer +
            strides.at({row % rowsPerSample / out[1], row % out[1], 0});
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t p = 0; p < out[2]; ++p)
        to[c * strides.inner + p * strides.spatial[2]] = from[p * channels + c];
  }
}

} // namespace

int64_t pixelStride(const Tensor& tensor) {
  const Shape& shape = tensor.shape();
  for (int i = shape.rank - 1; i >= 0; --i)
    if (i != 1 && shape[i] > 1) return tensor.stride[i];
  return shape[1];
}

int32_t stagingShift(DType dtype, RowElement element) {
  return dtype == DType::I8 && element == RowElement::U8 ? 128 : 0;
}

InputStage::InputStage(const Tensor& x, const ConvGeometry& g, const StageFormat& format) : format_(format) {
  const int64_t bytes = format.element == RowElement::F32 ? 4 : format.element == RowElement::I16 ? 2 : 1;
  const int64_t groupChannels = g.channels / format.groups;
  image_.batch = g.batch;
  image_.in = g.in;
  image_.channels = g.channels;
  image_.groups = format.groups;
  image_.width = g.in[2];
  needed_ = format.mergedWidth > 0 || !isStoredAs(x.dtype(), format) || !isChannelsLast(x) ||
            groupChannels % format.channelUnit != 0 || groupChannels < format.leastChannels;
  if (!needed_) {
    image_.pixelBytes = pixelStride(x) * bytes;
    image_.groupBytes = groupChannels * bytes;
    return;
  }
  int64_t padded = groupChannels;
  if (format.mergedWidth > 0) {
    image_.padLeft = g.padBegin[2];
    image_.width = format.mergedWidth;
  } else {
    padded = std::max((groupChannels + format.channelUnit - 1) / format.channelUnit * format.channelUnit,
                      format.leastChannels);
  }
  image_.groupBytes = padded * bytes;
  image_.pixelBytes = image_.groupBytes * format.groups;
}

size_t InputStage::scratchBytes() const {
  return needed_ ? roundUp(static_cast<size_t>(image_.rows() * image_.rowBytes()) + kSlack, kCacheLine) : 0;
}

void InputStage::run(ThreadPool& pool, const Tensor& x, uint8_t* staged, int32_t zero) const {
  const RowElement element = format_.element;
  const int32_t shift = format_.acceptsSignedBytes ? 0 : stagingShift(x.dtype(), element);
  pool.parallelFor(image_.rows(), 1, [&](int64_t begin, int64_t end, int) {
    if (element == RowElement::F32)
      stageRows<float, float>(image_, x, staged, shift, zero, begin, end);
    else if (element == RowElement::U8 && x.dtype() == DType::I8)
      stageRows<int8_t, uint8_t>(image_, x, staged, shift, zero, begin, end);
    else if (element == RowElement::U8)
      stageRows<uint8_t, uint8_t>(image_, x, staged, shift, zero, begin, end);
    else if (x.dtype() == DType::I8)
      stageRows<int8_t, int16_t>(image_, x, staged, shift, zero, begin, end);
    else if (x.dtype() == DType::U8)
      stageRows<uint8_t, int16_t>(image_, x, staged, shift, zero, begin, end);
    else
      stageRows<int16_t, int16_t>(image_, x, staged, shift, zero, begin, end);
  });
}

void unstageOutput(ThreadPool& pool, const uint8_t* staged, const Tensor& y) {
  const Shape& shape = y.shape();
  int64_t rows = shape[0];
  for (int i = 2; i < shape.rank - 1; ++i) rows *= shape[i];
  pool.parallelFor(rows, 1, [&](int64_t begin, int64_t end, int) {
    switch (dtypeBytes(y.dtype())) {
    case 1:
      return unstageRows<uint8_t>(staged, y, begin, end);
    case 2:
      return unstageRows<uint16_t>(staged, y, begin, end);
    default:
      return unstageRows<uint32_t>(staged, y, begin, end);
    }
  });
}

} // namespace burin::rt
