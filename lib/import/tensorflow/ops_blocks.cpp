// Blocks of pixels moved to channels or batch, and back.
#include "lib/import/tensorflow/layout.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
// Channels count block row, block column, channel: what ONNX calls DCR.
void importDepthToSpace(RuleContext& c, Attributes& a) {
  if (a.text("data_format", "NHWC") == "NCHW_VECT_C")
    return c.unsupported("data_format NCHW_VECT_C is not supported");
  nn::AttrList list = c.attrs();
  list.i("block", a.integer("block_size"));
  if (c.type() == "DepthToSpace") list.s("mode", "dcr");
  c.set(0, leave(c, a, c.emit(a.variant(), {enter(c, a, c.in(0))}, list)));
}

const OperatorRow kRows[] = {
    {"DepthToSpace", importDepthToSpace, 1, 1, "depth_to_space", true},
    {"SpaceToDepth", importDepthToSpace, 1, 1, "space_to_depth"},
};
} // namespace

const OperatorTable kBlockOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
