#include "lib/import/onnx/node_context.h"

#include "lib/import/onnx/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::onnx {

using onnxpb::AttributeProto;

NodeContext::NodeContext(GraphImporter& importer, const Scope& scope, const onnxpb::NodeProto& node,
                         std::vector<ImportValue> inputs, const OperatorRow& row, int64_t opset)
    : importer_(importer), scope_(scope), node_(node), inputs_(std::move(inputs)), row_(row), opset_(opset),
      outputs_(static_cast<size_t>(node.output_size())), mark_(importer.builder().lastOp()) {}

std::string NodeContext::outputName(int i) const {
  return i < node_.output_size() && !node_.output(i).empty() ? scope_.prefix + node_.output(i)
                                                             : std::string();
}

std::string NodeContext::name() const {
  if (!node_.name().empty()) return scope_.prefix + node_.name();
  for (int i = 0; i < node_.output_size(); ++i)
    if (std::string output = outputName(i); !output.empty()) return output;
  return scope_.prefix + node_.op_type();
}

//===-- errors
//---------------------------------------------------------------------------------------------------===//

void NodeContext::fail(Error error) {
  if (error_) return;
  error.op = fmt::format("{} ({})", name(), type());
  error_ = std::move(error);
}
void NodeContext::forward(Error error) {
  if (error.op.empty()) return fail(std::move(error));
  if (!error_) error_ = std::move(error);
}
void NodeContext::invalid(const std::string& message, const std::string& remedy) {
  fail(Error{ErrorCode::Input, {}, {}, message, remedy});
}
void NodeContext::unsupported(const std::string& message, const std::string& remedy) {
  fail(Error{ErrorCode::Unsupported, {}, {}, message, remedy});
}

//===-- attributes
//-----------------------------------------------------------------------------------------------===//

const AttributeProto* NodeContext::find(const char* name) const {
  for (const AttributeProto& attribute : node_.attribute()) {
    if (attribute.name() != name) continue;
    if (attribute.ref_attr_name().empty()) return &attribute;
    if (!scope_.attributes) return nullptr;
    auto it = scope_.attributes->find(attribute.ref_attr_name());
    return it == scope_.attributes->end() ? nullptr : it->second;
  }
  return nullptr;
}

const AttributeProto* NodeContext::find(const char* name, int32_t type) {
  const AttributeProto* attribute = find(name);
  if (!attribute) return nullptr;
  // Files of the first IR versions leave the type out.
  if (attribute->type() == type || attribute->type() == AttributeProto::UNDEFINED) return attribute;
  invalid(fmt::format("attribute '{}' has the wrong type", name), "the file is damaged or not valid ONNX");
  return nullptr;
}

int64_t NodeContext::integer(const char* name, int64_t fallback) {
  const AttributeProto* a = find(name, AttributeProto::INT);
  return a ? a->i() : fallback;
}
float NodeContext::real(const char* name, float fallback) {
  const AttributeProto* a = find(name, AttributeProto::FLOAT);
  return a ? a->f() : fallback;
}
std::string NodeContext::text(const char* name, const std::string& fallback) {
  const AttributeProto* a = find(name, AttributeProto::STRING);
  return a ? a->s() : fallback;
}
Ints NodeContext::ints(const char* name, const Ints& fallback) {
  const AttributeProto* a = find(name, AttributeProto::INTS);
  return a ? Ints(a->ints().begin(), a->ints().end()) : fallback;
}
std::vector<float> NodeContext::floats(const char* name, const std::vector<float>& fallback) {
  const AttributeProto* a = find(name, AttributeProto::FLOATS);
  return a ? std::vector<float>(a->floats().begin(), a->floats().end()) : fallback;
}
std::vector<std::string> NodeContext::texts(const char* name) {
  const AttributeProto* a = find(name, AttributeProto::STRINGS);
  return a ? std::vector<std::string>(a->strings().begin(), a->strings().end()) : std::vector<std::string>();
}
const onnxpb::GraphProto* NodeContext::graph(const char* name) {
  const AttributeProto* a = find(name, AttributeProto::GRAPH);
  if (!a || !a->has_g())
    invalid(fmt::format("attribute '{}' (a graph) is missing", name),
            "the file is damaged or not valid ONNX");
  return a && a->has_g() ? &a->g() : nullptr;
}
const onnxpb::TensorProto* NodeContext::tensor(const char* name) {
  const AttributeProto* a = find(name, AttributeProto::TENSOR);
  return a && a->has_t() ? &a->t() : nullptr;
}

int64_t NodeContext::axis(int64_t value, int64_t rank) {
  if (value >= -rank && value < rank) return value < 0 ? value + rank : value;
  invalid(fmt::format("axis {} is outside a tensor of {} dimensions", value, rank));
  return 0;
}

Ints NodeContext::axes(const Ints& values, int64_t rank) {
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

void NodeContext::needsConstant(int i, const char* what) {
  std::set<std::string> inputs = inputsBehind(in(i));
  if (auto* unknown = importer_.options().unknownInputs) unknown->insert(inputs.begin(), inputs.end());
  std::vector<std::string> names(inputs.begin(), inputs.end());
  names.resize(std::min<size_t>(names.size(), 5));
  unsupported(fmt::format("its {} ('{}') is computed at run time from {} and has to be known while importing",
                          what, i < node_.input_size() ? node_.input(i) : std::string(),
                          names.empty() ? std::string("data") : "input " + joined(names, ", ")),
              "export the model with fixed shapes and constants there");
}

Value NodeContext::known(int i, const char* what) {
  if (failed() || !has(i)) return {};
  if (nn::isConstant(in(i))) return in(i);
  needsConstant(i, what);
  return {};
}

std::optional<Ints> NodeContext::constantInts(int i, const char* what) {
  Value v = known(i, what);
  if (!v) return std::nullopt;
  return nn::constantInts(v);
}
std::optional<std::vector<float>> NodeContext::constantFloats(int i, const char* what) {
  Value v = known(i, what);
  if (!v) return std::nullopt;
  return nn::constantFloats(v);
}
std::optional<int64_t> NodeContext::constantInt(int i, const char* what) {
  auto values = constantInts(i, what);
  if (!values) return std::nullopt;
  if (values->size() == 1) return values->front();
  invalid(fmt::format("its {} has {} elements, not one", what, values->size()));
  return std::nullopt;
}
std::optional<float> NodeContext::constantFloat(int i, const char* what) {
  auto values = constantFloats(i, what);
  if (!values) return std::nullopt;
  if (values->size() == 1) return values->front();
  invalid(fmt::format("its {} has {} elements, not one", what, values->size()));
  return std::nullopt;
}

std::optional<Ints> NodeContext::attributeOrInput(const char* name, int i, int64_t inputSince) {
  if (opset_ >= inputSince) return constantInts(i, name);
  if (!hasAttribute(name)) return std::nullopt;
  return ints(name);
}

//===-- types
//----------------------------------------------------------------------------------------------------===//

rt::Shape NodeContext::shape(Value v) { return v ? nn::typeOf(v).shape : rt::Shape(); }
rt::DType NodeContext::dtype(Value v) { return v ? nn::typeOf(v).dtype : rt::DType::F32; }
Ints NodeContext::dims(Value v) {
  rt::Shape s = shape(v);
  return Ints(s.dim, s.dim + s.rank);
}

//===-- writing
//--------------------------------------------------------------------------------------------------===//

nn::AttrList NodeContext::attrs() const { return importer_.builder().attrs(); }

std::string NodeContext::intermediateName(llvm::StringRef mnemonic) {
  std::string base = outputName(0).empty() ? name() : outputName(0);
  int n = ++intermediates_[mnemonic.str()];
  return fmt::format("{}/{}{}", base, mnemonic.str(), n == 1 ? std::string() : std::to_string(n));
}

bool NodeContext::allPresent(llvm::ArrayRef<Value> operands) {
  if (failed()) return false;
  if (std::find(operands.begin(), operands.end(), Value()) == operands.end()) return true;
  invalid("an input that it needs is missing");
  return false;
}

std::vector<Value> NodeContext::emitAll(llvm::StringRef mnemonic, llvm::ArrayRef<Value> operands,
                                        const nn::AttrList& list) {
  if (!allPresent(operands)) return {};
  auto results = importer_.builder().ops(mnemonic, operands, list, intermediateName(mnemonic), name());
  if (!results) {
    fail(results.error());
    return {};
  }
  for (Value v : *results) made_.insert(v.getDefiningOp());
  return *results;
}

Value NodeContext::emit(llvm::StringRef mnemonic, llvm::ArrayRef<Value> operands, const nn::AttrList& list,
                        nn::Fold fold) {
  if (!allPresent(operands)) return {};
  auto result = importer_.builder().op(mnemonic, operands, list, intermediateName(mnemonic), name(), fold);
  if (!result) {
    fail(result.error());
    return {};
  }
  made_.insert(result->getDefiningOp());
  return *result;
}

Value NodeContext::unary(const char* fn, Value x) { return emit("unary", {x}, attrs().s("fn", fn)); }
Value NodeContext::unary(const char* fn, Value x, float alpha, float beta) {
  return emit("unary", {x}, attrs().s("fn", fn).f("alpha", alpha).f("beta", beta));
}
Value NodeContext::binary(const char* fn, Value a, Value b) {
  return emit("binary", {a, b}, attrs().s("fn", fn));
}

Value NodeContext::cast(Value x, rt::DType to) {
  if (!x || dtype(x) == to) return x;
  return emit("cast", {x}, attrs().s("to", rt::dtypeName(to)));
}
Value NodeContext::reduce(const char* fn, Value x, const Ints& axes, bool keepDims) {
  return emit("reduce", {x}, attrs().s("fn", fn).ints("axes", axes).b("keep_dims", keepDims));
}
Value NodeContext::reshape(Value x, const Ints& shape) {
  return x && dims(x) == shape ? x : emit("reshape", {x}, attrs().ints("shape", shape));
}
Value NodeContext::transpose(Value x, const Ints& perm) {
  return std::is_sorted(perm.begin(), perm.end()) ? x : emit("transpose", {x}, attrs().ints("perm", perm));
}
bool NodeContext::hasAxis(Value x, int64_t axis) {
  if (axis >= 0 && axis < rank(x)) return true;
  if (!failed()) invalid(fmt::format("a tensor of {} dimensions has no axis {}", rank(x), axis));
  return false;
}
Value NodeContext::slice(Value x, int64_t axis, int64_t start, int64_t size, int64_t step) {
  Ints sizes = dims(x);
  if (!hasAxis(x, axis)) return {};
  Ints starts(sizes.size(), 0), steps(sizes.size(), 1);
  starts[axis] = start, sizes[axis] = size, steps[axis] = step;
  return emit("slice", {x}, attrs().ints("starts", starts).ints("sizes", sizes).ints("steps", steps));
}
Value NodeContext::concat(const std::vector<Value>& xs, int64_t axis) {
  return emit("concat", xs, attrs().i("axis", axis));
}
Value NodeContext::expand(Value x, const Ints& shape) {
  return x && dims(x) == shape ? x : emit("expand", {x}, attrs().ints("shape", shape));
}
Value NodeContext::gather(Value x, Value index, int64_t axis) {
  return emit("gather", {x, index}, attrs().i("axis", axis));
}
Value NodeContext::matmul(Value a, Value b) { return emit("matmul", {a, b, none()}, attrs()); }
Value NodeContext::unsqueeze(Value x, int64_t axis) {
  if (axis != rank(x) && !hasAxis(x, axis)) return {};
  Ints shape = dims(x);
  shape.insert(shape.begin() + axis, 1);
  return reshape(x, shape);
}
Value NodeContext::squeeze(Value x, int64_t axis) {
  if (!hasAxis(x, axis)) return {};
  Ints shape = dims(x);
  shape.erase(shape.begin() + axis);
  return reshape(x, shape);
}

bool NodeContext::mayGenerate(size_t bytes) {
  if (failed()) return false;
  if (importer_.takeGeneratedBytes(static_cast<int64_t>(bytes))) return true;
  unsupported("the constants that operators generate are too big in sum");
  return false;
}
Value NodeContext::constant(const Ints& values) {
  return mayGenerate(values.size() * 8) ? importer_.builder().constantInts(values) : Value();
}
Value NodeContext::constant(const std::vector<float>& values, const Ints& shape) {
  return mayGenerate(values.size() * 4) ? importer_.builder().constantFloats(values, shape) : Value();
}

Value NodeContext::scalar(double value, rt::DType type) {
  nn::GraphBuilder& builder = importer_.builder();
  if (type == rt::DType::F32) return builder.constantFloat(static_cast<float>(value));
  if (type == rt::DType::I64) return builder.constantInt(static_cast<int64_t>(value));
  Value wide = rt::isFloat(type) ? builder.constantFloat(static_cast<float>(value))
                                 : builder.constantInt(static_cast<int64_t>(value));
  return cast(wide, type);
}

//===-- outputs
//--------------------------------------------------------------------------------------------------===//

void NodeContext::set(int i, Value value) {
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
  outputs_[i] = ImportValue(value);
}

void NodeContext::adopt(const ImportValue& value) {
  if (!value.isTensor()) return;
  mlir::Operation* op = value.tensor.getDefiningOp();
  if (!mark_ || mark_->isBeforeInBlock(op)) made_.insert(op);
}

void NodeContext::set(int i, ImportValue value) {
  if (i >= outputCount() || failed()) return;
  if (!value.isTensor()) {
    outputs_[i] = std::move(value);
    return;
  }
  set(i, value.tensor);
  if (outputs_[i]) outputs_[i]->count = value.count;
}

void NodeContext::setAll(const std::vector<Value>& values) {
  for (size_t i = 0; i < values.size(); ++i) set(static_cast<int>(i), values[i]);
}

} // namespace burin::onnx
