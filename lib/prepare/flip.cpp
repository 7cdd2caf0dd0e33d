// Graphs exported from channels-last frameworks hold regions of elementwise ops between a transpose and its
// inverse. A region computes the same on transposed tensors, so it can move to the other side of the
// transposes around it; it does where that leaves fewer elements to move. Every step lowers that number, so
// this ends.
#include "lib/prepare/axes.h"

#include <map>

using namespace mlir;

namespace burin::rewrites {

namespace {
constexpr size_t kMaxRegionOps = 4096;

// Connected ops that work in any order of axes. Every tensor v of the region becomes v' with v =
// transpose(v', perm).
class Region {
public:
  Region(Operation* seed, ArrayRef<int64_t> perm) : perm_(perm), back_(inverse(perm)) { grow(seed); }

  const llvm::SetVector<Operation*>& ops() const { return ops_; }

  bool worthIt() {
    if (ops_.size() > kMaxRegionOps) return false;
    int64_t saved = 0, added = 0;
    llvm::DenseSet<Value> seen;
    for (Operation* op : ops_) {
      for (Value v : op->getOperands().take_front(operandsWithAxes(op)))
        if (!inside(v) && !nn::isConstant(v) && seen.insert(v).second) countEntry(v, saved, added);
      countExit(op->getResult(0), saved, added);
    }
    return saved > added;
  }

  void rewrite() {
    std::vector<Operation*> order(ops_.begin(), ops_.end());
    llvm::sort(order, [](Operation* a, Operation* b) { return a->isBeforeInBlock(b); });
    for (Operation* op : order) rewriteOp(op);
    for (Operation* op : order) rewriteExits(op);
    for (Operation* op : llvm::reverse(order)) op->erase();
    for (Operation* op : dead_)
      if (op->use_empty()) op->erase();
  }

private:
  void grow(Operation* seed) {
    SmallVector<Operation*> work = {seed};
    while (!work.empty() && ops_.size() <= kMaxRegionOps) {
      Operation* op = work.pop_back_val();
      if (!fits(op) || !ops_.insert(op)) continue;
      for (Value v : op->getOperands().take_front(operandsWithAxes(op)))
        if (Operation* source = v.getDefiningOp()) work.push_back(source);
      for (Operation* user : op->getResult(0).getUsers()) work.push_back(user);
    }
  }
  bool fits(Operation* op) const {
    return worksInAnyOrder(op) && rankOf(op->getResult(0)) == static_cast<int64_t>(perm_.size());
  }
  bool inside(Value v) const { return v.getDefiningOp() && ops_.contains(v.getDefiningOp()); }

  // x if v = transpose(x, perm), possibly written as a reshape.
  Value sourceOf(Value v) const {
    Operation* op = v.getDefiningOp();
    if (!op) return {};
    if (isa<nn::TransposeOp>(op)) return intsOf(op, "perm") == ArrayRef(perm_) ? op->getOperand(0) : Value();
    bool reordersUnits = isa<nn::ReshapeOp>(op) &&
                         shapeOf(op->getOperand(0)) == ArrayRef(permuted(shapeOf(v), back_)) &&
                         movesNothing(shapeOf(v), back_);
    return reordersUnits ? op->getOperand(0) : Value();
  }

  int64_t costOf(Value v) const { return movesNothing(shapeOf(v), back_) ? 0 : elementsOf(v); }

  void countEntry(Value v, int64_t& saved, int64_t& added) const {
    if (!sourceOf(v))
      added += costOf(v);
    else if (llvm::all_of(v.getUsers(), [&](Operation* user) { return ops_.contains(user); }))
      saved += costOf(v);
  }

  void countExit(Value v, int64_t& saved, int64_t& added) const {
    bool leaves = false;
    for (Operation* user : v.getUsers()) {
      if (ops_.contains(user) || flattensIntoWeights(user, perm_)) continue;
      if (!isa<nn::TransposeOp>(user)) {
        leaves = true;
        continue;
      }
      ArrayRef<int64_t> perm = intsOf(user, "perm");
      const bool moves = !movesNothing(shapeOf(v), perm);
      const bool willMove = !movesNothing(permuted(shapeOf(v), back_), compose(perm_, perm));
      if (moves && !willMove) saved += elementsOf(v);
      if (willMove && !moves) added += elementsOf(v);
    }
    if (leaves) added += costOf(v);
  }

  Value flippedConstant(Value v, OpBuilder& builder) const {
    std::vector<int64_t> shape(perm_.size() - rankOf(v), 1);
    llvm::append_range(shape, shapeOf(v));
    Operation* full = makeOp(builder, "reshape", {v}, attrs(v.getDefiningOp()).ints("shape", shape));
    return makeOp(builder, "transpose", full->getResults(), attrs(full).ints("perm", back_))->getResult(0);
  }

  Value flipped(Value v, OpBuilder& builder) {
    if (auto it = flipped_.find(v); it != flipped_.end()) return it->second;
    Value& out = flipped_[v];
    if (nn::isConstant(v)) return out = flippedConstant(v, builder);
    if (Value source = sourceOf(v)) {
      if (!llvm::is_contained(dead_, v.getDefiningOp())) dead_.push_back(v.getDefiningOp());
      return out = source;
    }
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(v);
    return out =
               makeOp(builder, "transpose", {v}, attrs(v.getDefiningOp()).ints("perm", back_))->getResult(0);
  }

  void rewriteOp(Operation* op) {
    OpBuilder builder(op);
    SmallVector<Value> operands;
    const int64_t withAxes = operandsWithAxes(op);
    for (Value v : op->getOperands().take_front(withAxes)) operands.push_back(flipped(v, builder));
    llvm::append_range(operands, op->getOperands().drop_front(withAxes));
    Operation* moved = makeOp(builder, op->getName().stripDialect(), operands, inOtherOrder(op, perm_), op);
    assert(moved && "an op that works in any order of axes");
    flipped_[op->getResult(0)] = moved->getResult(0);
  }

  void rewriteExits(Operation* op) {
    Value old = op->getResult(0), moved = flipped_[old];
    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfterValue(moved);
    Value restored;
    for (OpOperand& use : llvm::make_early_inc_range(old.getUses())) {
      Operation* user = use.getOwner();
      if (ops_.contains(user)) continue;
      if (isa<nn::TransposeOp>(user)) {
        user->setAttr("perm", builder.getDenseI64ArrayAttr(compose(perm_, intsOf(user, "perm"))));
        use.set(moved);
        continue;
      }
      if (!restored) {
        Operation* transpose = makeOp(builder, "transpose", {moved}, attrs(op).ints("perm", perm_), op);
        takeName(transpose, op);
        restored = transpose->getResult(0);
      }
      use.set(restored);
    }
  }

  Permutation perm_, back_;
  llvm::SetVector<Operation*> ops_;
  llvm::DenseMap<Value, Value> flipped_;
  SmallVector<Operation*> dead_; // transposes whose readers have moved before them
};

// One region per transpose and reader, and one before each transpose; each is looked at once per permutation.
bool flipOnce(nn::GraphOp graph) {
  std::map<Permutation, llvm::DenseSet<Operation*>> seen;
  auto flip = [&](Operation* seed, const Permutation& perm, bool before) {
    if (!seed || !worksInAnyOrder(seed) || seen[perm].contains(seed)) return false;
    Region region(seed, perm);
    seen[perm].insert(region.ops().begin(), region.ops().end());
    if (region.ops().empty() || !region.worthIt()) return false;
    // The integers that a quantized model names are to be found in the program as they are in the model.
    if (before &&
        llvm::any_of(region.ops(), [](Operation* op) { return isa<nn::QuantizeOp, nn::DequantizeOp>(op); }))
      return false;
    region.rewrite();
    return true;
  };
  for (auto transpose : graph.getOps<nn::TransposeOp>()) {
    const Permutation perm(transpose.getPerm());
    for (Operation* user : transpose->getUsers())
      if (flip(user, perm, false)) return true;
    if (flip(transpose.getX().getDefiningOp(), inverse(perm), true)) return true;
  }
  return false;
}
} // namespace

bool flipTransposedRegions(nn::GraphOp graph) {
  bool changed = false;
  while (flipOnce(graph)) changed = true;
  return changed;
}

} // namespace burin::rewrites
