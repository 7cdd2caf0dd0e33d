// How importers write `nn`: ops by name, types inferred, constants folded at once by the runtime's own
// kernels (there is no second interpreter). An op whose operands are all constants never reaches the graph,
// so shape arithmetic, constant branches and loop conditions are plain values to the importer.
#pragma once

#include "lib/nn/nn.h"
#include "lib/support/error.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace burin::nn {

// Inherent attributes of an op, in the kinds nn.td declares.
class AttrList {
public:
  explicit AttrList(mlir::MLIRContext* context) : builder_(context) {}
  AttrList& i(llvm::StringRef name, int64_t v) { return set(name, builder_.getI64IntegerAttr(v)); }
  AttrList& b(llvm::StringRef name, bool v) { return set(name, builder_.getBoolAttr(v)); }
  AttrList& f(llvm::StringRef name, float v) { return set(name, builder_.getF32FloatAttr(v)); }
  AttrList& s(llvm::StringRef name, llvm::StringRef v) { return set(name, builder_.getStringAttr(v)); }
  AttrList& ints(llvm::StringRef name, llvm::ArrayRef<int64_t> v) {
    return set(name, builder_.getDenseI64ArrayAttr(v));
  }
  AttrList& floats(llvm::StringRef name, llvm::ArrayRef<float> v) {
    return set(name, builder_.getDenseF32ArrayAttr(v));
  }
  mlir::DictionaryAttr dictionary() const { return list_.getDictionary(builder_.getContext()); }

private:
  AttrList& set(llvm::StringRef name, mlir::Attribute a) {
    list_.set(name, a);
    return *this;
  }
  mutable mlir::Builder builder_;
  mlir::NamedAttrList list_;
};

// Bounds on what folding may cost, so that a small hostile file cannot make an importer slow or big.
struct FoldLimits {
  int64_t elements = int64_t(1) << 26;   // of one result
  int64_t totalBytes = int64_t(1) << 30; // of all results
  int64_t totalWork = int64_t(1) << 34;  // multiply-adds or element visits, estimated
};

enum class Fold { Allow, Never };

class GraphBuilder {
public:
  // Starts a module with one graph. The context must have the nn dialect loaded (see loadDialects).
  explicit GraphBuilder(mlir::MLIRContext* context, llvm::StringRef graphName = "main");

  mlir::MLIRContext* context() const { return context_; }
  mlir::Operation* lastOp() const; // null in an empty graph
  void setFoldLimits(const FoldLimits& limits) { limits_ = limits; }
  AttrList attrs() const { return AttrList(context_); }

  mlir::Value input(const std::string& name, const rt::TensorType& type);
  // A constant that copies `bytes` (row-major, bool as one byte each).
  mlir::Value constant(const rt::TensorType& type, llvm::ArrayRef<char> bytes, const std::string& name = {});
  // A constant over memory that `owner` keeps alive (a mapped model file): no copy. `bytes` must be 8-byte
  // aligned or of a one-byte type; otherwise it is copied.
  mlir::Value constantView(const rt::TensorType& type, llvm::ArrayRef<char> bytes,
                           std::shared_ptr<const void> owner, const std::string& name = {});
  mlir::Value constantInts(llvm::ArrayRef<int64_t> values, const std::string& name = {}); // i64 [n]
  mlir::Value constantInt(int64_t value);                                                 // i64 scalar
  mlir::Value constantFloats(llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> shape,
                             const std::string& name = {});
  mlir::Value constantFloat(float value); // f32 scalar
  mlir::Value none();

  // Adds op "nn.<mnemonic>", or folds it. `names` are the source tensor names of the results (may be
  // shorter). Fold::Never keeps an op whose operands are constant, e.g. the nn.dequantize of integer weights.
  Result<std::vector<mlir::Value>> ops(llvm::StringRef mnemonic, llvm::ArrayRef<mlir::Value> operands,
                                       const AttrList& attrs, llvm::ArrayRef<std::string> names = {},
                                       const std::string& node = {}, Fold fold = Fold::Allow);
  // The same for a single result.
  Result<mlir::Value> op(llvm::StringRef mnemonic, llvm::ArrayRef<mlir::Value> operands,
                         const AttrList& attrs, const std::string& name = {}, const std::string& node = {},
                         Fold fold = Fold::Allow);

  // Ends the graph. Names the outputs; the builder must not be used afterwards.
  Result<mlir::OwningOpRef<mlir::ModuleOp>> finish(llvm::ArrayRef<mlir::Value> outputs,
                                                   llvm::ArrayRef<std::string> names);

private:
  mlir::Value makeConstant(const rt::TensorType& type, mlir::AsmResourceBlob blob, const std::string& name);
  bool mayFold(llvm::StringRef mnemonic, llvm::ArrayRef<mlir::Value> operands,
               llvm::ArrayRef<mlir::Type> results);

  mlir::MLIRContext* context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  mlir::OpBuilder builder_;
  std::map<std::string, unsigned> resourceNames_;
  std::map<uint64_t, mlir::Value> none_;
  FoldLimits limits_;
  int64_t foldedBytes_ = 0;
  int64_t foldedWork_ = 0;
};

bool isConstant(mlir::Value value);
rt::TensorType typeOf(mlir::Value value); // asserts that tensorType() accepts it

// Loads nn, quant and builtin dialects and silences MLIR's own diagnostics (errors are returned as
// burin::Error).
void loadDialects(mlir::MLIRContext& context);

// Evaluates "nn.<...>" on constant operands with the reference kernels. Row-major bytes in and out.
struct ConstantTensor {
  rt::TensorType type;
  const void* data = nullptr; // row-major
};
Result<std::vector<std::pair<rt::TensorType, std::vector<char>>>>
evaluate(const std::string& type, const rt::Attrs& attrs, const std::vector<ConstantTensor*>& operands);

} // namespace burin::nn
