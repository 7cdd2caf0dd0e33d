// Layers that join several others.
#include "lib/import/darknet/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::darknet {

namespace {
tl::unexpected<Error> invalid(const std::string& message) { return fail(ErrorCode::Input, message); }

std::string text(const Size& s) { return fmt::format("{}x{}x{}", s.channels, s.height, s.width); }

bool samePlane(const Size& a, const Size& b) { return a.height == b.height && a.width == b.width; }

// `layers` behind each other; of each only one of `groups` parts.
Result<Measured> measureRoute(const Section& s, const std::vector<Size>& inputs) {
  const int64_t groups = s.integer("groups", 1), part = s.integer("group_id", 0);
  Size out{0, inputs[0].height, inputs[0].width};
  for (const Size& in : inputs) {
    if (!samePlane(in, inputs[0])) return invalid(fmt::format("joins {} and {}", text(inputs[0]), text(in)));
    if (groups < 1 || in.channels % groups || part < 0 || part >= groups)
      return invalid(fmt::format("takes part {} of {} channels in {} groups", part, in.channels, groups));
    out.channels += in.channels / groups;
  }
  return Measured{out};
}

void importRoute(LayerContext& c) {
  const int64_t groups = c.section.integer("groups", 1), part = c.section.integer("group_id", 0);
  std::vector<Value> parts;
  for (int i = 0; i < c.op.inputCount(); ++i) {
    const int64_t channels = RuleContext::dims(c.op.in(i))[1] / groups;
    parts.push_back(groups == 1 ? c.op.in(i) : c.op.slice(c.op.in(i), 1, part * channels, channels));
  }
  c.result(parts.size() == 1 ? parts[0] : c.op.concat(parts, 1));
}

Result<Measured> measureShortcut(const Section& s, const std::vector<Size>& inputs) {
  for (const Size& in : inputs)
    if (!samePlane(in, inputs[0])) return invalid(fmt::format("adds {} to {}", text(in), text(inputs[0])));
  const std::string kind = s.text("weights_type", "none");
  const int64_t each = kind == "none" ? 0 : kind == "per_channel" ? inputs[0].channels : 1;
  return Measured{inputs[0], each * static_cast<int64_t>(inputs.size())};
}

// Adds the channels that both have; the others stay.
Value added(LayerContext& c, Value sum, Value other) {
  const int64_t channels = RuleContext::dims(sum)[1], given = RuleContext::dims(other)[1];
  if (given > channels) other = c.op.slice(other, 1, 0, channels);
  if (given < channels && other)
    other =
        c.op.emit("pad", {other},
                  c.op.attrs().ints("pads", {0, 0, 0, 0, 0, channels - given, 0, 0}).s("mode", "constant"));
  return c.op.add(sum, other);
}

void finish(LayerContext& c, Value y) {
  c.result(y);
  const std::string activation = c.section.text("activation", "linear");
  if (activation != "linear") c.result(activated(c, y, activation));
}

void importShortcut(LayerContext& c) {
  if (c.section.text("weights_type", "none") != "none")
    return c.op.unsupported("a weighted shortcut is not supported");
  Value y = c.x;
  for (int i = 1; i < c.op.inputCount() && !c.op.failed(); ++i) {
    if (RuleContext::rank(y) != 4 || RuleContext::rank(c.op.in(i)) != 4)
      return c.op.unsupported("adds what is no picture");
    y = added(c, y, c.op.in(i));
  }
  finish(c, y);
}

// The named layer's channels, each times a value of this one; with scale_wh each pixel.
Result<Measured> measureScaleChannels(const Section& s, const std::vector<Size>& inputs) {
  if (inputs.size() != 2) return invalid("needs one layer in 'from'");
  const Size factors = inputs[0], from = inputs[1];
  const bool fits = s.flag("scale_wh")
                        ? factors.channels == 1 && samePlane(factors, from)
                        : factors.channels == from.channels && factors.elements() == from.channels;
  if (!fits) return invalid(fmt::format("scales {} by {}", text(from), text(factors)));
  return Measured{from};
}

void importScaleChannels(LayerContext& c) {
  Value factors = c.x;
  if (RuleContext::rank(factors) == 2) {
    const Ints d = c.dims();
    factors = c.op.reshape(factors, {d[0], d[1], 1, 1});
  }
  finish(c, c.op.mul(c.op.in(1), factors));
}

Result<Measured> measureSam(const Section&, const std::vector<Size>& inputs) {
  if (inputs.size() != 2) return invalid("needs one layer in 'from'");
  if (!samePlane(inputs[0], inputs[1]) || inputs[0].channels != inputs[1].channels)
    return invalid(fmt::format("multiplies {} by {}", text(inputs[1]), text(inputs[0])));
  return Measured{inputs[0]};
}

void importSam(LayerContext& c) { finish(c, c.op.mul(c.x, c.op.in(1))); }

const LayerRow kRows[] = {
    {"route", importRoute, measureRoute, Reads::Named, "model"},
    {"shortcut", importShortcut, measureShortcut, Reads::PreviousAndNamed, "model"},
    {"scale_channels", importScaleChannels, measureScaleChannels, Reads::PreviousAndNamed, "fixture"},
    {"sam", importSam, measureSam, Reads::PreviousAndNamed, "fixture"},
};
} // namespace

const LayerTable kJoiningLayers = {kRows, std::size(kRows)};

} // namespace burin::darknet
