#include "lib/nn/builder.h"

#include "lib/nn/constants.h"
#include "runtime/core/half_adaptor.h"
#include "runtime/core/op.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Verifier.h"

#include <fmt/format.h>

using namespace mlir;

namespace burin::nn {

namespace {
// A result this much bigger than its operands (a huge Expand, say) is cheaper to compute than to store.
constexpr int64_t kMaxFoldedGrowth = 4;
constexpr int64_t kFoldedGrowthFree = int64_t(1) << 20; // elements

// Estimated multiply-adds or element visits of one op. Saturates far below overflow: operands and results
// hold at most 2^40 elements, so only the product needs care.
double foldWork(StringRef mnemonic, ArrayRef<Value> operands, int64_t operandElements,
                int64_t resultElements) {
  double visits = static_cast<double>(operandElements) + static_cast<double>(resultElements);
  auto shapeOf = [&](size_t i) {
    auto t = i < operands.size() ? dyn_cast<RankedTensorType>(operands[i].getType()) : RankedTensorType();
    return t ? t.getShape() : ArrayRef<int64_t>();
  };
  double outputs = static_cast<double>(resultElements);
  if (mnemonic == "matmul" && !shapeOf(0).empty())
    return visits +
           outputs * static_cast<double>(std::max(
                         shapeOf(0).back(), shapeOf(0)[shapeOf(0).size() > 1 ? shapeOf(0).size() - 2 : 0]));
  if ((mnemonic == "conv" || mnemonic == "conv_transpose") && !shapeOf(1).empty()) {
    double kernel = 1;
    for (int64_t d : shapeOf(1).drop_front()) kernel *= static_cast<double>(d);
    return visits + outputs * kernel;
  }
  // Windows, interpolation, sorting, recurrence: at worst every result looks at every operand.
  static constexpr StringRef kLocal[] = {"unary",
                                         "binary",
                                         "select",
                                         "cast",
                                         "reshape",
                                         "transpose",
                                         "slice",
                                         "concat",
                                         "pad",
                                         "expand",
                                         "tile",
                                         "gather",
                                         "gather_elements",
                                         "gather_nd",
                                         "reduce",
                                         "batch_norm",
                                         "softmax",
                                         "quantize",
                                         "dequantize",
                                         "one_hot",
                                         "trilu",
                                         "depth_to_space",
                                         "space_to_depth",
                                         "cumsum",
                                         "scatter_elements",
                                         "scatter_nd",
                                         "nonzero",
                                         "compress",
                                         "reverse_sequence",
                                         "arg_reduce",
                                         "layer_norm",
                                         "group_norm"};
  return llvm::is_contained(kLocal, mnemonic) ? visits
                                              : visits + outputs * static_cast<double>(operandElements);
}

// Collects MLIR diagnostics while it lives; text() is the first of them.
class DiagnosticCapture {
public:
  explicit DiagnosticCapture(MLIRContext* context)
      : handler_(context, [this](Diagnostic& d) {
          if (text_.empty()) text_ = d.str();
          return success();
        }) {}
  const std::string& text() const { return text_; }

private:
  std::string text_;
  ScopedDiagnosticHandler handler_;
};
} // namespace

void loadDialects(MLIRContext& context) {
  context.disableMultithreading();
  context.loadDialect<NNDialect, quant::QuantDialect>();
  context.getDiagEngine().registerHandler([](Diagnostic&) { return success(); });
}

bool isConstant(Value value) { return value && value.getDefiningOp<ConstantOp>(); }

rt::TensorType typeOf(Value value) {
  rt::TensorType type;
  [[maybe_unused]] bool ok = tensorType(value.getType(), type);
  assert(ok && "value without a program tensor type");
  return type;
}

GraphBuilder::GraphBuilder(MLIRContext* context, StringRef graphName)
    : context_(context), module_(ModuleOp::create(UnknownLoc::get(context))), builder_(context) {
  builder_.setInsertionPointToStart(module_->getBody());
  auto graph = GraphOp::create(builder_, builder_.getUnknownLoc(), builder_.getStringAttr(graphName));
  builder_.setInsertionPointToStart(&graph.getBody().emplaceBlock());
}

Operation* GraphBuilder::lastOp() const {
  Block* block = builder_.getInsertionBlock();
  return block->empty() ? nullptr : &block->back();
}

Value GraphBuilder::input(const std::string& name, const rt::TensorType& type) {
  auto t = RankedTensorType::get(ArrayRef<int64_t>(type.shape.dim, type.shape.rank),
                                 elementType(context_, type.dtype));
  return InputOp::create(builder_, builder_.getUnknownLoc(), t, builder_.getStringAttr(name),
                         DictionaryAttr());
}

Value GraphBuilder::makeConstant(const rt::TensorType& type, AsmResourceBlob blob, const std::string& name) {
  auto t = RankedTensorType::get(ArrayRef<int64_t>(type.shape.dim, type.shape.rank),
                                 elementType(context_, type.dtype));
  return nn::constant(builder_, t, std::move(blob), name);
}

Value GraphBuilder::constant(const rt::TensorType& type, ArrayRef<char> bytes, const std::string& name) {
  if (bytes.empty()) bytes = ArrayRef<char>("", size_t(0)); // MLIR hands the address to memcpy
  return makeConstant(type, HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64), name);
}

Value GraphBuilder::constantView(const rt::TensorType& type, ArrayRef<char> bytes,
                                 std::shared_ptr<const void> owner, const std::string& name) {
  size_t align = rt::dtypeBytes(type.dtype);
  if (reinterpret_cast<uintptr_t>(bytes.data()) % align) return constant(type, bytes, name);
  AsmResourceBlob blob(bytes, align, [owner](void*, size_t, size_t) {}, /*dataIsMutable=*/false);
  return makeConstant(type, std::move(blob), name);
}

Value GraphBuilder::constantInts(ArrayRef<int64_t> values, const std::string& name) {
  return constant({rt::DType::I64, {static_cast<int64_t>(values.size())}},
                  ArrayRef<char>(reinterpret_cast<const char*>(values.data()), values.size() * 8), name);
}
Value GraphBuilder::constantInt(int64_t value) {
  return constant({rt::DType::I64, {}}, ArrayRef<char>(reinterpret_cast<const char*>(&value), 8));
}
Value GraphBuilder::constantFloats(ArrayRef<float> values, ArrayRef<int64_t> shape, const std::string& name) {
  rt::TensorType type{rt::DType::F32, {}};
  for (int64_t d : shape) type.shape.push(d);
  return constant(type, ArrayRef<char>(reinterpret_cast<const char*>(values.data()), values.size() * 4),
                  name);
}
Value GraphBuilder::constantFloat(float value) { return constantFloats(value, {}); }
Value GraphBuilder::none() {
  return NoneOp::create(builder_, builder_.getUnknownLoc(), NoneType::get(context_));
}

Result<std::vector<std::pair<rt::TensorType, std::vector<char>>>>
evaluate(const std::string& type, const rt::Attrs& attrs, const std::vector<ConstantTensor*>& operands) {
  rt::Node node;
  node.type = type;
  node.attrs = attrs;
  std::vector<rt::Tensor> inputs(operands.size());
  rt::Signature signature{node.attrs, {}};
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i]) {
      inputs[i].type = operands[i]->type;
      inputs[i].data = const_cast<void*>(operands[i]->data);
      inputs[i].constant = true;
      rt::computeStrides(inputs[i].type.shape, nullptr, 0, inputs[i].stride);
    }
    signature.inputs.push_back(operands[i] ? &inputs[i].type : nullptr);
    node.inputs.push_back(operands[i] ? &inputs[i] : nullptr);
  }
  std::vector<rt::TensorType> types;
  std::string error;
  const rt::OpDef* def = rt::findOp(type);
  if (!def) return fail(ErrorCode::Unsupported, "unknown op type '" + type + "'");
  if (!def->infer(signature, types, error)) return fail(ErrorCode::Input, error);
  std::vector<std::pair<rt::TensorType, std::vector<char>>> results;
  std::vector<rt::Tensor> outputs(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    results.emplace_back(types[i],
                         std::vector<char>(types[i].shape.elements() * rt::dtypeBytes(types[i].dtype)));
    outputs[i].type = types[i];
    rt::computeStrides(types[i].shape, nullptr, 0, outputs[i].stride);
  }
  for (size_t i = 0; i < types.size(); ++i) {
    outputs[i].data = results[i].second.data();
    node.outputs.push_back(&outputs[i]);
  }
  std::vector<uint8_t> workspace;
  bool half = rt::needsHalfAdaptor(node);
  if (half) workspace.resize(rt::halfWorkspaceBytes(node) + 64);
  auto aligned64 = [](std::vector<uint8_t>& bytes) {
    return bytes.data() + (64 - reinterpret_cast<uintptr_t>(bytes.data()) % 64);
  };
  auto kernel = half ? rt::makeHalfKernel(node, {}, def->make, aligned64(workspace), error)
                     : def->make(node, {}, error);
  if (!kernel) return fail(ErrorCode::Unsupported, error);
  rt::ThreadPool pool(1);
  std::vector<uint8_t> scratch(kernel->scratchBytes() + 64);
  rt::Context context{pool, aligned64(scratch)};
  kernel->run(context);
  if (context.failure) return fail(ErrorCode::Input, context.failure);
  return results;
}

bool GraphBuilder::mayFold(StringRef mnemonic, ArrayRef<Value> operands, ArrayRef<Type> results) {
  if (operands.empty()) return false;
  int64_t operandElements = 0, resultElements = 0, resultBytes = 0;
  for (Value v : operands) {
    if (isa<NoneType>(v.getType())) continue;
    if (!isConstant(v)) return false;
    operandElements += cast<RankedTensorType>(v.getType()).getNumElements();
  }
  for (Type t : results) {
    rt::TensorType type;
    if (!tensorType(t, type) || type.shape.elements() > limits_.elements) return false;
    resultElements += type.shape.elements();
    resultBytes += type.shape.elements() * static_cast<int64_t>(rt::dtypeBytes(type.dtype));
  }
  if (resultElements > kMaxFoldedGrowth * operandElements + kFoldedGrowthFree) return false;
  double work = foldWork(mnemonic, operands, operandElements, resultElements);
  if (foldedBytes_ + resultBytes > limits_.totalBytes) return false;
  if (static_cast<double>(foldedWork_) + work > static_cast<double>(limits_.totalWork)) return false;
  foldedBytes_ += resultBytes;
  foldedWork_ += static_cast<int64_t>(work);
  return true;
}

Result<std::vector<Value>> GraphBuilder::ops(StringRef mnemonic, ArrayRef<Value> operands,
                                             const AttrList& attrs, ArrayRef<std::string> names,
                                             const std::string& node, Fold fold) {
  std::string type = "nn." + mnemonic.str();
  std::string where = !node.empty() ? node : !names.empty() ? names[0] : type;
  DictionaryAttr dictionary = attrs.dictionary();
  SmallVector<Type> types;
  {
    DiagnosticCapture capture(context_);
    if (failed(inferTypes(type, context_, builder_.getUnknownLoc(), operands, dictionary, types)))
      return fail(Error{
          ErrorCode::Input, {}, where, capture.text(), "check the operator's attributes and input shapes"});
  }
  auto nameOf = [&](size_t i) { return i < names.size() ? names[i] : std::string(); };

  if (fold == Fold::Allow && mayFold(mnemonic, operands, types)) {
    std::vector<ConstantTensor> storage(operands.size());
    std::vector<ConstantTensor*> inputs;
    for (size_t i = 0; i < operands.size(); ++i) {
      if (isConstant(operands[i])) storage[i] = {typeOf(operands[i]), constantBytes(operands[i]).data()};
      inputs.push_back(isConstant(operands[i]) ? &storage[i] : nullptr);
    }
    auto folded = evaluate(type, programAttrs(dictionary), inputs);
    if (!folded) return tl::unexpected(atOp(folded.error(), where));
    std::vector<Value> results;
    for (size_t i = 0; i < folded->size(); ++i)
      results.push_back(constant((*folded)[i].first, (*folded)[i].second, nameOf(i)));
    return results;
  }

  OperationState state(builder_.getUnknownLoc(), type);
  state.addOperands(operands);
  state.addTypes(types);
  state.addAttributes(dictionary.getValue());
  Operation* op = builder_.create(state);
  std::vector<std::string> all;
  for (size_t i = 0; i < types.size(); ++i) all.push_back(nameOf(i));
  setNames(op, all);
  if (!node.empty()) op->setAttr("node", builder_.getStringAttr(node));
  auto results = op->getResults();
  return std::vector<Value>(results.begin(), results.end());
}

Result<Value> GraphBuilder::op(StringRef mnemonic, ArrayRef<Value> operands, const AttrList& attrs,
                               const std::string& name, const std::string& node, Fold fold) {
  ArrayRef<std::string> names = name.empty() ? ArrayRef<std::string>() : name;
  BURIN_ASSIGN(std::vector<Value> results, ops(mnemonic, operands, attrs, names, node, fold));
  return results.at(0);
}

Result<OwningOpRef<ModuleOp>> GraphBuilder::finish(ArrayRef<Value> outputs, ArrayRef<std::string> names) {
  auto output = OutputOp::create(builder_, builder_.getUnknownLoc(), outputs);
  setNames(output, names);
  // Constants that only served folding go away.
  Block* block = output->getBlock();
  for (Operation& op : llvm::make_early_inc_range(llvm::reverse(*block)))
    if (!isa<InputOp, OutputOp>(op) && op.use_empty()) op.erase();
  DiagnosticCapture capture(context_);
  if (failed(verify(*module_)))
    return fail(ErrorCode::Internal, "the imported graph is not valid: " + capture.text());
  return std::move(module_);
}

} // namespace burin::nn
