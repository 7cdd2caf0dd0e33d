// Names of tensors: variables of the source, qualified by the module they belong to; and the cuts that go by
// them.
#pragma once

#include "lib/import/interface.h"
#include "lib/import/torch/data.h"

#include <unordered_map>

namespace burin::torch {

class TensorNames {
public:
  explicit TensorNames(ImportSession& session) : session_(session) {}

  // `wanted`, or wanted_1, wanted_2, ... when that is taken. Names below it ("wanted.1") are free then, too.
  std::string reserve(const std::string& wanted);
  void release(const std::string& name); // no tensor came to have it
  // Gives the result of a call that started behind `mark` a better name, unless it has a lasting one.
  // `lasting`: no caller renames it again.
  void rename(Value value, const std::string& wanted, mlir::Operation* mark, bool lasting);

  // A tensor that --inputs names becomes an input: replaces the variable's value when it has such a name.
  // `unmade` is the name of a variable whose value could not be made.
  Status cut(Tensor& tensor, const std::string& unmade = {});
  // What was seen of the tensors that --outputs names.
  const std::map<std::string, Value>& wantedOutputs() const { return outputs_; }
  bool hasAllOutputs() const;
  std::vector<std::string> all() const { return {used_.begin(), used_.end()}; }
  // Cuts that no tensor had the name of.
  Status checkCuts() const;

private:
  void note(Value value);

  ImportSession& session_;
  std::set<std::string> used_;
  // For names that were taken: no number below this is free, or the search would take the square of their
  // count.
  std::unordered_map<std::string, int> firstFree_;
  llvm::DenseSet<mlir::Operation*> lasting_;
  std::map<std::string, Value> outputs_;
  std::map<std::string, Value> inputs_;
};

std::string qualified(const std::string& path, const std::string& name);

} // namespace burin::torch
