#include "lib/quantize/as_is.h"

#include "lib/nn/builder.h"
#include "lib/nn/constants.h"
#include "lib/quantize/rules.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

using namespace mlir;

namespace burin::quantize {

std::optional<LockedScale> lockOf(Operation* op, Value integers) {
  std::vector<float> scale = nn::constantFloats(op->getOperand(1));
  std::vector<int64_t> zero = nn::constantInts(op->getOperand(2));
  rt::TensorType type;
  if (scale.size() != 1 || zero.size() != 1 || !nn::tensorType(integers.getType(), type)) return std::nullopt;
  if (!mayBeLocked(type.dtype) || !(scale[0] > 0)) return std::nullopt;
  return LockedScale{scale[0], static_cast<int32_t>(zero[0]), type.dtype};
}

namespace {
bool isQuantize(Operation* op) { return op && op->getName().getStringRef() == "nn.quantize"; }
bool isDequantize(Operation* op) { return op && op->getName().getStringRef() == "nn.dequantize"; }

// Ops that move or select integers without looking at them.
bool movesIntegers(Operation* op) {
  static const std::set<StringRef> names = {
      "nn.reshape",  "nn.transpose", "nn.slice",          "nn.expand",         "nn.tile",  "nn.gather",
      "nn.max_pool", "nn.concat",    "nn.depth_to_space", "nn.space_to_depth", "nn.resize"};
  if (op->getName().getStringRef() == "nn.resize")
    return op->getAttrOfType<StringAttr>("mode").getValue() == "nearest";
  return op->getNumResults() == 1 && names.count(op->getName().getStringRef());
}

// The shortest name is the source's own; the others were derived from it.
std::string ownName(std::initializer_list<std::string> names) {
  std::string best;
  for (const std::string& name : names)
    if (!name.empty() && (best.empty() || name.size() < best.size())) best = name;
  return best;
}

class Taker {
public:
  Taker(ModuleOp module, const Target& target)
      : module_(cast<ModuleOp>(module->clone())), graph_(*module_->getOps<nn::GraphOp>().begin()),
        target_(target) {}

  Result<AsIs> run() {
    BURIN_CHECK(takeAll());
    if (locks_.empty())
      return fail(ErrorCode::Unsupported, "precision as-is: the model holds no quantization of its own",
                  "use --precision int8 with --calibration, or 'burin quantize' with --data");
    spreadLocks(graph_, target_, locks_);
    AsIs out;
    out.plan = planAsIs(graph_, target_, locks_, stored_);
    out.stored = std::move(stored_);
    out.module = std::move(module_);
    return out;
  }

  Status takeAll() {
    for (Operation& op : llvm::make_early_inc_range(graph_.getBody().front())) BURIN_CHECK(take(&op));
    removeUnused();
    return {};
  }

  // Were there any?
  Result<bool> takeConstants() {
    for (Operation& op : llvm::make_early_inc_range(graph_.getBody().front()))
      if (ofConstants(&op)) BURIN_CHECK(take(&op));
    removeUnused();
    return tookConstant_;
  }
  OwningOpRef<ModuleOp> release() { return std::move(module_); }

private:
  bool ofConstants(Operation* op) const {
    return (isDequantize(op) && nn::isConstant(op->getOperand(0))) ||
           (movesIntegers(op) && stored_.count(op->getOperand(0)));
  }

  Status take(Operation* op) {
    if (isDequantize(op) && nn::isConstant(op->getOperand(0))) return takeConstant(op);
    if (auto input = dyn_cast<nn::InputOp>(op))
      takeInput(input);
    else if (isQuantize(op))
      takeQuantize(op);
    else if (isDequantize(op))
      takeDequantize(op);
    else if (movesIntegers(op) && stored_.count(op->getOperand(0)))
      return moveConstant(op);
    else if (movesIntegers(op))
      takeMovement(op);
    return {};
  }

  // --- constants

  Status takeConstant(Operation* op) {
    Value source = op->getOperand(0);
    StoredConstant stored;
    rt::TensorType type = nn::typeOf(source);
    stored.scale = nn::constantFloats(op->getOperand(1));
    stored.zeroPoint = nn::constantInts(op->getOperand(2));
    stored.type = type;
    if (auto axis = op->getAttrOfType<IntegerAttr>("axis")) stored.axis = axis.getInt();
    ArrayRef<char> bytes = nn::constantBytes(source);
    stored.bytes.assign(bytes.begin(), bytes.end());
    const bool known =
        !stored.scale.empty() && stored.scale.size() == stored.zeroPoint.size() && !op->hasAttr("block");
    BURIN_ASSIGN(Value real, evaluated(op));
    tookConstant_ = true;
    if (known) stored_[real] = std::move(stored);
    replace(op, real);
    return {};
  }

  // A transposed or reshaped constant: its integers go the same way.
  Status moveConstant(Operation* op) {
    StoredConstant moved = stored_.lookup(op->getOperand(0));
    rt::TensorType from = moved.type;
    nn::ConstantTensor input{from, moved.bytes.data()};
    std::vector<nn::ConstantTensor*> operands = {&input};
    if (op->getNumOperands() != 1) return {};
    if (moved.scale.size() > 1) {
      auto perm = op->getAttrOfType<DenseI64ArrayAttr>("perm");
      if (!perm) return {};
      moved.axis = llvm::find(perm.asArrayRef(), moved.axis) - perm.asArrayRef().begin();
    }
    BURIN_ASSIGN(auto results, nn::evaluate(op->getName().getStringRef().str(),
                                            nn::programAttrs(op->getAttrDictionary()), operands));
    moved.type = results[0].first;
    moved.bytes = std::move(results[0].second);
    BURIN_ASSIGN(Value real, evaluated(op));
    stored_[real] = std::move(moved);
    replace(op, real);
    return {};
  }

  // The op's result, computed from constants, as a constant.
  Result<Value> evaluated(Operation* op) {
    std::vector<nn::ConstantTensor> tensors;
    for (Value v : op->getOperands()) tensors.push_back({nn::typeOf(v), nn::constantBytes(v).data()});
    std::vector<nn::ConstantTensor*> operands;
    for (nn::ConstantTensor& t : tensors) operands.push_back(&t);
    BURIN_ASSIGN(auto results, nn::evaluate(op->getName().getStringRef().str(),
                                            nn::programAttrs(op->getAttrDictionary()), operands));
    OpBuilder b(op);
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    std::string name = ownName({nn::valueName(op->getOperand(0)), nn::valueName(op->getResult(0))});
    auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(results[0].second, 64);
    return nn::constant(b, type, std::move(blob), name);
  }

  // --- activations

  // The real tensor that the integers `q` stand for, exactly.
  void setReal(Value q, Value real, const LockedScale& lock) {
    reals_[q] = real;
    locks_[real] = lock;
  }

  void takeQuantize(Operation* op) {
    Value x = op->getOperand(0), q = op->getResult(0);
    std::optional<LockedScale> lock = lockOf(op, q);
    auto type = dyn_cast<RankedTensorType>(x.getType());
    if (!lock || !type || !type.getElementType().isF32()) return;
    // x itself may carry the scale when nobody needs it unrounded.
    const bool mine = !locks_.count(x) && !nn::isConstant(x) && !isComputedReal(op) &&
                      llvm::all_of(x.getUsers(), [&](Operation* user) {
                        return isQuantize(user) && lockOf(user, user->getResult(0)) == lock;
                      });
    if (!mine && locks_.count(x) && locks_.lookup(x) == *lock) return setReal(q, x, *lock);
    std::string name = ownName({mine ? nn::valueName(x) : "", nn::valueName(q), dequantizedName(q)});
    if (!mine) {
      OpBuilder b(op);
      x = makeIdentity(b, op, x);
      op->setOperand(0, x);
    }
    // The name of an input is what data is fed by, that of an output belongs to the integers.
    const bool leaves = llvm::any_of(q.getUsers(), [](Operation* user) { return isa<nn::OutputOp>(user); });
    if (leaves && name == nn::valueName(q)) name += "/real";
    if (!isa_and_nonnull<nn::InputOp>(x.getDefiningOp())) rename(cast<OpResult>(x), name);
    if (name == nn::valueName(q)) nn::setNames(op, {name + "/integers"}); // plans know tensors by name
    setReal(q, x, *lock);
  }

  static void rename(OpResult value, const std::string& name) {
    std::vector<std::string> names;
    for (Value v : value.getOwner()->getResults()) names.push_back(v == value ? name : nn::valueName(v));
    nn::setNames(value.getOwner(), names);
  }

  // The source computes the operand in float: whatever makes it has no integers of its own. An input has
  // them, so that it can be fed as integers, also where its axes change places.
  static bool isComputedReal(Operation* quantize) {
    Operation* maker = quantize->hasAttr("real") ? quantize->getOperand(0).getDefiningOp() : nullptr;
    while (maker && keepsScale(maker)) maker = maker->getOperand(0).getDefiningOp();
    return maker && !isa<nn::InputOp>(maker);
  }

  // Integers from outside: one real tensor on the grid of their scale, which all readers share.
  void takeInput(nn::InputOp input) {
    std::optional<LockedScale> lock = inputScale(input);
    if (!lock || input.getY().use_empty()) return;
    Operation* reader = nullptr;
    for (Operation* user : input.getY().getUsers())
      if (isDequantize(user) && lockOf(user, input.getY()) == lock) reader = user;
    if (!reader) return;
    reader->moveAfter(input);
    for (Value parameter : reader->getOperands().drop_front())
      if (Operation* source = parameter.getDefiningOp()) source->moveBefore(input);
    setReal(input.getY(), reader->getResult(0), *lock);
  }

  static std::string dequantizedName(Value q) {
    for (Operation* user : q.getUsers())
      if (isDequantize(user)) return nn::valueName(user->getResult(0));
    return {};
  }

  static Value makeIdentity(OpBuilder& b, Operation* at, Value x) {
    OperationState state(at->getLoc(), "nn.unary");
    state.addOperands(x);
    state.addTypes(x.getType());
    state.addAttribute("fn", b.getStringAttr("identity"));
    state.addAttribute("node", b.getStringAttr(nn::nodeName(at)));
    return b.create(state)->getResult(0);
  }

  void takeDequantize(Operation* op) {
    Value q = op->getOperand(0);
    std::optional<LockedScale> lock = lockOf(op, q);
    if (!lock) return;
    auto it = reals_.find(q);
    if (it != reals_.end() && it->second != op->getResult(0) && locks_.lookup(it->second) == *lock)
      return replace(op, it->second);
    // Integers of another origin: they are real numbers on the grid of this scale.
    if (it == reals_.end()) locks_[op->getResult(0)] = *lock;
  }

  // Moves the real tensors instead of the integers, when all of them have one scale.
  void takeMovement(Operation* op) {
    SmallVector<Value> operands;
    std::optional<LockedScale> lock;
    for (Value v : op->getOperands()) {
      auto it = reals_.find(v);
      operands.push_back(it == reals_.end() ? v : it->second);
      if (it == reals_.end()) continue;
      LockedScale own = locks_.lookup(it->second);
      if (lock && !(*lock == own)) return;
      lock = own;
    }
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!lock || !type || (op->getName().getStringRef() == "nn.concat" && !allReal(op))) return;
    OpBuilder b(op);
    OperationState state(op->getLoc(), op->getName());
    state.addOperands(operands);
    state.addTypes(type.clone(b.getF32Type()));
    state.addAttributes(op->getAttrs());
    setReal(op->getResult(0), b.create(state)->getResult(0), *lock);
  }
  bool allReal(Operation* op) const {
    return llvm::all_of(op->getOperands(), [&](Value v) { return reals_.count(v); });
  }

  void replace(Operation* op, Value made) {
    op->getResult(0).replaceAllUsesWith(made);
    op->erase();
  }

  void removeUnused() {
    for (Operation& op : llvm::make_early_inc_range(llvm::reverse(graph_.getBody().front())))
      if (!isa<nn::InputOp, nn::OutputOp>(op) && op.use_empty()) op.erase();
  }

  OwningOpRef<ModuleOp> module_;
  nn::GraphOp graph_;
  const Target& target_;
  llvm::DenseMap<Value, Value> reals_; // integers -> the real tensor they stand for
  Locks locks_;                        // of real tensors
  StoredConstants stored_;
  bool tookConstant_ = false;
};
} // namespace

std::optional<LockedScale> inputScale(nn::InputOp input) {
  auto type =
      dyn_cast<quant::UniformQuantizedType>(cast<RankedTensorType>(input.getY().getType()).getElementType());
  rt::DType dtype;
  if (!type || !nn::elementDType(type, dtype) || !mayBeLocked(dtype)) return std::nullopt;
  return LockedScale{static_cast<float>(type.getScale()), static_cast<int32_t>(type.getZeroPoint()), dtype};
}

void markIntegerInputs(nn::GraphOp graph) {
  for (nn::InputOp input : graph.getOps<nn::InputOp>()) {
    Value q = input.getY();
    if (q.use_empty() || !llvm::all_of(q.getUsers(), isDequantize)) continue;
    std::optional<LockedScale> lock = lockOf(*q.getUsers().begin(), q);
    if (!lock || !llvm::all_of(q.getUsers(), [&](Operation* user) { return lockOf(user, q) == lock; }))
      continue;
    q.setType(
        cast<RankedTensorType>(q.getType()).clone(Emitter::quantType(q.getContext(), integersOf(*lock))));
  }
}

Result<OwningOpRef<ModuleOp>> withRealConstants(ModuleOp module) {
  const Target target;
  Taker taker(module, target);
  BURIN_ASSIGN(bool changed, taker.takeConstants());
  return changed ? taker.release() : OwningOpRef<ModuleOp>();
}

Result<OwningOpRef<ModuleOp>> withoutQuantization(ModuleOp module) {
  const Target target;
  Taker taker(module, target);
  BURIN_CHECK(taker.takeAll());
  return taker.release();
}

bool quantizesActivations(ModuleOp module) {
  nn::GraphOp graph = *module.getOps<nn::GraphOp>().begin();
  return llvm::any_of(graph.getBody().front(), [](Operation& op) { return isQuantize(&op); });
}

Result<AsIs> takeAsIs(ModuleOp module, const std::string& graphHash, const Target& target) {
  BURIN_ASSIGN(AsIs out, Taker(module, target).run());
  out.plan.graphHash = graphHash;
  out.plan.target = target.name;
  return out;
}

} // namespace burin::quantize
