// nn.reduce: the shape rule and the choice of kernel.
#include "runtime/ops/elementwise_ops.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/reduce_ops.h"

#include <cstring>

namespace burin::rt {

namespace {
const char* const kReduceNames[] = {"sum", "mean", "max",     "min",         "prod",
                                    "l1",  "l2",   "log_sum", "log_sum_exp", "sum_square"};

bool worksOn(ReduceFn fn, DType dtype) {
  if (isFloat(dtype)) return true;
  if (dtype == DType::Bool) return fn == ReduceFn::Max || fn == ReduceFn::Min;
  return fn != ReduceFn::LogSum && fn != ReduceFn::LogSumExp;
}
} // namespace

bool parseReduceFn(const std::string& name, ReduceFn& fn) {
  for (size_t i = 0; i < sizeof kReduceNames / sizeof *kReduceNames; ++i)
    if (name == kReduceNames[i]) {
      fn = static_cast<ReduceFn>(i);
      return true;
    }
  return false;
}

bool inferReduce(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  const std::string& name = signature.attrs.text("fn");
  ReduceFn fn;
  if (!parseReduceFn(name, fn)) return reject(error, "there is no reduction '" + name + "'");
  if (!worksOn(fn, x.dtype))
    return reject(error,
                  "reduction '" + name + "' is not defined for elements of type " + dtypeName(x.dtype));
  const std::vector<int64_t>& axes = signature.attrs.ints("axes");
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] < 0 || axes[i] >= x.shape.rank || (i > 0 && axes[i] <= axes[i - 1]))
      return reject(error, "attribute 'axes' must be ascending numbers in [0, " +
                               std::to_string(x.shape.rank) + "); it contains " + std::to_string(axes[i]));
  const bool keepDims = signature.attrs.integer("keep_dims") != 0;
  Shape shape;
  size_t next = 0;
  for (int axis = 0; axis < x.shape.rank; ++axis) {
    const bool reduced = next < axes.size() && axes[next] == axis;
    if (reduced) ++next;
    if (!reduced)
      shape.push(x.shape[axis]);
    else if (keepDims)
      shape.push(1);
  }
  results = {{x.dtype, shape}};
  // A product that had a zero factor may have lost it.
  return checkShape(shape, error);
}

std::unique_ptr<Kernel> makeReduce(const Node& node, const KernelConfig& config, std::string& error) {
  if (!requireNoHalf(node, error)) return nullptr;
  ReduceFn fn;
  if (!parseReduceFn(node.attrs.text("fn"), fn)) {
    error = "there is no reduction '" + node.attrs.text("fn") + "'";
    return nullptr;
  }
  return node.in(0).dtype() == DType::F32 ? makeFloatReduce(node, fn, config) : makeIntegerReduce(node, fn);
}

static const OpDef kOps[] = {
    {"nn.reduce", inferReduce, makeReduce},
    {"nn.arg_reduce", inferArgReduce, makeArgReduce},
    {"nn.cumsum", inferCumSum, makeCumSum},
    {"nn.topk", inferTopK, makeTopK},
};
extern const OpTable kReduceOps;
const OpTable kReduceOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
