// Interpolation in its two versions, and sampling by a grid.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace burin::paddle {

namespace {
constexpr const char* kSizeNames[] = {"out_d", "out_h", "out_w"};

// Sizes of the spatial axes: a tensor per axis, one tensor, scales, or attributes; in this order. `scales`
// gets what the program states as scales, 0 where it states none.
std::optional<Ints> outputSizes(Node& n, const Ints& in, std::vector<float>& scales) {
  size_t spatial = in.size();
  scales.assign(spatial, 0);
  auto sized = n.intsOr("", "OutSize", "SizeTensor");
  if (!sized) return std::nullopt;
  if (sized->size() == spatial) return sized;
  std::vector<float> given = n.floats("scale");
  if (n.has("Scale")) {
    auto read = n->constantFloats(n.position("Scale"), "scale");
    if (!read) return std::nullopt;
    given = *read;
  }
  if (given.size() == 1) given.assign(spatial, given.front());
  Ints sizes;
  bool scaled =
      given.size() == spatial && std::all_of(given.begin(), given.end(), [](float s) { return s > 0; });
  for (size_t i = 0; i < spatial; ++i) {
    // A product in float32, cut down.
    if (scaled) scales[i] = given[i];
    float product = static_cast<float>(in[i]) * scales[i];
    sizes.push_back(!scaled          ? n.integer(kSizeNames[3 - spatial + i])
                    : product < 1e9f ? static_cast<int64_t>(product)
                                     : 0);
    if (sizes.back() < 1 || sizes.back() > int64_t(1) << 31) {
      n->invalid(fmt::format("its output size {} is not possible", sizes.back()));
      return std::nullopt;
    }
  }
  return sizes;
}

// The first version computes with in / out whatever scale the program states; the second with the scale.
float ratioOf(const Node& n, int64_t in, int64_t out, float stated) {
  bool second = n.type().ends_with("_v2");
  return second && stated > 0 ? stated : static_cast<float>(out) / static_cast<float>(in);
}

// align_corners: ends on ends. Otherwise align_mode 1 samples at i * in / out and 0 at pixel centres; nearest
// always as mode 1, and rounds half up with corners, down without.
void importInterpolate(Node& n) {
  bool isLast = isChannelsLast(n, "data_layout");
  Value x = isLast ? channelsFirst(n.context(), n.in("X")) : n.in("X");
  Ints dims = RuleContext::dims(x);
  if (dims.size() < 3 || dims.size() > 5) return n->invalid("its input has no spatial axes");
  const char* mode = operators().find(n.type())->variant;
  bool nearest = std::strcmp(mode, "nearest") == 0, corners = n.flag("align_corners", true);
  std::vector<float> stated, scales(dims.size(), 1.0f);
  auto sizes = outputSizes(n, Ints(dims.begin() + 2, dims.end()), stated);
  if (!sizes) return;
  Ints shape = {dims[0], dims[1]};
  shape.insert(shape.end(), sizes->begin(), sizes->end());
  for (size_t i = 0; i < sizes->size(); ++i) scales[i + 2] = ratioOf(n, dims[i + 2], (*sizes)[i], stated[i]);
  bool asymmetric = nearest || (n.integer("align_mode", 1) == 1 && std::strcmp(mode, "linear") == 0);
  nn::AttrList list = n->attrs();
  list.s("mode", mode)
      .ints("sizes", shape)
      .floats("scales", scales)
      .s("coordinate", corners      ? "align_corners"
                       : asymmetric ? "asymmetric"
                                    : "half_pixel");
  if (nearest) list.s("nearest", corners ? "round_prefer_ceil" : "floor");
  if (std::strcmp(mode, "cubic") == 0) list.f("cubic_a", -0.75f);
  Value y = n->emit("resize", {x}, list);
  n.set("Out", isLast ? channelsLast(n.context(), y) : y);
}

void importGridSample(Node& n) {
  std::string mode = n.text("mode", "bilinear"), padding = n.text("padding_mode", "zeros");
  n.set("Output", n->emit("grid_sample", {n.in("X"), n.in("Grid")},
                          n->attrs()
                              .s("mode", mode == "bilinear" ? "linear" : mode)
                              .s("padding", padding)
                              .b("align_corners", n.flag("align_corners", true))));
}

const OperatorRow kRows[] = {
    {"nearest_interp", importInterpolate, "nearest"},
    {"nearest_interp_v2", importInterpolate, "nearest"},
    {"linear_interp", importInterpolate, "linear"},
    {"linear_interp_v2", importInterpolate, "linear"},
    {"bilinear_interp", importInterpolate, "linear"},
    {"bilinear_interp_v2", importInterpolate, "linear"},
    {"trilinear_interp", importInterpolate, "linear"},
    {"trilinear_interp_v2", importInterpolate, "linear"},
    {"bicubic_interp", importInterpolate, "cubic"},
    {"bicubic_interp_v2", importInterpolate, "cubic"},
    {"grid_sampler", importGridSample},
};
} // namespace

const OperatorTable<OperatorRow> kResizeOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
