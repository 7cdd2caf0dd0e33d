// The lines of operand and result along the axis that a node's attribute names: `walk` visits each once.
#pragma once

#include "runtime/core/op.h"
#include "runtime/ops/iterate.h"

namespace burin::rt {

struct AxisLines {
  explicit AxisLines(const Node& node) {
    const Tensor &x = node.in(0), &y = node.out();
    const int axis = static_cast<int>(node.attrs.integer("axis"));
    Shape places = x.shape();
    length = places[axis];
    places[axis] = 1;
    stepX = x.stride[axis];
    stepY = y.stride[axis];
    walk = StridedWalk<2>(places, {x.stride, y.stride});
  }

  // Lines that hold about so many elements, at least one. The length must not be 0.
  int64_t grain(int64_t elements) const { return length >= elements ? 1 : elements / length; }

  int64_t length, stepX, stepY; // in elements
  StridedWalk<2> walk;
};

} // namespace burin::rt
