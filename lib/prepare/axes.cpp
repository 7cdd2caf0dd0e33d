#include "lib/prepare/axes.h"

using namespace mlir;

namespace burin::rewrites {

Permutation inverse(ArrayRef<int64_t> perm) {
  Permutation out(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) out[perm[i]] = static_cast<int64_t>(i);
  return out;
}

Permutation compose(ArrayRef<int64_t> first, ArrayRef<int64_t> second) { return permuted(first, second); }

std::vector<int64_t> permuted(ArrayRef<int64_t> values, ArrayRef<int64_t> perm) {
  std::vector<int64_t> out;
  for (int64_t axis : perm) out.push_back(values[axis]);
  return out;
}

bool movesNothing(ArrayRef<int64_t> shape, ArrayRef<int64_t> perm) {
  int64_t last = -1;
  for (int64_t axis : perm) {
    if (shape[axis] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

int64_t operandsWithAxes(Operation* op) {
  return isa<nn::QuantizeOp, nn::DequantizeOp>(op) ? 1 : static_cast<int64_t>(op->getNumOperands());
}

bool worksInAnyOrder(Operation* op) {
  if (op->getNumResults() != 1) return false;
  bool kind = isa<nn::UnaryOp, nn::CastOp, nn::BinaryOp, nn::SelectOp, nn::ConcatOp, nn::SoftmaxOp, nn::PadOp,
                  nn::SliceOp, nn::TileOp, nn::ExpandOp, nn::ReduceOp, nn::QuantizeOp, nn::DequantizeOp>(op);
  if (!kind || (isa<nn::ReduceOp>(op) && !flagOf(op, "keep_dims"))) return false;
  if (intOf(op, "block") > 0) return false;
  int64_t rank = rankOf(op->getResult(0));
  return llvm::all_of(op->getOperands().take_front(operandsWithAxes(op)),
                      [&](Value v) { return rankOf(v) == rank || (nn::isConstant(v) && rankOf(v) < rank); });
}

DictionaryAttr inOtherOrder(Operation* op, ArrayRef<int64_t> perm) {
  Builder b(op->getContext());
  NamedAttrList out;
  Permutation back = inverse(perm);
  for (NamedAttribute named : op->getAttrs()) {
    StringRef name = named.getName();
    Attribute value = named.getValue();
    if (name == "names" || name == "node") continue;
    ArrayRef<int64_t> ints = intsOf(op, name);
    if (name == "axis") {
      value = b.getI64IntegerAttr(perm[intOf(op, name)]);
    } else if (name == "axes") {
      std::vector<int64_t> axes = permuted(perm, ints);
      llvm::sort(axes);
      value = b.getDenseI64ArrayAttr(axes);
    } else if (name == "pads") {
      std::vector<int64_t> pads = permuted(ints.take_front(perm.size()), back);
      llvm::append_range(pads, permuted(ints.drop_front(perm.size()), back));
      value = b.getDenseI64ArrayAttr(pads);
    } else if (isa<DenseI64ArrayAttr>(value)) { // starts, sizes, steps, repeats, shape: one number per axis
      value = b.getDenseI64ArrayAttr(permuted(ints, back));
    }
    out.set(name, value);
  }
  return out.getDictionary(op->getContext());
}

} // namespace burin::rewrites
