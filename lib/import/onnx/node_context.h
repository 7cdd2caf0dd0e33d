// What the rule of one operator sees of its node, and how it writes the graph.
//
// A rule is a plain function void(NodeContext&). The first error is kept and everything after it does nothing
// (emit returns null, null operands are passed on), so rules read like the formulas they implement; the
// caller looks at error() when the rule returns.
#pragma once

#include "lib/import/onnx/graph_importer.h"

#include "llvm/ADT/DenseSet.h"

namespace burin::onnx {

using mlir::Value;
using Ints = std::vector<int64_t>;

struct OperatorRow;

class NodeContext {
public:
  NodeContext(GraphImporter& importer, const Scope& scope, const onnxpb::NodeProto& node,
              std::vector<ImportValue> inputs, const OperatorRow& row, int64_t opset);

  // The node.
  const OperatorRow& row() const { return row_; }
  int64_t opset() const { return opset_; } // version of the operator's domain
  const std::string& type() const { return node_.op_type(); }
  GraphImporter& importer() { return importer_; }
  const Scope& scope() const { return scope_; }
  std::string name() const; // with the scope's prefix

  // Attributes. A wrong type is an error; an absent attribute gives the fallback.
  bool hasAttribute(const char* name) const { return find(name) != nullptr; }
  int64_t integer(const char* name, int64_t fallback = 0);
  bool flag(const char* name, bool fallback = false) { return integer(name, fallback) != 0; }
  float real(const char* name, float fallback = 0);
  std::string text(const char* name, const std::string& fallback = {});
  Ints ints(const char* name, const Ints& fallback = {});
  std::vector<float> floats(const char* name, const std::vector<float>& fallback = {});
  std::vector<std::string> texts(const char* name);
  const onnxpb::GraphProto* graph(const char* name);
  const onnxpb::TensorProto* tensor(const char* name);
  // An axis in [-rank, rank) as a non-negative one.
  int64_t axis(int64_t value, int64_t rank);
  Ints axes(const Ints& values, int64_t rank); // sorted, without duplicates

  // Inputs.
  int inputCount() const { return static_cast<int>(inputs_.size()); }
  bool has(int i) const { return i < inputCount() && inputs_[i].isTensor(); }
  const ImportValue& input(int i) const { return inputs_[i]; }
  Value in(int i) const { return has(i) ? inputs_[i].tensor : Value(); }
  Value inOrNone(int i) { return has(i) ? in(i) : none(); }
  // Values of an input that has to be known while importing; `what` names its role in the error.
  std::optional<Ints> constantInts(int i, const char* what);
  std::optional<std::vector<float>> constantFloats(int i, const char* what);
  std::optional<int64_t> constantInt(int i, const char* what); // of a one-element input
  std::optional<float> constantFloat(int i, const char* what);
  // The error for an input that is not constant though it has to be.
  void needsConstant(int i, const char* what);
  // Attribute `name` up to the opset before `inputSince`, input i from then on. Empty optional: absent.
  std::optional<Ints> attributeOrInput(const char* name, int i, int64_t inputSince);

  // Types. Null values have rank 0.
  static rt::Shape shape(Value v);
  static int64_t rank(Value v) { return shape(v).rank; }
  static rt::DType dtype(Value v);
  static Ints dims(Value v);
  static bool isFloat(Value v) { return rt::isFloat(dtype(v)); }

  // Writing. Intermediate values are called "<first output>/<mnemonic>".
  nn::AttrList attrs() const;
  Value none() { return importer_.builder().none(); }
  Value emit(llvm::StringRef mnemonic, llvm::ArrayRef<Value> operands, const nn::AttrList& attrs,
             nn::Fold fold = nn::Fold::Allow);
  std::vector<Value> emitAll(llvm::StringRef mnemonic, llvm::ArrayRef<Value> operands,
                             const nn::AttrList& attrs);
  Value unary(const char* fn, Value x);
  Value unary(const char* fn, Value x, float alpha, float beta = 0);
  Value binary(const char* fn, Value a, Value b);
  Value add(Value a, Value b) { return binary("add", a, b); }
  Value sub(Value a, Value b) { return binary("sub", a, b); }
  Value mul(Value a, Value b) { return binary("mul", a, b); }
  Value div(Value a, Value b) { return binary("div", a, b); }
  Value select(Value condition, Value a, Value b) { return emit("select", {condition, a, b}, attrs()); }
  Value cast(Value x, rt::DType to); // x itself when it has the type
  Value reduce(const char* fn, Value x, const Ints& axes, bool keepDims);
  Value reshape(Value x, const Ints& shape);  // x itself when it has the shape
  Value transpose(Value x, const Ints& perm); // x itself for the identity
  Value slice(Value x, int64_t axis, int64_t start, int64_t size, int64_t step = 1);
  Value concat(const std::vector<Value>& xs, int64_t axis);
  Value expand(Value x, const Ints& shape);
  Value gather(Value x, Value index, int64_t axis);
  Value matmul(Value a, Value b);
  Value unsqueeze(Value x, int64_t axis);
  Value squeeze(Value x, int64_t axis);
  Value scalar(double value, rt::DType dtype); // rank 0
  Value scalarLike(double value, Value x) { return scalar(value, dtype(x)); }
  Value constant(const Ints& values); // i64 [n]
  Value constant(const std::vector<float>& values, const Ints& shape);

  // Binds output i. A value made by this rule takes the output's name; another one is passed through an
  // identity that carries the name.
  void set(int i, Value value);
  void adopt(const ImportValue& value); // a value made while this rule ran a body counts as made by the rule
  void set(int i, ImportValue value);
  void setAll(const std::vector<Value>& values);
  int outputCount() const { return node_.output_size(); }
  bool wants(int i) const { return i < outputCount() && !node_.output(i).empty(); }

  // Errors.
  void invalid(const std::string& message, const std::string& remedy = {});
  void unsupported(const std::string& message, const std::string& remedy = {});
  void fail(Error error);    // at this node
  void forward(Error error); // at the node inside a body that it names already
  bool failed() const { return error_.has_value(); }
  const std::optional<Error>& error() const { return error_; }
  std::vector<std::optional<ImportValue>>& outputs() { return outputs_; }

private:
  const onnxpb::AttributeProto* find(const char* name) const;
  const onnxpb::AttributeProto* find(const char* name, int32_t type);
  std::string intermediateName(llvm::StringRef mnemonic);
  std::string outputName(int i) const;
  Value known(int i, const char* what);
  bool allPresent(llvm::ArrayRef<Value> operands);
  bool hasAxis(Value x, int64_t axis);
  bool mayGenerate(size_t bytes);

  GraphImporter& importer_;
  const Scope& scope_;
  const onnxpb::NodeProto& node_;
  std::vector<ImportValue> inputs_;
  const OperatorRow& row_;
  int64_t opset_;
  std::vector<std::optional<ImportValue>> outputs_;
  std::map<std::string, int> intermediates_;
  mlir::Operation* mark_;                 // the last op before this rule
  llvm::DenseSet<mlir::Operation*> made_; // ops of this rule that do not carry an output's name yet
  std::optional<Error> error_;
};

} // namespace burin::onnx
