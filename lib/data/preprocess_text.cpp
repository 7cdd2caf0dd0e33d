#include "lib/data/preprocess_text.h"

#include <charconv>
#include <cmath>
#include <iterator>
#include <span>

namespace burin {
namespace {

constexpr const char* kPixels[] = {"rgb", "bgr", "gray", "rgba"};
constexpr const char* kLayouts[] = {"nchw", "nhwc"};
constexpr const char* kFits[] = {"stretch", "letterbox", "crop"};
constexpr const char* kAligns[] = {"center", "corner"};
constexpr int32_t kMaxResize = 65536;

tl::unexpected<Error> usage(const char* flag, std::string_view text, const std::string& allowed) {
  return fail(ErrorCode::Usage, std::string(flag) + " cannot be '" + std::string(text) + "'",
              "use " + allowed);
}

// The values of each enumeration are numbered as its names are listed.
template <class Enum, size_t N>
Status setNamed(const char* flag, const char* const (&names)[N], std::string_view text, Enum& out) {
  std::string allowed;
  for (size_t i = 0; i < N; ++i) {
    if (text == names[i]) {
      out = static_cast<Enum>(i);
      return {};
    }
    allowed += std::string(i == 0 ? "" : i + 1 == N ? " or " : ", ") + names[i];
  }
  return usage(flag, text, allowed);
}

template <class Number>
bool parseNumber(std::string_view text, Number& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

Status setChannels(const char* flag, rt::PixelOrder pixel, std::string_view text,
                   float (&out)[rt::kMaxImageChannels]) {
  size_t channels = static_cast<size_t>(rt::channelCount(pixel));
  std::vector<float> values;
  std::string_view rest = text;
  for (bool more = true; more && values.size() <= channels;) {
    size_t comma = rest.find(',');
    float value;
    if (!parseNumber(rest.substr(0, comma), value) || !std::isfinite(value))
      return usage(flag, text, "numbers separated by commas");
    values.push_back(value);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
  }
  if (values.size() != 1 && values.size() != channels)
    return usage(flag, text,
                 (channels > 1 ? "one number or " + std::to_string(channels) + " numbers" : "one number") +
                     std::string(": the pixel order is ") + pixelName(pixel));
  for (size_t c = 0; c < std::size(out); ++c)
    out[c] = values[values.size() == 1 ? 0 : std::min(c, channels - 1)];
  return {};
}

std::string listText(std::span<const float> values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += (i ? ", " : "") + numberText(values[i]);
  return out + "]";
}

std::string fitText(const rt::Preprocess& p) {
  std::string out = fitName(p.fit);
  std::string resize = resizeText(p);
  if (!resize.empty()) out += p.fit == rt::Fit::Crop ? " (short side " + resize + ")" : " to " + resize;
  if (p.fit == rt::Fit::Letterbox)
    out += std::string(" (") + padAlignName(p.padAlign) + ", padded with " + std::to_string(p.padValue) + ")";
  return out;
}

} // namespace

const char* pixelName(rt::PixelOrder pixel) { return kPixels[static_cast<size_t>(pixel)]; }
const char* layoutName(rt::TensorLayout layout) { return kLayouts[static_cast<size_t>(layout)]; }
const char* fitName(rt::Fit fit) { return kFits[static_cast<size_t>(fit)]; }
const char* padAlignName(rt::PadAlign align) { return kAligns[static_cast<size_t>(align)]; }

std::string resizeText(const rt::Preprocess& p) {
  if (p.resizeHeight == 0) return {};
  std::string out = std::to_string(p.resizeHeight);
  return p.resizeWidth == 0 ? out : out + "x" + std::to_string(p.resizeWidth);
}

std::string numberText(float value) {
  char text[32];
  auto [end, error] = std::to_chars(std::begin(text), std::end(text), value);
  return std::string(text, error == std::errc{} ? end : text);
}

Status setPixel(rt::Preprocess& p, std::string_view text) {
  return setNamed("--pixel", kPixels, text, p.pixel);
}
Status setLayout(rt::Preprocess& p, std::string_view text) {
  return setNamed("--layout", kLayouts, text, p.layout);
}
Status setFit(rt::Preprocess& p, std::string_view text) { return setNamed("--fit", kFits, text, p.fit); }
Status setPadAlign(rt::Preprocess& p, std::string_view text) {
  return setNamed("--pad-align", kAligns, text, p.padAlign);
}

Status setResize(rt::Preprocess& p, std::string_view text) {
  size_t cross = text.find('x');
  int32_t height = 0, width = 0;
  bool good = parseNumber(text.substr(0, cross), height) && height > 0 && height <= kMaxResize;
  if (good && cross != std::string_view::npos)
    good = parseNumber(text.substr(cross + 1), width) && width > 0 && width <= kMaxResize;
  if (!good) return usage("--resize", text, "N or HxW in pixels, such as 256 or 240x320");
  p.resizeHeight = height;
  p.resizeWidth = width;
  return {};
}

Status setPadValue(rt::Preprocess& p, std::string_view text) {
  int value;
  if (!parseNumber(text, value) || value < 0 || value > 255)
    return usage("--pad-value", text, "a whole number from 0 to 255");
  p.padValue = static_cast<uint8_t>(value);
  return {};
}

Status setMean(rt::Preprocess& p, std::string_view text) {
  return setChannels("--mean", p.pixel, text, p.mean);
}
Status setScale(rt::Preprocess& p, std::string_view text) {
  return setChannels("--scale", p.pixel, text, p.scale);
}

Status checkPreprocess(const rt::Preprocess& p) {
  if (p.fit == rt::Fit::Crop && p.resizeWidth != 0)
    return fail(ErrorCode::Usage,
                "--fit crop takes one number for --resize, the short side, not " + resizeText(p),
                "use --resize N, or --fit stretch");
  return {};
}

std::string describe(const rt::Preprocess& p) {
  auto channels = static_cast<size_t>(rt::channelCount(p.pixel));
  return std::string(pixelName(p.pixel)) + " " + layoutName(p.layout) + ", " + fitText(p) + ", (x - " +
         listText({p.mean, channels}) + ") * " + listText({p.scale, channels});
}

} // namespace burin
