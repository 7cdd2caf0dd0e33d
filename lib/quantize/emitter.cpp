#include "lib/quantize/emitter.h"

#include "lib/nn/constants.h"
#include "runtime/numerics/registry.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace burin::quantize {

Emitter::Emitter(nn::GraphOp source, const ScaleAssignment& scales, const Target& target)
    : module_(ModuleOp::create(UnknownLoc::get(source.getContext()))), builder_(source.getContext()),
      scales_(scales), target_(target) {
  auto parent = source->getParentOfType<ModuleOp>();
  (*module_)->setDiscardableAttrs(llvm::to_vector(parent->getDiscardableAttrs()));
  builder_.setInsertionPointToStart(module_->getBody());
  for (Operation& op : source.getBody().front())
    for (Value v : op.getResults()) names_.insert(nn::valueName(v));
  auto graph = nn::GraphOp::create(builder_, builder_.getUnknownLoc(), source.getSymNameAttr());
  builder_.setInsertionPointToStart(&graph.getBody().emplaceBlock());
}

Type Emitter::quantType(MLIRContext* context, const Integers& integers) {
  unsigned bits = integers.form.bits() <= 8 ? 8 : 16;
  unsigned flags = integers.form.isSigned() ? quant::QuantizationFlags::Signed : 0;
  // The storage range is the type's: a narrower form only limits what the quantizer writes.
  int64_t low = integers.form.isSigned() ? -(int64_t(1) << (bits - 1)) : 0,
          high = low + (int64_t(1) << bits) - 1;
  if (!integers.channels.empty()) {
    std::vector<double> scales;
    for (size_t c = 0; c < integers.channels.size(); ++c)
      scales.push_back(integers.channelScale(static_cast<int64_t>(c)));
    std::vector<int64_t> zeroPoints(scales.size(), integers.affine.zeroPoint);
    return quant::UniformQuantizedPerAxisType::get(
        flags, IntegerType::get(context, bits), Float32Type::get(context), scales, zeroPoints, 1, low, high);
  }
  return quant::UniformQuantizedType::get(flags, IntegerType::get(context, bits), Float32Type::get(context),
                                          integers.affine.scale, integers.affine.zeroPoint, low, high);
}

Type Emitter::integerType(Value old) const {
  return cast<RankedTensorType>(old.getType()).clone(quantType(old.getContext(), scaleOf(old)));
}

Operation* Emitter::create(StringRef type, ArrayRef<Value> operands, Type result, NamedAttrList attributes,
                           const std::string& name, const std::string& node) {
  return createAll(type, operands, {result}, std::move(attributes), {name}, node);
}

Operation* Emitter::createAll(StringRef type, ArrayRef<Value> operands, ArrayRef<Type> results,
                              NamedAttrList attributes, ArrayRef<std::string> names,
                              const std::string& node) {
  SmallVector<StringRef> resultNames(names.begin(), names.end());
  OperationState state(builder_.getUnknownLoc(), type);
  state.addOperands(operands);
  state.addTypes(results);
  attributes.set("names", builder_.getStrArrayAttr(resultNames));
  if (!node.empty()) attributes.set("node", builder_.getStringAttr(node));
  state.addAttributes(attributes);
  return builder_.create(state);
}

std::string Emitter::integerName(Value old) const {
  bool output = llvm::any_of(old.getUsers(), [](Operation* user) { return isa<nn::OutputOp>(user); });
  return nn::valueName(old) + (output ? "/quantized" : "");
}

// Quantized models have casts of their own, whose names may be those that we would give.
std::string Emitter::castName(const std::string& name, const char* suffix) {
  std::string cast = name + suffix;
  while (!names_.insert(cast).second) cast += suffix;
  return cast;
}

Value Emitter::integer(Value old) {
  if (auto it = integer_.find(old); it != integer_.end()) return it->second;
  std::string name = nn::valueName(old);
  NamedAttrList rule;
  rule.set("quantize", builder_.getStringAttr(nameOf(target_.inputQuantize)));
  rule.set("rounding", builder_.getStringAttr(rt::nameOf(target_.activationRounding)));
  Value made = create("qnn.quantize", {real(old)}, integerType(old), rule, castName(name, "/quantize"), name)
                   ->getResult(0);
  return integer_[old] = made;
}

Value Emitter::real(Value old) {
  if (auto it = real_.find(old); it != real_.end()) return it->second;
  auto it = integer_.find(old);
  if (it == integer_.end()) return plain(old);
  std::string name = nn::valueName(old);
  bool output = integerName(old) != name;
  Value made = create("qnn.dequantize", {it->second}, old.getType(), {},
                      output ? name : castName(name, "/dequantize"), name)
                   ->getResult(0);
  return real_[old] = made;
}

Value Emitter::plain(Value old) {
  if (auto it = real_.find(old); it != real_.end()) return it->second;
  if (auto it = plain_.find(old); it != plain_.end()) return it->second;
  Operation* producer = old.getDefiningOp();
  if (!isa<nn::ConstantOp, nn::NoneOp>(producer)) return real(old);
  return plain_[old] = builder_.clone(*producer)->getResult(cast<OpResult>(old).getResultNumber());
}

Value Emitter::constantRaw(ArrayRef<char> bytes, ArrayRef<int64_t> shape, Type element,
                           const std::string& name) {
  auto type = RankedTensorType::get(shape, element);
  return nn::constant(builder_, type, HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64), name);
}
Value Emitter::constantI8(ArrayRef<int8_t> values, ArrayRef<int64_t> shape, Type element,
                          const std::string& name) {
  return constantRaw(ArrayRef<char>(reinterpret_cast<const char*>(values.data()), values.size()), shape,
                     element, name);
}
Value Emitter::constantI32(ArrayRef<int32_t> values) {
  return constantRaw(ArrayRef<char>(reinterpret_cast<const char*>(values.data()), values.size() * 4),
                     {static_cast<int64_t>(values.size())}, builder_.getI32Type(), {});
}
Value Emitter::constantI64(ArrayRef<int64_t> values) {
  return constantRaw(ArrayRef<char>(reinterpret_cast<const char*>(values.data()), values.size() * 8),
                     {static_cast<int64_t>(values.size())}, builder_.getI64Type(), {});
}
Value Emitter::constantF32(ArrayRef<float> values) {
  return constantRaw(ArrayRef<char>(reinterpret_cast<const char*>(values.data()), values.size() * 4),
                     {static_cast<int64_t>(values.size())}, builder_.getF32Type(), {});
}
Value Emitter::none() {
  return nn::NoneOp::create(builder_, builder_.getUnknownLoc(), NoneType::get(builder_.getContext()));
}

} // namespace burin::quantize
