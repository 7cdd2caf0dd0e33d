#include "lib/import/mxnet/rules.h"

namespace burin::mxnet {

Value softmaxOver(Node& n, Value x, int64_t axis) {
  return n->emit("softmax", {x}, n->attrs().i("axis", n->axis(axis, RuleContext::rank(x))).b("log", false));
}

Value softmaxPerSample(Node& n, Value x) {
  Ints dims = RuleContext::dims(x);
  if (dims.size() <= 2) return softmaxOver(n, x, -1);
  return n->reshape(softmaxOver(n, n->reshape(x, {dims[0], product(dims, 1)}), 1), dims);
}

} // namespace burin::mxnet
