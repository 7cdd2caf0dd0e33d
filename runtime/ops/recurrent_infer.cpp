// Shape rules of the recurrent ops.
#include "runtime/ops/infer_check.h"
#include "runtime/ops/recurrent_cell.h"

namespace burin::rt {

bool checkOperandShape(const Signature& signature, int i, const char* operand, const Shape& shape,
                       std::string& error) {
  const TensorType* type = signature.input(i);
  if (!type) return true;
  if (!isFloat(type->dtype))
    return reject(error, std::string(operand) + " has element type " + dtypeName(type->dtype) +
                             "; a float type is needed");
  if (type->shape != shape)
    return reject(error, std::string(operand) + " has shape " + toString(type->shape) + "; " +
                             toString(shape) + " is needed");
  return true;
}

namespace {
bool checkFunctions(const Signature& signature, const RecurrentKind& kind, int64_t directions,
                    std::string& error) {
  std::vector<GateFunction> functions;
  if (!parseGateFunctions(signature.attrs.text("activations"), functions, error)) return false;
  const size_t wanted = static_cast<size_t>(kind.functionCount) * static_cast<size_t>(directions);
  if (functions.empty() || functions.size() == wanted) return true;
  return reject(error, "there are " + std::to_string(functions.size()) + " activations; " +
                           std::to_string(wanted) + " are needed");
}

bool checkLengths(const Signature& signature, int64_t batch, std::string& error) {
  const TensorType* lengths = signature.input(kLengths);
  if (!lengths) return true;
  if (!checkIndexType(*lengths, "lengths", error)) return false;
  if (lengths->shape == Shape{batch}) return true;
  return reject(error, "lengths has shape " + toString(lengths->shape) + "; a vector of " +
                           std::to_string(batch) + " is needed");
}
} // namespace

bool inferRecurrent(const Signature& signature, const RecurrentKind& kind, RecurrentSizes& sizes,
                    std::vector<TensorType>& results, std::string& error) {
  const TensorType& x = *signature.input(kX);
  if (!isFloat(x.dtype))
    return reject(error,
                  std::string("x has element type ") + dtypeName(x.dtype) + "; a float type is needed");
  if (x.shape.rank != 3)
    return reject(error, "x has shape " + toString(x.shape) + "; [time, batch, features] is needed");
  if (!checkChoice(signature, "direction", "forward reverse bidirectional", error)) return false;
  if (!checkInts(signature, "hidden", 1, 1, int64_t{1} << 24, error)) return false;
  sizes.gates = kind.gates;
  sizes.time = x.shape[0];
  sizes.batch = x.shape[1];
  sizes.features = x.shape[2];
  sizes.hidden = signature.attrs.integer("hidden");
  sizes.directions = signature.attrs.text("direction") == "bidirectional" ? 2 : 1;
  const int64_t d = sizes.directions, rows = sizes.rows(), hidden = sizes.hidden;
  if (!checkOperandShape(signature, kW, "w", {d, rows, sizes.features}, error) ||
      !checkOperandShape(signature, kR, "r", {d, rows, hidden}, error) ||
      !checkOperandShape(signature, kBias, "bias", {d, 2 * rows}, error) ||
      !checkOperandShape(signature, kInitialH, "initial h", {d, sizes.batch, hidden}, error) ||
      !checkLengths(signature, sizes.batch, error) || !checkFunctions(signature, kind, d, error))
    return false;
  results = {{x.dtype, {sizes.time, d, sizes.batch, hidden}}, {x.dtype, {d, sizes.batch, hidden}}};
  return checkShape(results[0].shape, error);
}

} // namespace burin::rt
