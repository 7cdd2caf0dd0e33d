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

int64_t weightsPerInput(const Section& s, int64_t channels) {
  const std::string kind = s.text("weights_type", "none");
  return kind == "none" ? 0 : kind == "per_channel" ? channels : 1; // per_feature, per_layer
}

Result<Measured> measureShortcut(const Section& s, const std::vector<Size>& inputs) {
  for (const Size& in : inputs)
    if (!samePlane(in, inputs[0])) return invalid(fmt::format("adds {} to {}", text(in), text(inputs[0])));
  return Measured{inputs[0], weightsPerInput(s, inputs[0].channels) * static_cast<int64_t>(inputs.size())};
}

// What x lacks of `channels` is zero, what it has beyond is left out.
Value withChannels(LayerContext& c, Value x, int64_t channels) {
  const int64_t given = RuleContext::dims(x)[1];
  if (given > channels) return c.op.slice(x, 1, 0, channels);
  if (given == channels) return x;
  return c.op.emit("pad", {x},
                   c.op.attrs().ints("pads", {0, 0, 0, 0, 0, channels - given, 0, 0}).s("mode", "constant"));
}

// The weights of a shortcut: a row for each input, of one number or of one per channel. Normalized, the rows
// add up to (almost) one; Darknet does that when it prepares a network for detection.
Value shortcutWeights(LayerContext& c, int64_t perInput) {
  Value w = c.take("weights", {c.op.inputCount(), perInput});
  const std::string mode = c.section.text("weights_normalization", "none");
  auto number = [&](double value) { return c.op.scalar(value, rt::DType::F32); };
  if (mode == "none") return w;
  if (mode == "relu" || mode == "avg_relu")
    w = c.op.binary("max", w, number(0.001));
  else if (mode == "softmax")
    w = c.op.unary("exp", c.op.sub(w, c.op.reduce("max", w, {0}, true)));
  else
    c.op.unsupported(fmt::format("weights_normalization '{}' is not known", mode),
                     "known are none, relu and softmax");
  return c.op.div(w, c.op.add(c.op.reduce("sum", w, {0}, true), number(0.0001)));
}

void finish(LayerContext& c, Value y) {
  c.result(y);
  const std::string activation = c.section.text("activation", "linear");
  if (activation != "linear") c.result(activated(c, y, activation));
}

void importShortcut(LayerContext& c) {
  for (int i = 0; i < c.op.inputCount(); ++i)
    if (RuleContext::rank(c.op.in(i)) != 4) return c.op.unsupported("adds what is no picture");
  const int64_t channels = c.dims()[1], perInput = weightsPerInput(c.section, channels);
  Value weights = perInput ? shortcutWeights(c, perInput) : Value(), y;
  for (int i = 0; i < c.op.inputCount() && !c.op.failed(); ++i) {
    Value part = withChannels(c, c.op.in(i), channels);
    if (weights) part = c.op.mul(part, c.op.reshape(c.op.slice(weights, 0, i, 1), {1, perInput, 1, 1}));
    y = y ? c.op.add(y, part) : part;
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

const OperatorTable<LayerRow> kJoiningLayers = {kRows, std::size(kRows)};

} // namespace burin::darknet
