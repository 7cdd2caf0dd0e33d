#include "lib/import/paddle/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::paddle {

bool isChannelsLast(const Node& n, const char* attribute) {
  std::string layout = n.text(attribute, "NCHW");
  return layout == "NHWC" || layout == "NDHWC" || layout == "NLC";
}

namespace {
// One entry per axis, one per border of each axis (begin and end in turn), or entries for all axes of the
// input.
std::optional<Ints> readPads(Node& n, size_t spatial) {
  Ints given = n.ints("paddings"), pads(2 * spatial, 0);
  if (given.empty()) return pads;
  if (given.size() == 2 * spatial + 4)
    given =
        isChannelsLast(n) ? Ints(given.begin() + 2, given.end() - 2) : Ints(given.begin() + 4, given.end());
  if (given.size() != spatial && given.size() != 2 * spatial) {
    n->invalid(fmt::format("attribute 'paddings' has {} entries for {} spatial axes", given.size(), spatial));
    return std::nullopt;
  }
  bool both = given.size() == 2 * spatial;
  for (size_t i = 0; i < spatial; ++i) {
    pads[i] = given[both ? 2 * i : i];
    pads[i + spatial] = given[both ? 2 * i + 1 : i];
  }
  return pads;
}
} // namespace

std::optional<Window> readWindow(Node& n, Value x, const Ints& kernel) {
  Window w = Window::of(kernel);
  if (Ints strides = n.ints("strides"); !strides.empty()) w.strides = strides;
  if (Ints dilations = n.ints("dilations"); !dilations.empty()) w.dilations = dilations;
  auto pads = readPads(n, kernel.size());
  if (!pads) return std::nullopt;
  w.pads = *pads;
  if (!checkWindow(n.context(), w, x)) return std::nullopt;
  std::string algorithm = n.text("padding_algorithm", "EXPLICIT");
  if (algorithm == "VALID") w.pads.assign(w.pads.size(), 0);
  if (algorithm != "SAME") return w;
  w.dilations.assign(kernel.size(), 1); // the framework drops dilations here
  for (size_t i = 0; i < kernel.size(); ++i)
    padSame(w, i, RuleContext::shape(x)[static_cast<int>(i) + 2], true);
  return w;
}

std::pair<Value, Value> alignedOperands(Node& n, Value x, Value y) {
  int64_t axis = n.integer("axis", -1);
  if (axis == -1 || !x || !y) return {x, y};
  bool xIsBigger = RuleContext::rank(x) >= RuleContext::rank(y);
  Ints big = RuleContext::dims(xIsBigger ? x : y), small = RuleContext::dims(xIsBigger ? y : x);
  if (big.size() == small.size()) return {x, y};
  while (!small.empty() && small.back() == 1) small.pop_back();
  if (axis < 0 || static_cast<size_t>(axis) + small.size() > big.size()) {
    n->invalid(fmt::format("attribute 'axis' = {} does not place {} dimensions inside {}", axis, small.size(),
                           big.size()));
    return {};
  }
  Ints shape(big.size() - static_cast<size_t>(axis), 1);
  std::copy(small.begin(), small.end(), shape.begin());
  return xIsBigger ? std::pair(x, n->reshape(y, shape)) : std::pair(n->reshape(x, shape), y);
}

} // namespace burin::paddle
