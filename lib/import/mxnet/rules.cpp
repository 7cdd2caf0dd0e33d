#include "lib/import/mxnet/rules.h"

namespace burin::mxnet {

int64_t product(const Ints& values, size_t begin, size_t end) {
  int64_t result = 1;
  for (size_t i = begin; i < end && i < values.size(); ++i) result *= values[i];
  return result;
}

Ints allAxes(int64_t rank, int64_t first) {
  Ints axes;
  for (int64_t i = first; i < rank; ++i) axes.push_back(i);
  return axes;
}

Value softmaxOver(Node& n, Value x, int64_t axis) {
  return n->emit("softmax", {x}, n->attrs().i("axis", n->axis(axis, RuleContext::rank(x))).b("log", false));
}

Value softmaxPerSample(Node& n, Value x) {
  Ints dims = RuleContext::dims(x);
  if (dims.size() <= 2) return softmaxOver(n, x, -1);
  return n->reshape(softmaxOver(n, n->reshape(x, {dims[0], product(dims, 1)}), 1), dims);
}

} // namespace burin::mxnet
