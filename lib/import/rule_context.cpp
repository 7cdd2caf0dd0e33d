#include "lib/import/rule_context.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin {

Ints allAxes(int64_t rank, int64_t first) {
  Ints axes;
  for (int64_t i = first; i < rank; ++i) axes.push_back(i);
  return axes;
}

int64_t product(const Ints& values, size_t begin, size_t end) {
  int64_t result = 1;
  for (size_t i = begin; i < end && i < values.size(); ++i) result *= values[i];
  return result;
}

namespace {
// Is there a 64-bit integer that it becomes? NaN becomes none.
bool hasInteger(double value) { return value >= -0x1p63 && value < 0x1p63; }
} // namespace

void ImportSession::warn(const std::string& message) {
  if (info_.warnings.size() < 100) info_.warnings.push_back(message);
}

RuleContext::RuleContext(ImportSession& session, NodeFacts node)
    : session_(session), node_(std::move(node)), results_(node_.outputs.size()),
      mark_(session.builder().lastOp()) {
  for (size_t i = 0; node_.name.empty() && i < node_.outputs.size(); ++i) node_.name = node_.outputs[i];
  if (node_.name.empty()) node_.name = node_.type;
}

//===-- errors
//---------------------------------------------------------------------------------------------------===//

void RuleContext::fail(Error error) {
  if (error_) return;
  error.op = fmt::format("{} ({})", name(), type());
  error_ = std::move(error);
}
void RuleContext::forward(Error error) {
  if (error.op.empty()) return fail(std::move(error));
  if (!error_) error_ = std::move(error);
}
void RuleContext::invalid(const std::string& message, const std::string& remedy) {
  fail(Error{ErrorCode::Input, {}, {}, message, remedy});
}
void RuleContext::unsupported(const std::string& message, const std::string& remedy) {
  fail(Error{ErrorCode::Unsupported, {}, {}, message, remedy});
}

int64_t RuleContext::axis(int64_t value, int64_t rank) {
  if (value >= -rank && value < rank) return value < 0 ? value + rank : value;
  invalid(fmt::format("axis {} is outside a tensor of {} dimensions", value, rank));
  return 0;
}

Ints RuleContext::axes(const Ints& values, int64_t rank) {
  Ints result;
  for (int64_t value : values) result.push_back(axis(value, rank));
  std::sort(result.begin(), result.end());
  if (std::adjacent_find(result.begin(), result.end()) != result.end()) {
    invalid("an axis is named twice");
    result.erase(std::unique(result.begin(), result.end()), result.end());
  }
  return result;
}

//===-- inputs
//---------------------------------------------------------------------------------------------------===//

namespace {
// Names of the graph inputs that `value` is computed from.
std::set<std::string> inputsBehind(Value value) {
  std::set<std::string> names;
  llvm::DenseSet<mlir::Operation*> seen;
  std::vector<mlir::Operation*> pending = {value.getDefiningOp()};
  while (!pending.empty()) {
    mlir::Operation* op = pending.back();
    pending.pop_back();
    if (!op || !seen.insert(op).second) continue;
    if (auto input = mlir::dyn_cast<nn::InputOp>(op)) names.insert(input.getName().str());
    for (Value operand : op->getOperands()) pending.push_back(operand.getDefiningOp());
  }
  return names;
}
} // namespace

void RuleContext::needsConstant(int i, const char* what) {
  std::set<std::string> inputs = inputsBehind(in(i));
  if (auto* unknown = session_.options().unknownInputs) unknown->insert(inputs.begin(), inputs.end());
  std::vector<std::string> names(inputs.begin(), inputs.end());
  names.resize(std::min<size_t>(names.size(), 5));
  unsupported(
      fmt::format("its {} ('{}') is computed at run time from {} and has to be known while importing", what,
                  static_cast<size_t>(i) < node_.inputNames.size() ? node_.inputNames[static_cast<size_t>(i)]
                                                                   : "",
                  names.empty() ? std::string("data") : "input " + joined(names, ", ")),
      "export the model with fixed shapes and constants there");
}

Value RuleContext::known(int i, const char* what) {
  if (failed() || !has(i)) return {};
  if (nn::isConstant(in(i))) return in(i);
  needsConstant(i, what);
  return {};
}

std::optional<Ints> RuleContext::constantInts(int i, const char* what) {
  Value v = known(i, what);
  if (!v) return std::nullopt;
  if (isFloat(v))
    for (float value : nn::constantFloats(v))
      if (!hasInteger(value)) {
        invalid(fmt::format("the number {} in {} is no integer", value, what));
        return std::nullopt;
      }
  return nn::constantInts(v);
}
std::optional<std::vector<float>> RuleContext::constantFloats(int i, const char* what) {
  Value v = known(i, what);
  if (!v) return std::nullopt;
  return nn::constantFloats(v);
}
std::optional<int64_t> RuleContext::constantInt(int i, const char* what) {
  auto values = constantInts(i, what);
  if (!values) return std::nullopt;
  if (values->size() == 1) return values->front();
  invalid(fmt::format("its {} has {} elements, not one", what, values->size()));
  return std::nullopt;
}
std::optional<float> RuleContext::constantFloat(int i, const char* what) {
  auto values = constantFloats(i, what);
  if (!values) return std::nullopt;
  if (values->size() == 1) return values->front();
  invalid(fmt::format("its {} has {} elements, not one", what, values->size()));
  return std::nullopt;
}

//===-- types
//----------------------------------------------------------------------------------------------------===//

rt::Shape RuleContext::shape(Value v) { return v ? nn::typeOf(v).shape : rt::Shape(); }
rt::DType RuleContext::dtype(Value v) { return v ? nn::typeOf(v).dtype : rt::DType::F32; }
Ints RuleContext::dims(Value v) {
  rt::Shape s = shape(v);
  return Ints(s.dim, s.dim + s.rank);
}

//===-- writing
//--------------------------------------------------------------------------------------------------===//

std::string RuleContext::intermediateName(llvm::StringRef mnemonic) {
  std::string base = outputName(0).empty() ? name() : outputName(0);
  int n = ++intermediates_[mnemonic.str()];
  return fmt::format("{}/{}{}", base, mnemonic.str(), n == 1 ? std::string() : std::to_string(n));
}

bool RuleContext::allPresent(llvm::ArrayRef<Value> operands) {
  if (failed()) return false;
  if (std::find(operands.begin(), operands.end(), Value()) == operands.end()) return true;
  invalid("an input that it needs is missing");
  return false;
}

std::vector<Value> RuleContext::emitAll(llvm::StringRef mnemonic, llvm::ArrayRef<Value> operands,
                                        const nn::AttrList& list) {
  if (!allPresent(operands)) return {};
  auto results = session_.builder().ops(mnemonic, operands, list, intermediateName(mnemonic), name());
  if (!results) {
    fail(results.error());
    return {};
  }
  for (Value v : *results) made_.insert(v.getDefiningOp());
  return *results;
}

Value RuleContext::emit(llvm::StringRef mnemonic, llvm::ArrayRef<Value> operands, const nn::AttrList& list,
                        nn::Fold fold) {
  if (!allPresent(operands)) return {};
  auto result = session_.builder().op(mnemonic, operands, list, intermediateName(mnemonic), name(), fold);
  if (!result) {
    fail(result.error());
    return {};
  }
  made_.insert(result->getDefiningOp());
  return *result;
}

Value RuleContext::unary(const char* fn, Value x) { return emit("unary", {x}, attrs().s("fn", fn)); }
Value RuleContext::unary(const char* fn, Value x, float alpha, float beta) {
  return emit("unary", {x}, attrs().s("fn", fn).f("alpha", alpha).f("beta", beta));
}
Value RuleContext::binary(const char* fn, Value a, Value b) {
  return emit("binary", {a, b}, attrs().s("fn", fn));
}

Value RuleContext::cast(Value x, rt::DType to) {
  if (!x || dtype(x) == to) return x;
  return emit("cast", {x}, attrs().s("to", rt::dtypeName(to)));
}
Value RuleContext::reduce(const char* fn, Value x, const Ints& axes, bool keepDims) {
  return emit("reduce", {x}, attrs().s("fn", fn).ints("axes", axes).b("keep_dims", keepDims));
}
Value RuleContext::reshape(Value x, const Ints& shape) {
  return x && dims(x) == shape ? x : emit("reshape", {x}, attrs().ints("shape", shape));
}
Value RuleContext::transpose(Value x, const Ints& perm) {
  return std::is_sorted(perm.begin(), perm.end()) ? x : emit("transpose", {x}, attrs().ints("perm", perm));
}
bool RuleContext::hasAxis(Value x, int64_t axis) {
  if (axis >= 0 && axis < rank(x)) return true;
  if (!failed()) invalid(fmt::format("a tensor of {} dimensions has no axis {}", rank(x), axis));
  return false;
}
Value RuleContext::slice(Value x, int64_t axis, int64_t start, int64_t size, int64_t step) {
  Ints sizes = dims(x);
  if (!hasAxis(x, axis)) return {};
  Ints starts(sizes.size(), 0), steps(sizes.size(), 1);
  starts[axis] = start, sizes[axis] = size, steps[axis] = step;
  return emit("slice", {x}, attrs().ints("starts", starts).ints("sizes", sizes).ints("steps", steps));
}
Value RuleContext::concat(const std::vector<Value>& xs, int64_t axis) {
  return emit("concat", xs, attrs().i("axis", axis));
}
Value RuleContext::expand(Value x, const Ints& shape) {
  return x && dims(x) == shape ? x : emit("expand", {x}, attrs().ints("shape", shape));
}
Value RuleContext::gather(Value x, Value index, int64_t axis) {
  return emit("gather", {x, index}, attrs().i("axis", axis));
}
Value RuleContext::matmul(Value a, Value b) { return emit("matmul", {a, b, none()}, attrs()); }
Value RuleContext::unsqueeze(Value x, int64_t axis) {
  if (axis != rank(x) && !hasAxis(x, axis)) return {};
  Ints shape = dims(x);
  shape.insert(shape.begin() + axis, 1);
  return reshape(x, shape);
}
Value RuleContext::squeeze(Value x, int64_t axis) {
  if (!hasAxis(x, axis)) return {};
  Ints shape = dims(x);
  shape.erase(shape.begin() + axis);
  return reshape(x, shape);
}

bool RuleContext::mayGenerate(size_t bytes) {
  if (failed()) return false;
  if (session_.takeGeneratedBytes(static_cast<int64_t>(bytes))) return true;
  unsupported("the constants that operators generate are too big in sum");
  return false;
}
Value RuleContext::constant(const Ints& values) {
  return mayGenerate(values.size() * 8) ? session_.builder().constantInts(values) : Value();
}
Value RuleContext::constant(const std::vector<float>& values, const Ints& shape) {
  return mayGenerate(values.size() * 4) ? session_.builder().constantFloats(values, shape) : Value();
}

Value RuleContext::scalar(double value, rt::DType type) {
  nn::GraphBuilder& builder = session_.builder();
  if (type == rt::DType::F32) return builder.constantFloat(static_cast<float>(value));
  if (!rt::isFloat(type) && !hasInteger(value)) {
    invalid(fmt::format("the number {} is no integer", value));
    return {};
  }
  if (type == rt::DType::I64) return builder.constantInt(static_cast<int64_t>(value));
  Value wide = rt::isFloat(type) ? builder.constantFloat(static_cast<float>(value))
                                 : builder.constantInt(static_cast<int64_t>(value));
  return cast(wide, type);
}

//===-- outputs
//--------------------------------------------------------------------------------------------------===//

void RuleContext::set(int i, Value value) {
  if (!value && !failed()) return invalid("an input that it needs is missing");
  if (!value || i >= outputCount()) return;
  std::string wanted = outputName(i);
  if (wanted.empty()) return;
  auto result = mlir::cast<mlir::OpResult>(value);
  mlir::Operation* op = result.getOwner();
  if (made_.contains(op)) {
    std::vector<std::string> names;
    for (Value v : op->getResults()) names.push_back(nn::valueName(v));
    names[result.getResultNumber()] = wanted;
    nn::setNames(op, names);
    if (op->getNumResults() == 1) made_.erase(op); // a second output of the same value needs an op of its own
  } else if (nn::isConstant(value)) {
    if (nn::valueName(value).empty()) nn::setNames(op, {wanted});
  } else {
    bool isReal = isFloat(value);
    value = isReal ? unary("identity", value) : emit("reshape", {value}, attrs().ints("shape", dims(value)));
    if (!value) return;
    nn::setNames(value.getDefiningOp(), {wanted});
    made_.erase(value.getDefiningOp());
  }
  results_[static_cast<size_t>(i)] = value;
}

void RuleContext::adopt(Value value) {
  mlir::Operation* op = value.getDefiningOp();
  if (!mark_ || mark_->isBeforeInBlock(op)) made_.insert(op);
}

void RuleContext::setAll(const std::vector<Value>& values) {
  for (size_t i = 0; i < values.size(); ++i) set(static_cast<int>(i), values[i]);
}

} // namespace burin
