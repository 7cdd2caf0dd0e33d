// Runs a method of the network on tensors that stand for values of the graph. Whatever does not depend on the
// network's inputs is computed at once: shapes, conditions, loops.
#pragma once

#include "lib/import/torch/call.h"
#include "lib/import/torch/library.h"
#include "lib/import/torch/names.h"

#include <unordered_map>

namespace burin::torch {

class Evaluator {
public:
  Evaluator(Library& library, Data constants, TensorStore& store, TensorNames& names, ImportSession& session)
      : library_(library), constants_(constants), store_(store), names_(names), session_(session) {}

  Result<Data> callMethod(Object& self, const FunctionDefinition& method,
                          const std::vector<Argument>& arguments);
  // Gives objects their paths, names their tensors and unpacks the states that classes pack themselves.
  Status prepare(Object& root);
  // True when evaluation stopped because everything that --outputs names is there.
  bool isStopped() const { return stopped_; }

private:
  struct Frame {
    std::string path; // of the module whose code runs
    std::unordered_map<std::string, Data> variables;
  };
  using Hints = std::vector<std::string>; // names of the variables that a call's results go to; "": none
  struct Depth {                          // counts while it lives
    explicit Depth(Evaluator& e) : evaluator(e) { ++evaluator.depth_; }
    ~Depth() { --evaluator.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    Evaluator& evaluator;
  };
  static constexpr int kMaxDepth = 1000; // of calls, blocks and expressions within each other

  // Statements: the value that is returned, or nothing.
  Result<std::optional<Data>> run(const Block& block, Frame& frame);
  Result<std::optional<Data>> run(const Statement& statement, Frame& frame);
  Result<std::optional<Data>> runIf(const Statement& statement, Frame& frame);
  Result<std::optional<Data>> runWhile(const Statement& statement, Frame& frame);
  Result<std::optional<Data>> runFor(const Statement& statement, Frame& frame);
  Status assign(const Statement& statement, Frame& frame);
  Status assignTo(const Expression& target, Data value, Frame& frame);
  Result<bool> condition(const Expression& expression, Frame& frame);

  // Expressions.
  Result<Data> evaluate(const Expression& e, Frame& frame, const Hints& hints = {});
  Result<std::vector<Data>> evaluateAll(const Expression& e, size_t from, Frame& frame);
  Result<Data> name(const Expression& e, Frame& frame);
  Result<Data> attribute(const Expression& e, Frame& frame);
  Result<Data> attributeOf(const Data& data, const std::string& name);
  Result<Data> subscript(const Expression& e, Frame& frame, const Hints& hints);
  Result<Data> minus(const Expression& e, Frame& frame);
  // "torch.nn.functional.relu" for a chain of names that starts with no variable.
  std::optional<std::string> pathOf(const Expression& e, const Frame& frame) const;

  // Calls.
  Result<Data> call(const Expression& e, Frame& frame, const Hints& hints);
  Result<Data> callPath(const std::string& path, const Expression& e, Frame& frame, const Hints& hints);
  Result<std::optional<Data>> callSpecial(const std::string& path, const Expression& e, Frame& frame);
  Result<Data> callDefined(const std::string& path, std::vector<Argument> arguments, Frame& frame,
                           const Hints& hints);
  Result<std::vector<Argument>> argumentsOf(const Expression& e, Frame& frame);
  Result<Data> callFunction(const FunctionDefinition& function, const std::vector<Argument>& arguments,
                            const std::string& path);
  Result<Data> callOperator(const std::string& name, const std::vector<Argument>& arguments,
                            const Frame& frame, const Hints& hints);
  Result<Data> runOperator(const Operator& op, const std::string& name, const std::vector<Data>& arguments,
                           const Frame& frame, const Hints& hints);
  Result<Data> writeInPlace(Data target, const Data& result, RuleContext& context);
  Result<Data> unknownResult(const Hints& hints, const std::string& operatorName, const Frame& frame);
  void renameResults(const Data& data, const std::string& wanted, mlir::Operation* mark, bool lasting);
  Status cutAll(const Data& data);
  Status countStep();

  Error error(const Expression& e, const Frame& frame, ErrorCode code, const std::string& message,
              const std::string& remedy = {}) const;

  Library& library_;
  Data constants_;
  TensorStore& store_;
  TensorNames& names_;
  ImportSession& session_;
  int depth_ = 0;
  int64_t steps_ = 0, operators_ = 0;
  bool stopped_ = false;
};

} // namespace burin::torch
