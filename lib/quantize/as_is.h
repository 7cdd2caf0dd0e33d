// An already quantized model as it is: what stands between nn.quantize and nn.dequantize becomes the exact
// scale of a tensor, integers behind nn.dequantize become the stored weights. Nothing is measured or chosen
// here.
#pragma once

#include "lib/quantize/plan.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/DenseMap.h"

#include <cstring>

namespace burin::quantize {

// The integers of a constant that the float graph holds as real numbers.
struct StoredConstant {
  rt::TensorType type;     // of integers
  std::vector<char> bytes; // row-major
  std::vector<float> scale;
  std::vector<int64_t> zeroPoint; // as many as scales
  int64_t axis = 0;               // of the scales when there are several

  // Stored integers of type T.
  template <class T>
  std::vector<int64_t> values() const {
    std::vector<T> stored(bytes.size() / sizeof(T));
    std::memcpy(stored.data(), bytes.data(), stored.size() * sizeof(T));
    return {stored.begin(), stored.end()};
  }
};
using Locks = llvm::DenseMap<mlir::Value, LockedScale>;
using StoredConstants = llvm::DenseMap<mlir::Value, StoredConstant>;

struct AsIs {
  mlir::OwningOpRef<mlir::ModuleOp>
      module; // a float graph without quantization, in the context of the source
  QuantPlan plan;
  StoredConstants stored;
};

// `module` is prepared and is not changed. Unsupported when it holds no quantization.
Result<AsIs> takeAsIs(mlir::ModuleOp module, const std::string& graphHash, const Target& target);

// Scales of tensors that have none, from the ops between them and a tensor that has one.
void spreadLocks(nn::GraphOp graph, const Target& target, Locks& locks);

// The plan of a graph whose real tensors have these scales.
QuantPlan planAsIs(nn::GraphOp graph, const Target& target, const Locks& locks,
                   const StoredConstants& stored);

// A copy of the module in which integer constants behind nn.dequantize are real numbers, for choosing
// integers anew. Null when there are none.
Result<mlir::OwningOpRef<mlir::ModuleOp>> withRealConstants(mlir::ModuleOp module);
// A copy of the module as the float network that its integers stand for: nothing is rounded between its ops
// any more. It is not prepared: ops that the rounding kept apart may be one now.
Result<mlir::OwningOpRef<mlir::ModuleOp>> withoutQuantization(mlir::ModuleOp module);
// The scale of an nn.quantize or nn.dequantize whose integers are `integers`; nothing for those per axis, per
// block or computed.
std::optional<LockedScale> lockOf(mlir::Operation* op, mlir::Value integers);
// Integer inputs that are only read through one nn.dequantize carry its scale in their type (!quant.uniform),
// so that whoever feeds them knows what they stand for.
void markIntegerInputs(nn::GraphOp graph);
std::optional<LockedScale> inputScale(nn::InputOp input);
// Does the model quantize activations itself?
bool quantizesActivations(mlir::ModuleOp module);

} // namespace burin::quantize
