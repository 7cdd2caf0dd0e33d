// Pooling, resizing and softmax: layers of one input without weights.
#include "lib/import/darknet/operators.h"
#include "lib/import/window.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::darknet {

namespace {
tl::unexpected<Error> invalid(const std::string& message) { return fail(ErrorCode::Input, message); }

struct Pooling {
  int64_t size, strideX, strideY, padding; // the padding of both sides together
};

Pooling readPooling(const Section& s) {
  const int64_t stride = s.integer("stride", 1), size = s.integer("size", stride);
  return {size, s.integer("stride_x", stride), s.integer("stride_y", stride), s.integer("padding", size - 1)};
}

int64_t pooled(int64_t in, const Pooling& w, int64_t stride) {
  const int64_t room = in + w.padding - w.size;
  return room < 0 ? 0 : room / stride + 1;
}

Result<Measured> measurePool(const Section& s, const std::vector<Size>& inputs) {
  const Pooling w = readPooling(s);
  const Size in = inputs[0];
  if (s.flag("maxpool_depth")) return Measured{{s.integer("out_channels", 1), in.height, in.width}};
  for (int64_t value : {w.size, w.strideX, w.strideY})
    if (value < 1 || value > int64_t(1) << 20) return invalid(fmt::format("a size or stride is {}", value));
  // No window may lie in the padding altogether.
  if (w.padding < 0 || w.padding >= 2 * w.size) return invalid(fmt::format("padding is {}", w.padding));
  Size out{in.channels, pooled(in.height, w, w.strideY), pooled(in.width, w, w.strideX)};
  if ((out.height - 1) * w.strideY - w.padding / 2 >= in.height ||
      (out.width - 1) * w.strideX - w.padding / 2 >= in.width)
    return invalid(fmt::format("with padding {} its last window lies behind the picture", w.padding));
  return Measured{out};
}

// The smaller half of the padding comes first.
nn::AttrList windowAttrs(LayerContext& c) {
  const Pooling w = readPooling(c.section);
  const int64_t before = w.padding / 2, behind = w.padding - before;
  const Ints dims = c.dims();
  return poolAttrs(c.op, {{w.size, w.size},
                          {w.strideY, w.strideX},
                          {1, 1},
                          {before, before, behind, behind},
                          {pooled(dims[2], w, w.strideY), pooled(dims[3], w, w.strideX)}});
}

bool isPicture(LayerContext& c) {
  if (c.dims().size() == 4) return true;
  c.op.invalid("its input is no picture");
  return false;
}

// The largest of every out_channels-th channel.
void poolOverChannels(LayerContext& c) {
  Ints dims = c.dims();
  const int64_t channels = c.section.integer("out_channels", 1);
  if (channels < 1 || dims[1] % channels)
    return c.op.unsupported(fmt::format("{} channels are no multiple of {}", dims[1], channels));
  Value split = c.op.reshape(c.x, {dims[0], dims[1] / channels, channels, dims[2], dims[3]});
  c.result(c.op.reduce("max", split, {1}, false));
}

void importMaxPool(LayerContext& c) {
  if (!isPicture(c)) return;
  if (c.section.flag("antialiasing")) return c.op.unsupported("option 'antialiasing' is not supported");
  if (c.section.flag("maxpool_depth")) return poolOverChannels(c);
  c.result(c.op.emit("max_pool", {c.x}, windowAttrs(c)));
}

void importLocalAvgPool(LayerContext& c) {
  if (isPicture(c)) c.result(c.op.emit("avg_pool", {c.x}, windowAttrs(c).b("count_include_pad", false)));
}

Result<Measured> measureAvgPool(const Section&, const std::vector<Size>& inputs) {
  return Measured{{inputs[0].channels, 1, 1}};
}

void importAvgPool(LayerContext& c) {
  if (isPicture(c)) c.result(c.op.reduce("mean", c.x, {2, 3}, true));
}

Result<Measured> measureUpsample(const Section& s, const std::vector<Size>& inputs) {
  const int64_t factor = s.integer("stride", 2);
  if (factor < 1 || factor > 1 << 10) return invalid(fmt::format("stride is {}", factor));
  return Measured{{inputs[0].channels, inputs[0].height * factor, inputs[0].width * factor}};
}

void importUpsample(LayerContext& c) {
  if (!isPicture(c)) return;
  const int64_t factor = c.section.integer("stride", 2);
  const float times = static_cast<float>(factor), scale = c.section.real("scale", 1);
  Ints sizes = c.dims();
  sizes[2] *= factor, sizes[3] *= factor;
  Value y = c.op.emit("resize", {c.x},
                      c.op.attrs()
                          .s("mode", "nearest")
                          .ints("sizes", sizes)
                          .floats("scales", {1, 1, times, times})
                          .s("coordinate", "asymmetric")
                          .s("nearest", "floor"));
  c.result(scale == 1 ? y : c.op.mul(y, c.op.scalar(scale, rt::DType::F32)));
}

Result<Measured> measureReorg(const Section& s, const std::vector<Size>& inputs) {
  const int64_t n = s.integer("stride", 1);
  const Size in = inputs[0];
  if (s.flag("reverse")) return invalid("option 'reverse' is not supported");
  if (n < 1 || n > 1 << 10 || in.height % n || in.width % n || (s.type == "reorg" && in.channels % (n * n)))
    return invalid(
        fmt::format("stride {} does not divide {} channels of {}x{}", n, in.channels, in.height, in.width));
  return Measured{{in.channels * n * n, in.height / n, in.width / n}};
}

// Blocks of pixels become channels: the place in the block counts before the channel.
void importReorg3d(LayerContext& c) {
  c.result(c.op.emit("space_to_depth", {c.x}, c.op.attrs().i("block", c.section.integer("stride", 1))));
}

// The same loop over the wrong sizes, which networks have been trained with: the input is read as if it had
// stride^2 times fewer channels of a larger picture.
void importReorg(LayerContext& c) {
  if (!isPicture(c)) return;
  const int64_t n = c.section.integer("stride", 1);
  const Ints d = c.dims();
  if (n < 1 || d[1] % (n * n) || d[2] % n || d[3] % n)
    return c.op.invalid("stride does not divide its input");
  Value split = c.op.reshape(c.x, {d[0], d[1] / (n * n), d[2], n, d[3], n});
  Value moved = c.op.transpose(split, {0, 3, 5, 1, 2, 4});
  c.result(c.op.reshape(moved, {d[0], d[1] * n * n, d[2] / n, d[3] / n}));
}

Result<Measured> keepSize(const Section&, const std::vector<Size>& inputs) { return Measured{inputs[0]}; }

void importIdentity(LayerContext& c) { c.result(c.x); }

void importActivation(LayerContext& c) {
  c.result(activated(c, c.x, c.section.text("activation", "linear")));
}

// Over everything (in groups), or over the channels of each pixel.
void importSoftmax(LayerContext& c) {
  if (c.section.has("tree")) return c.op.unsupported("a tree of classes is not supported");
  const float temperature = c.section.real("temperature", 1);
  const Ints dims = c.dims();
  Value x = temperature == 1 ? c.x : c.op.div(c.x, c.op.scalar(temperature, rt::DType::F32));
  auto softmax = [&](Value v, int64_t axis) {
    return c.op.emit("softmax", {v}, c.op.attrs().i("axis", axis));
  };
  if (c.section.flag("spatial")) return c.result(softmax(x, 1));
  const int64_t groups = c.section.integer("groups", 1);
  int64_t elements = 1;
  for (size_t i = 1; i < dims.size(); ++i) elements *= dims[i];
  if (groups < 1 || elements % groups)
    return c.op.invalid(fmt::format("{} values are not divided by {} groups", elements, groups));
  if (groups == 1 && elements == dims[1]) return c.result(softmax(x, 1));
  c.result(c.op.reshape(softmax(c.op.reshape(x, {dims[0], groups, elements / groups}), 2), dims));
}

const LayerRow kRows[] = {
    {"maxpool", importMaxPool, measurePool, Reads::Previous, "model"},
    {"max", importMaxPool, measurePool, Reads::Previous, "fixture"},
    {"local_avgpool", importLocalAvgPool, measurePool, Reads::Previous, "fixture"},
    {"local_avg", importLocalAvgPool, measurePool, Reads::Previous, "fixture"},
    {"avgpool", importAvgPool, measureAvgPool, Reads::Previous, "fixture"},
    {"avg", importAvgPool, measureAvgPool, Reads::Previous, "fixture"},
    {"upsample", importUpsample, measureUpsample, Reads::Previous, "model"},
    {"reorg", importReorg, measureReorg, Reads::Previous, "fixture"},
    {"reorg3d", importReorg3d, measureReorg, Reads::Previous, "fixture"},
    {"dropout", importIdentity, keepSize, Reads::Previous, "model"},
    {"empty", importIdentity, keepSize, Reads::Previous, "fixture"},
    {"silence", importIdentity, keepSize, Reads::Previous, "fixture"},
    {"activation", importActivation, keepSize, Reads::Previous, "fixture"},
    {"softmax", importSoftmax, keepSize, Reads::Previous, "fixture"},
    {"soft", importSoftmax, keepSize, Reads::Previous, "fixture"},
};
} // namespace

const OperatorTable<LayerRow> kPoolingLayers = {kRows, std::size(kRows)};

} // namespace burin::darknet
