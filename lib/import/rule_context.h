// What the rule of one operator sees of its node, and how it writes the graph; the same for every format.
//
// A rule is a plain function. The first error is kept and everything after it does nothing (emit returns
// null, null operands are passed on), so rules read like the formulas they implement; the caller looks at
// error() when the rule returns.
#pragma once

#include "lib/import/common.h"

#include "llvm/ADT/DenseSet.h"

#include <optional>

namespace burin {

using mlir::Value;
using Ints = std::vector<int64_t>;

Ints allAxes(int64_t rank, int64_t first = 0); // first .. rank-1
int64_t product(const Ints& values, size_t begin = 0, size_t end = SIZE_MAX);

// One run of an importer.
class ImportSession {
public:
  ImportSession(nn::GraphBuilder& builder, const ImportOptions& options, ImportInfo& info)
      : builder_(builder), options_(options), info_(info) {}

  nn::GraphBuilder& builder() { return builder_; }
  const ImportOptions& options() const { return options_; }
  UnsupportedReport& report() { return report_; }
  void warn(const std::string& message);
  // Constants that rules write themselves (ranges, windows, transforms) share one budget. False when it is
  // spent.
  bool takeGeneratedBytes(int64_t bytes) {
    if (bytes > options_.foldLimits.totalBytes - generatedBytes_) return false;
    generatedBytes_ += bytes;
    return true;
  }

protected:
  nn::GraphBuilder& builder_;
  const ImportOptions& options_;
  ImportInfo& info_;
  UnsupportedReport report_;

private:
  int64_t generatedBytes_ = 0;
};

// A node as its rule sees it.
struct NodeFacts {
  std::string name;                    // an unnamed node goes by its first output
  std::string type;                    // the operator's name in the source format
  std::vector<Value> inputs;           // null: left out
  std::vector<std::string> inputNames; // for messages
  std::vector<std::string> outputs;    // names of the results; "": not wanted
};

class RuleContext {
public:
  RuleContext(ImportSession& session, NodeFacts node);
  virtual ~RuleContext() = default;

  const std::string& type() const { return node_.type; }
  const std::string& name() const { return node_.name; }
  ImportSession& session() { return session_; }

  // An axis in [-rank, rank) as a non-negative one.
  int64_t axis(int64_t value, int64_t rank);
  Ints axes(const Ints& values, int64_t rank); // sorted, without duplicates

  // Inputs.
  int inputCount() const { return static_cast<int>(node_.inputs.size()); }
  bool has(int i) const { return i < inputCount() && node_.inputs[static_cast<size_t>(i)]; }
  Value in(int i) const { return has(i) ? node_.inputs[static_cast<size_t>(i)] : Value(); }
  const std::vector<Value>& inputs() const { return node_.inputs; }
  Value inOrNone(int i) { return has(i) ? in(i) : none(); }
  // Values of an input that has to be known while importing; `what` names its role in the error.
  std::optional<Ints> constantInts(int i, const char* what);
  std::optional<std::vector<float>> constantFloats(int i, const char* what);
  std::optional<int64_t> constantInt(int i, const char* what); // of a one-element input
  std::optional<float> constantFloat(int i, const char* what);
  // The error for an input that is not constant though it has to be.
  void needsConstant(int i, const char* what);

  // Types. Null values have rank 0.
  static rt::Shape shape(Value v);
  static int64_t rank(Value v) { return shape(v).rank; }
  static rt::DType dtype(Value v);
  static Ints dims(Value v);
  static bool isFloat(Value v) { return rt::isFloat(dtype(v)); }

  // Writing. Intermediate values are called "<first output>/<mnemonic>".
  nn::AttrList attrs() const { return session_.builder().attrs(); }
  Value none() { return session_.builder().none(); }
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
  void setAll(const std::vector<Value>& values);
  int outputCount() const { return static_cast<int>(node_.outputs.size()); }
  bool wants(int i) const { return i < outputCount() && !node_.outputs[static_cast<size_t>(i)].empty(); }
  const std::vector<Value>& results() const { return results_; } // null where the rule bound nothing

  // Errors.
  void invalid(const std::string& message, const std::string& remedy = {});
  void unsupported(const std::string& message, const std::string& remedy = {});
  void fail(Error error);    // at this node
  void forward(Error error); // at the node inside a body that it names already
  bool failed() const { return error_.has_value(); }
  const std::optional<Error>& error() const { return error_; }

protected:
  // A value that was made while this rule ran, by a body of it, counts as made by the rule.
  void adopt(Value value);

private:
  std::string intermediateName(llvm::StringRef mnemonic);
  std::string outputName(int i) const {
    return wants(i) ? node_.outputs[static_cast<size_t>(i)] : std::string();
  }
  Value known(int i, const char* what);
  bool allPresent(llvm::ArrayRef<Value> operands);
  bool hasAxis(Value x, int64_t axis);
  bool mayGenerate(size_t bytes);

  ImportSession& session_;
  NodeFacts node_;
  std::vector<Value> results_;
  std::map<std::string, int> intermediates_;
  mlir::Operation* mark_;                 // the last op before this rule
  llvm::DenseSet<mlir::Operation*> made_; // ops of this rule that do not carry an output's name yet
  std::optional<Error> error_;
};

} // namespace burin
