#include "lib/qnn/qnn.h"

#include "runtime/core/op.h"

using namespace mlir;

#include "lib/qnn/qnn_dialect.cpp.inc"
#define GET_OP_CLASSES
#include "lib/qnn/qnn_ops.cpp.inc"

void burin::qnn::QNNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "lib/qnn/qnn_ops.cpp.inc"
      >();
}

LogicalResult burin::qnn::verifyByRule(Operation* op) {
  rt::Attrs attrs = nn::programAttrs(op->getAttrDictionary());
  std::vector<rt::TensorType> storage(op->getNumOperands());
  rt::Signature signature{attrs, {}};
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    bool present = !isa<NoneType>(operand.getType());
    if (present && !nn::tensorType(operand.getType(), storage[i]))
      return op->emitOpError("operand ") << i << " has an unsupported type";
    signature.inputs.push_back(present ? &storage[i] : nullptr);
  }
  std::vector<rt::TensorType> results;
  std::string error;
  if (!rt::inferTypes(op->getName().getStringRef().str(), signature, results, error))
    return op->emitOpError(error);
  bool follows = results.size() == op->getNumResults();
  for (size_t i = 0; follows && i < results.size(); ++i) {
    rt::TensorType declared;
    follows = nn::tensorType(op->getResult(i).getType(), declared) && declared.shape == results[i].shape;
  }
  if (!follows) return op->emitOpError("result shape does not follow from the operands");
  return success();
}
