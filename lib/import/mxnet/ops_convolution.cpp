// Convolution, Deconvolution, FullyConnected, Pooling, UpSampling.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::mxnet {

namespace {
// Layouts ending in C hold weights as [O, kernel, C] too.
bool isChannelsLast(const Node& n) { return n.text("layout").ends_with("C"); }

std::optional<Window> readWindow(Node& n, Value x, const Ints& kernel) {
  Window w = Window::of(kernel);
  w.strides = n.ints("stride", w.strides);
  w.dilations = n.ints("dilate", w.dilations);
  Ints pads = n.ints("pad", Ints(kernel.size(), 0));
  for (Ints* list : {&w.strides, &w.dilations, &pads}) // "()" means the default
    if (list->empty()) list->assign(kernel.size(), list == &pads ? 0 : 1);
  w.pads = pads;
  w.pads.insert(w.pads.end(), pads.begin(), pads.end());
  return checkWindow(n.context(), w, x) ? std::optional(w) : std::nullopt;
}

Value biasOf(Node& n, int index, bool noBias) { return n.flag("no_bias", noBias) ? Value() : n->in(index); }

void importConvolution(Node& n) {
  bool isLast = isChannelsLast(n);
  auto order = [&](Value v) { return isLast ? channelsFirst(n.context(), v) : v; };
  Value x = order(n.x()), w = order(n->in(1));
  auto window = readWindow(n, x, n.ints("kernel"));
  if (!window) return;
  Value y = emitConv(n.context(), x, w, biasOf(n, 2, false), *window, n.integer("num_group", 1));
  n->set(0, isLast ? channelsLast(n.context(), y) : y);
}

// target_shape wins over pad and adj: what is too much is cut off on both sides, one more at the front.
void padForTarget(Window& w, Ints& adjust, const Ints& full, const Ints& target) {
  for (size_t i = 0; i < target.size(); ++i) {
    int64_t total = full[i] - target[i];
    adjust[i] = total % 2;
    w.pads[i] = w.pads[i + target.size()] = (total + 1) / 2;
  }
}

void importDeconvolution(Node& n) {
  if (isChannelsLast(n)) return n->unsupported("its channels-last layout is not supported");
  Ints kernel = n.ints("kernel"), adjust = n.ints("adj"), target = n.ints("target_shape");
  auto window = readWindow(n, n.x(), kernel);
  if (!window) return;
  if (adjust.empty()) adjust.assign(kernel.size(), 0);
  bool hasTarget = target.size() == kernel.size() && *std::min_element(target.begin(), target.end()) > 0;
  if (hasTarget) {
    window->pads.assign(window->pads.size(), 0);
    auto full = transposedSizes(n.context(), *window, n.x());
    if (!full) return;
    padForTarget(*window, adjust, *full, target);
  }
  if (adjust.size() != kernel.size() || *std::min_element(adjust.begin(), adjust.end()) < 0)
    return n->invalid("its adj or target_shape is not possible");
  n->set(0, emitConvTranspose(n.context(), n.x(), n->in(1), biasOf(n, 2, true), *window, adjust,
                              n.integer("num_group", 1)));
}

void importFullyConnected(Node& n) {
  Value x = n.x(), bias = biasOf(n, 2, false);
  Ints dims = RuleContext::dims(x);
  if (dims.empty()) return n->invalid("its input is a scalar");
  if (n.flag("flatten", true)) x = n->reshape(x, {dims[0], product(dims, 1)});
  n->set(0, n->emit("matmul", {x, n->in(1), bias ? bias : n->none()}, n->attrs().b("trans_b", true)));
}

Value poolOver(Node& n, Value x, const Window& w, const std::string& type, bool countPads) {
  if (type == "max") return emitMaxPool(n.context(), x, w);
  if (type == "avg") return emitAveragePool(n.context(), x, w, countPads);
  if (type == "lp")
    return n->emit("lp_pool", {x},
                   n->attrs()
                       .ints("kernel", w.kernel)
                       .ints("strides", w.strides)
                       .ints("dilations", w.dilations)
                       .ints("pads", w.pads)
                       .ints("sizes", w.sizes)
                       .i("p", n.integer("p_value", 2)));
  n->invalid(fmt::format("pool_type '{}' is unknown", type));
  return {};
}

Value globalPool(Node& n, Value x, const std::string& type) {
  Ints axes = allAxes(RuleContext::rank(x), 2);
  if (type == "lp") {
    int64_t p = n.integer("p_value", 2);
    if (p == 1 || p == 2) return n->reduce(p == 1 ? "l1" : "l2", x, axes, true);
    n->unsupported(fmt::format("a global pooling of p_value {} is not supported", p));
    return {};
  }
  return n->reduce(type == "max" ? "max" : type == "sum" ? "sum" : "mean", x, axes, true);
}

// pooling_convention: valid cuts the last window off, full keeps it, same has ceil(in / stride) windows,
// whose missing places come behind the end.
bool sizePool(Node& n, Window& w, Value x) {
  std::string convention = n.text("pooling_convention", "valid");
  if (convention == "same") {
    for (size_t i = 0; i < w.kernel.size(); ++i) {
      int64_t in = RuleContext::dims(x)[i + 2], out = (in + w.strides[i] - 1) / w.strides[i];
      w.pads[i + w.kernel.size()] = std::max<int64_t>((out - 1) * w.strides[i] + w.kernel[i] - in - w.pads[i],
                                                      w.pads[i + w.kernel.size()]);
    }
  }
  return sizeWindow(n.context(), w, x, convention == "full" ? Rounding::Ceil : Rounding::Floor);
}

void importPooling(Node& n) {
  bool isLast = isChannelsLast(n);
  Value x = isLast ? channelsFirst(n.context(), n.x()) : n.x(), y;
  std::string type = n.text("pool_type", "max");
  if (RuleContext::rank(x) < 3) return n->invalid("its input has no spatial axes");
  if (n.flag("global_pool")) {
    y = globalPool(n, x, type);
  } else {
    auto window = readWindow(n, x, n.ints("kernel"));
    if (!window || !sizePool(n, *window, x)) return;
    bool isSum = type == "sum"; // the mean of all places, padding among them, times their number
    if (isSum && n.text("pooling_convention") == "full")
      return n->unsupported("sums with pooling_convention 'full' are not supported");
    y = poolOver(n, x, *window, isSum ? "avg" : type, isSum || n.flag("count_include_pad", true));
    if (isSum) y = n->mul(y, n->scalarLike(static_cast<double>(product(window->kernel)), x));
  }
  n->set(0, isLast ? channelsLast(n.context(), y) : y);
}

Value enlarged(Node& n, Value x, int64_t height, int64_t width) {
  Ints dims = RuleContext::dims(x);
  return n->emit("resize", {x},
                 n->attrs()
                     .s("mode", "nearest")
                     .ints("sizes", {dims[0], dims[1], height, width})
                     .floats("scales", {1, 1, static_cast<float>(height) / static_cast<float>(dims[2]),
                                        static_cast<float>(width) / static_cast<float>(dims[3])})
                     .s("coordinate", "asymmetric")
                     .s("nearest", "floor"));
}

// nearest: all inputs to the size of the first one's result. bilinear: a deconvolution by stored weights.
void importUpSampling(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  int64_t scale = n.integer("scale", 1);
  if (dims.size() != 4 || scale < 1 || scale > 1024) return n->invalid("its input or scale is not possible");
  if (n.text("sample_type") == "bilinear") {
    Window w = Window::of(Ints(2, 2 * scale - scale % 2));
    w.strides.assign(2, scale);
    w.pads.assign(4, scale / 2);
    return n->set(
        0, emitConvTranspose(n.context(), n.x(), n->in(1), {}, w, {0, 0}, n.integer("num_filter", dims[1])));
  }
  std::vector<Value> parts;
  for (int i = 0; i < n->inputCount(); ++i) {
    if (RuleContext::rank(n->in(i)) != 4)
      return n->invalid("its inputs have different numbers of dimensions");
    parts.push_back(enlarged(n, n->in(i), dims[2] * scale, dims[3] * scale));
  }
  Value y = parts.front();
  bool isSum = n.text("multi_input_mode") == "sum";
  if (parts.size() > 1 && !isSum) y = n->concat(parts, 1);
  for (size_t i = 1; isSum && i < parts.size(); ++i) y = n->add(y, parts[i]);
  n->set(0, y);
}

// Corners on corners, or pixel centres (since 1.6).
void importBilinearResize(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  if (dims.size() != 4) return n->invalid("its input has no two spatial axes");
  std::string mode = n.text("mode", "size");
  Ints sizes = {dims[0], dims[1], n.integer("height", 1), n.integer("width", 1)};
  if (mode == "like" && n->has(1) && RuleContext::rank(n->in(1)) == 4) {
    sizes[2] = RuleContext::dims(n->in(1))[2], sizes[3] = RuleContext::dims(n->in(1))[3];
  } else if (mode != "size") {
    return n->unsupported(fmt::format("its mode '{}' is not supported", mode),
                          "export the model with fixed sizes");
  } else if (n.has("scale_height") && n.has("scale_width")) {
    sizes[2] =
        static_cast<int64_t>(std::clamp(n.real("scale_height") * static_cast<float>(dims[2]), 0.0f, 1e6f));
    sizes[3] =
        static_cast<int64_t>(std::clamp(n.real("scale_width") * static_cast<float>(dims[3]), 0.0f, 1e6f));
  }
  n->set(0, n->emit("resize", {n.x()},
                    n->attrs()
                        .s("mode", "linear")
                        .ints("sizes", sizes)
                        .floats("scales", {1, 1, static_cast<float>(sizes[2]) / static_cast<float>(dims[2]),
                                           static_cast<float>(sizes[3]) / static_cast<float>(dims[3])})
                        .s("coordinate", n.flag("align_corners", true) ? "align_corners" : "half_pixel")));
}

void importAdaptivePooling(Node& n) {
  Ints sizes = n.ints("output_size", {1, 1});
  if (sizes.empty()) sizes = {1, 1};
  if (sizes.size() == 1) sizes.push_back(sizes[0]);
  n->set(0, emitAdaptivePool(n.context(), n.x(), sizes, "mean"));
}

const OperatorRow kRows[] = {
    {"Convolution", importConvolution, "", "model"},
    {"Convolution_v1", importConvolution},
    {"Deconvolution", importDeconvolution},
    {"FullyConnected", importFullyConnected, "", "model"},
    {"Pooling", importPooling, "", "model"},
    {"Pooling_v1", importPooling},
    {"UpSampling", importUpSampling, "", "model"},
    {"_contrib_BilinearResize2D", importBilinearResize},
    {"_contrib_AdaptiveAvgPooling2D", importAdaptivePooling},
};
} // namespace

const OperatorTable<OperatorRow> kConvolutionOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet
