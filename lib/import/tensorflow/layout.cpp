#include "lib/import/tensorflow/layout.h"

#include <fmt/format.h>

namespace burin::tensorflow {

bool isChannelsLast(Attributes& attributes) {
  std::string format = attributes.text("data_format", "NHWC");
  return format.empty() || format.back() == 'C';
}

Value enter(RuleContext& c, Attributes& a, Value x) { return isChannelsLast(a) ? channelsFirst(c, x) : x; }
Value leave(RuleContext& c, Attributes& a, Value y) { return isChannelsLast(a) ? channelsLast(c, y) : y; }

std::optional<Ints> spatialEntries(RuleContext& c, Attributes& a, const char* name, int64_t rank) {
  Ints values = a.ints(name, Ints(static_cast<size_t>(rank), 1));
  if (values.size() != static_cast<size_t>(rank)) {
    c.invalid(
        fmt::format("attribute '{}' has {} entries, its input {} dimensions", name, values.size(), rank));
    return std::nullopt;
  }
  size_t channel = isChannelsLast(a) ? values.size() - 1 : 1;
  if (values[0] != 1 || values[channel] != 1) {
    c.unsupported(fmt::format("attribute '{}' is not 1 for batch and channels", name));
    return std::nullopt;
  }
  values.erase(values.begin() + static_cast<long>(channel));
  values.erase(values.begin());
  return values;
}

namespace {
// Pairs (begin, end) of every axis in data_format order.
bool readExplicit(RuleContext& c, Attributes& a, Window& w) {
  Ints pairs = a.ints("explicit_paddings");
  size_t n = w.kernel.size();
  if (pairs.size() != 2 * (n + 2)) {
    c.invalid(fmt::format("attribute 'explicit_paddings' has {} entries, {} are needed", pairs.size(),
                          2 * (n + 2)));
    return false;
  }
  size_t first = isChannelsLast(a) ? 1 : 2;
  for (size_t i = 0; i < n; ++i) {
    w.pads[i] = pairs[2 * (first + i)];
    w.pads[i + n] = pairs[2 * (first + i) + 1];
  }
  return true;
}
} // namespace

std::optional<Window> readWindow(RuleContext& c, Attributes& a, const Ints& dims, const Ints& kernel) {
  Ints in = dims;
  int64_t rank = static_cast<int64_t>(in.size());
  if (rank < 3 || kernel.size() != in.size() - 2) {
    c.invalid(fmt::format("its input has {} dimensions, its window {}", rank, kernel.size()));
    return std::nullopt;
  }
  size_t n = kernel.size();
  Window w{kernel, {}, {}, Ints(2 * n, 0), Ints(n, 0)};
  auto strides = spatialEntries(c, a, "strides", rank), dilations = spatialEntries(c, a, "dilations", rank);
  if (!strides || !dilations) return std::nullopt;
  w.strides = *strides, w.dilations = *dilations;
  std::string padding = a.text("padding", "VALID");
  if (padding != "SAME" && padding != "VALID" && padding != "EXPLICIT")
    c.invalid(fmt::format("attribute 'padding' is '{}'", padding));
  if (c.failed() || (padding == "EXPLICIT" && !readExplicit(c, a, w)) || !checkWindow(c, w))
    return std::nullopt;
  in.erase(in.begin(), in.begin() + 2);
  for (size_t i = 0; i < n; ++i)
    if (padding == "SAME")
      padSame(w, i, in[i]);
    else
      sizeFromPads(w, i, in[i]);
  if (!checkWindowFits(c, w, in)) return std::nullopt;
  return w;
}

} // namespace burin::tensorflow
