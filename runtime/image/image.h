// Views of 8-bit pictures: interleaved channels, rows `stride` bytes apart, nobody's memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace burin::rt {

// No picture larger than this is decoded or resized (width * height, in pixels).
constexpr int64_t kMaxPixels = 100'000'000;

template <class Byte>
struct BasicImageView {
  Byte* data = nullptr;
  int32_t width = 0;    // pixels
  int32_t height = 0;   // pixels
  int32_t channels = 0; // bytes per pixel; 3 means B, G, R in this order
  ptrdiff_t stride = 0; // bytes from one row to the next

  Byte* row(int64_t y) const { return data + y * stride; }
  ptrdiff_t rowBytes() const { return static_cast<ptrdiff_t>(width) * channels; }
  bool empty() const { return data == nullptr || width <= 0 || height <= 0 || channels <= 0; }
};

using ImageView = BasicImageView<const uint8_t>;
using MutableImageView = BasicImageView<uint8_t>;

inline ImageView readOnly(const MutableImageView& view) {
  return {view.data, view.width, view.height, view.channels, view.stride};
}

// Rows without gaps.
template <class Byte>
BasicImageView<Byte> denseView(Byte* data, int32_t width, int32_t height, int32_t channels) {
  return {data, width, height, channels, static_cast<ptrdiff_t>(width) * channels};
}

// Part of a picture, in pixels. Coordinates are 64-bit because a resized panorama that is never stored as a
// whole may be longer than any stored picture.
struct Region {
  int64_t x = 0;
  int64_t y = 0;
  int32_t width = 0;
  int32_t height = 0;
};

} // namespace burin::rt
