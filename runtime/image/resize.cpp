#include "runtime/image/resize.h"

#include <algorithm>
#include <cstring>

namespace burin::rt {
namespace {

constexpr float kWeightOne = 2048.0f; // 11 bits

// One source position of an output coordinate.
struct Position {
  int64_t first; // floor of the source coordinate; may lie outside the picture
  float fraction;
};

// The order and the types of the operations are part of the result: the coordinate is formed in double, cut
// to float, and only then split.
Position sourcePosition(int64_t outIndex, double scale) {
  float coordinate = static_cast<float>((static_cast<double>(outIndex) + 0.5) * scale - 0.5);
  auto first = static_cast<int64_t>(coordinate);
  if (static_cast<float>(first) > coordinate) --first;
  return {first, coordinate - static_cast<float>(first)};
}

// Source pixels per output pixel. The detour over the reciprocal is OpenCV's, and rounds differently from in
// / out.
double sourceScale(int64_t in, int64_t out) {
  return 1.0 / (static_cast<double>(out) / static_cast<double>(in));
}

// A weight in 0..1 as an 11-bit integer, rounded half to even.
int16_t fixedWeight(float weight) {
  float scaled = weight * kWeightOne;
  auto down = static_cast<int32_t>(scaled);
  float rest = scaled - static_cast<float>(down);
  if (rest > 0.5f || (rest == 0.5f && (down & 1))) ++down;
  return static_cast<int16_t>(down);
}

template <int Channels, class Tap>
void horizontalRow(const uint8_t* source, const Tap* taps, size_t count, int16_t* out) {
  for (size_t i = 0; i < count; ++i) {
    const Tap tap = taps[i];
    const uint8_t* left = source + tap.left;
    const uint8_t* right = source + tap.right;
    for (int c = 0; c < Channels; ++c)
      out[i * Channels + c] =
          static_cast<int16_t>((left[c] * tap.weightLeft + right[c] * tap.weightRight) >> 4);
  }
}

// 2^11 * 255 >> 4 fits 16 bits, so both products are 16 x 16 -> high half, as in OpenCV's vector code.
void verticalRow(const int16_t* top, const int16_t* bottom, int16_t weightTop, int16_t weightBottom,
                 size_t count, uint8_t* out) {
  for (size_t i = 0; i < count; ++i) {
    auto high = static_cast<int16_t>((top[i] * weightTop) >> 16);
    auto low = static_cast<int16_t>((bottom[i] * weightBottom) >> 16);
    out[i] = static_cast<uint8_t>((high + low + 2) >> 2);
  }
}

template <int Channels>
void averageRow(const uint8_t* top, const uint8_t* bottom, int32_t count, uint8_t* out) {
  for (int32_t i = 0; i < count; ++i)
    for (int c = 0; c < Channels; ++c) {
      int32_t at = 2 * i * Channels + c;
      int sum = top[at] + top[at + Channels] + bottom[at] + bottom[at + Channels];
      out[i * Channels + c] = static_cast<uint8_t>((sum + 2) >> 2);
    }
}

void halve(const ImageView& source, const Region& region, const MutableImageView& out) {
  for (int32_t y = 0; y < region.height; ++y) {
    const uint8_t* top = source.row(2 * (region.y + y)) + 2 * region.x * source.channels;
    const uint8_t* bottom = top + source.stride;
    switch (source.channels) {
    case 1:
      averageRow<1>(top, bottom, region.width, out.row(y));
      break;
    case 3:
      averageRow<3>(top, bottom, region.width, out.row(y));
      break;
    default:
      averageRow<4>(top, bottom, region.width, out.row(y));
      break;
    }
  }
}

bool fits(const ImageView& source, int64_t fullWidth, int64_t fullHeight, const Region& region,
          const MutableImageView& out) {
  if (source.empty() || out.empty() || fullWidth <= 0 || fullHeight <= 0) return false;
  if (source.channels != 1 && source.channels != 3 && source.channels != 4) return false;
  if (out.channels != source.channels || out.width != region.width || out.height != region.height)
    return false;
  if (static_cast<int64_t>(source.width) * source.height > kMaxPixels) return false;
  if (region.x < 0 || region.x > fullWidth - region.width) return false;
  return region.y >= 0 && region.y <= fullHeight - region.height;
}

} // namespace

void BilinearResizer::makeTaps(const ImageView& source, int64_t fullWidth, const Region& region) {
  taps_.resize(static_cast<size_t>(region.width));
  double scale = sourceScale(source.width, fullWidth);
  int64_t last = source.width - 1;
  for (int32_t i = 0; i < region.width; ++i) {
    Position position = sourcePosition(region.x + i, scale);
    // Outside the picture the weights collapse to one pixel horizontally (vertically they do not: see run()).
    if (position.first < 0) position = {0, 0.0f};
    if (position.first >= last) position = {last, 0.0f};
    int64_t next = std::min(position.first + 1, last);
    taps_[static_cast<size_t>(i)] = {static_cast<int32_t>(position.first * source.channels),
                                     static_cast<int32_t>(next * source.channels),
                                     fixedWeight(1.0f - position.fraction), fixedWeight(position.fraction)};
  }
}

const int16_t* BilinearResizer::horizontal(const ImageView& source, int32_t sourceRow, int slot) {
  int16_t* out = rows_.data() + static_cast<size_t>(slot) * rowLength_;
  if (cached_[slot] == sourceRow) return out;
  cached_[slot] = sourceRow;
  const uint8_t* pixels = source.row(sourceRow);
  switch (source.channels) {
  case 1:
    horizontalRow<1>(pixels, taps_.data(), taps_.size(), out);
    break;
  case 3:
    horizontalRow<3>(pixels, taps_.data(), taps_.size(), out);
    break;
  default:
    horizontalRow<4>(pixels, taps_.data(), taps_.size(), out);
    break;
  }
  return out;
}

bool BilinearResizer::run(const ImageView& source, int64_t fullWidth, int64_t fullHeight,
                          const Region& region, const MutableImageView& out) {
  if (!fits(source, fullWidth, fullHeight, region, out)) return false;
  if (source.width == 2 * fullWidth && source.height == 2 * fullHeight) {
    halve(source, region, out);
    return true;
  }
  makeTaps(source, fullWidth, region);
  rowLength_ = static_cast<size_t>(region.width) * static_cast<size_t>(source.channels);
  rows_.resize(2 * rowLength_);
  cached_[0] = cached_[1] = -1;
  double scale = sourceScale(source.height, fullHeight);
  int64_t last = source.height - 1;
  for (int32_t y = 0; y < region.height; ++y) {
    Position position = sourcePosition(region.y + y, scale);
    // At the edges both rows are the same one, but its two weights stay: each product is cut off on its own.
    auto top = static_cast<int32_t>(std::clamp<int64_t>(position.first, 0, last));
    auto bottom = static_cast<int32_t>(std::clamp<int64_t>(position.first + 1, 0, last));
    // Even rows live in slot 0 and odd ones in slot 1, so that neighbours never evict each other.
    const int16_t* topRow = horizontal(source, top, top & 1);
    const int16_t* bottomRow = horizontal(source, bottom, bottom & 1);
    verticalRow(topRow, bottomRow, fixedWeight(1.0f - position.fraction), fixedWeight(position.fraction),
                rowLength_, out.row(y));
  }
  return true;
}

bool BilinearResizer::run(const ImageView& source, const MutableImageView& out) {
  return run(source, out.width, out.height, Region{0, 0, out.width, out.height}, out);
}

} // namespace burin::rt
