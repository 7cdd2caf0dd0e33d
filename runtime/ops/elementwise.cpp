#include "runtime/ops/elementwise_ops.h"

#include "runtime/ops/infer_check.h"

namespace burin::rt {

bool broadcastShapes(const Shape& a, const Shape& b, Shape& result, std::string& error) {
  result = Shape();
  const int rank = a.rank > b.rank ? a.rank : b.rank;
  for (int axis = 0; axis < rank; ++axis) {
    const int fromA = axis - (rank - a.rank), fromB = axis - (rank - b.rank);
    const int64_t da = fromA < 0 ? 1 : a[fromA], db = fromB < 0 ? 1 : b[fromB];
    if (da != db && da != 1 && db != 1)
      return reject(error, "shapes " + toString(a) + " and " + toString(b) +
                               " do not broadcast: " + std::to_string(da) + " against " + std::to_string(db));
    result.push(da == 1 ? db : da);
  }
  return checkShape(result, error);
}

bool requireNoHalf(const Node& node, std::string& error) {
  auto isHalf = [](const Tensor* t) { return t && (t->dtype() == DType::F16 || t->dtype() == DType::BF16); };
  for (const Tensor* t : node.inputs)
    if (isHalf(t))
      return reject(error,
                    std::string("an operand is ") + dtypeName(t->dtype()) + "; this kernel computes in f32");
  for (const Tensor* t : node.outputs)
    if (isHalf(t))
      return reject(error,
                    std::string("the result is ") + dtypeName(t->dtype()) + "; this kernel computes in f32");
  return true;
}

static const OpDef kOps[] = {
    {"nn.unary", inferUnary, makeUnary},
    {"nn.binary", inferBinary, makeBinary},
    {"nn.select", inferSelect, makeSelect},
    {"nn.cast", inferCast, makeCast},
};
extern const OpTable kElementwiseOps;
const OpTable kElementwiseOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
