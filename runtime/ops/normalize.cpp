// The table of normalisations and what their shape rules share.
#include "runtime/ops/normalize_ops.h"

#include "runtime/ops/infer_check.h"

namespace burin::rt {

bool checkFloatInput(const Signature& signature, int rank, std::string& error) {
  const TensorType& x = *signature.input(0);
  if (!isFloat(x.dtype))
    return reject(error,
                  std::string("x has element type ") + dtypeName(x.dtype) + "; a float type is needed");
  if (x.shape.rank < rank)
    return reject(error,
                  "x of shape " + toString(x.shape) + " has fewer than " + std::to_string(rank) + " axes");
  return true;
}

bool checkFloatVector(const Signature& signature, int i, const char* operand, int64_t length,
                      std::string& error) {
  const TensorType* type = signature.input(i);
  if (!type) return true;
  if (!isFloat(type->dtype))
    return reject(error, std::string(operand) + " has element type " + dtypeName(type->dtype) +
                             "; a float type is needed");
  if (type->shape.rank != 1 || type->shape[0] != length)
    return reject(error, std::string(operand) + " has shape " + toString(type->shape) + "; a vector of " +
                             std::to_string(length) + " is needed");
  return true;
}

static const OpDef kOps[] = {
    {"nn.batch_norm", inferBatchNorm, makeBatchNorm}, {"nn.layer_norm", inferLayerNorm, makeLayerNorm},
    {"nn.group_norm", inferGroupNorm, makeGroupNorm}, {"nn.lrn", inferLrn, makeLrn},
    {"nn.softmax", inferSoftmax, makeSoftmax},
};
extern const OpTable kNormalizeOps;
const OpTable kNormalizeOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
