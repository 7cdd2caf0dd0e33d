// The table of data movement ops.
#include "runtime/ops/movement_ops.h"

namespace burin::rt {

static const OpDef kOps[] = {
    {"nn.reshape", inferReshape, makeReshape},
    {"nn.transpose", inferTranspose, makeTranspose},
    {"nn.slice", inferSlice, makeSlice},
    {"nn.concat", inferConcat, makeConcat},
    {"nn.pad", inferPad, makePad},
    {"nn.expand", inferExpand, makeExpand},
    {"nn.tile", inferTile, makeTile},
    {"nn.depth_to_space", inferDepthToSpace, makeDepthToSpace},
    {"nn.space_to_depth", inferSpaceToDepth, makeSpaceToDepth},
    {"nn.trilu", inferTrilu, makeTrilu},
    {"nn.reverse_sequence", inferReverseSequence, makeReverseSequence},
    {"nn.one_hot", inferOneHot, makeOneHot},
};
extern const OpTable kMovementOps;
const OpTable kMovementOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
