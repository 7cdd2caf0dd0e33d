// One call of an operator as its rule sees it: arguments by the names of the signature, and ways to give
// results.
#pragma once

#include "lib/import/torch/schema.h"

namespace burin::torch {

class Archive;

// Reads and writes tensor variables, whatever they stand for.
class TensorStore {
public:
  TensorStore(const Archive& archive, ImportSession& session, Heap& heap)
      : archive_(archive), session_(session), heap_(heap) {}

  // The value as it is now; null for a tensor that could not be made.
  Value read(RuleContext& context, Tensor& tensor);
  void write(RuleContext& context, Tensor& tensor, Value value);
  Heap& heap() { return heap_; }
  // Lists and strings that a program makes share one budget.
  bool takeItems(size_t count) { return (items_ += count) <= kMaxItems; }

  // What all comparisons together may look at.
  int64_t comparisons = int64_t(1) << 24;

  // Graph inputs of which an operator needs integers, though they were taken for floats.
  std::set<std::string> integerInputs;

private:
  static constexpr size_t kMaxItems = size_t(1) << 22;

  const Archive& archive_;
  ImportSession& session_;
  Heap& heap_;
  size_t items_ = 0;
};

struct Operator;

class Call : public RuleContext {
public:
  Call(TensorStore& store, ImportSession& session, NodeFacts node, const Operator& op,
       const std::vector<Data>& arguments)
      : RuleContext(session, std::move(node)), store_(store), op_(op), arguments_(arguments) {}

  const char* variant() const;
  TensorStore& store() { return store_; }
  Heap& heap() { return store_.heap(); }

  // Arguments.
  const Data& data(const char* name);
  bool given(const char* name) { return !isNone(data(name)); } // not None
  bool isTensor(const char* name) { return pointer<Tensor>(data(name)); }
  Tensor* variable(const char* name) { return pointer<Tensor>(data(name)); }
  Value tensor(const char* name); // null for None
  Value tensorOrNone(const char* name) { return given(name) ? tensor(name) : none(); }
  // Integers, to index with; asks for another type of a graph input that was taken for floats.
  Value indices(const char* name);
  std::vector<Value> tensors(const char* name); // null where a list holds None
  int64_t integer(const char* name);
  int64_t integer(const char* name, int64_t ifNone) { return given(name) ? integer(name) : ifNone; }
  double real(const char* name);
  bool flag(const char* name);
  std::string string(const char* name);
  // A single number stands for `count` of them, if count is not 0.
  Ints integers(const char* name, size_t count = 0);
  std::vector<double> reals(const char* name);
  std::optional<rt::DType> type(const char* name); // nothing for None
  // A number, or a tensor with one element, as a tensor of rank 0 in the type that Python numbers have.
  Value number(const Data& data);
  Value operand(const char* name); // a tensor or a number

  // Python's ==; an error once the program has compared too much.
  bool same(const Data& a, const Data& b);

  // Results: tensors by set(), or one of these.
  void give(Data data) { given_ = data; }
  void give(Value value);
  void giveList(const std::vector<Value>& values);
  // The very variable of an argument.
  void giveSame(const char* name) { given_ = data(name); }
  // A part of the variable `name`, that stays bound to it.
  using Read = std::function<Value(RuleContext&, Value base)>;
  using Write = std::function<Value(RuleContext&, Value base, Value part)>;
  void giveView(const char* name, const Read& read, const Write& write);
  void giveViews(const char* name, const std::vector<std::pair<Read, Write>>& views);
  void giveQuantized(Value value, const Quantization& quantization);
  // Operators that know nothing of quantization: a float result is quantized like the input that it is made
  // of.
  void inherit(const Quantization& quantization) { inherited_ = quantization; }
  // What the rule gave, or null data with failed().
  Data result();

private:
  Tensor* view(Tensor& base, const Read& read, const Write& write, int output);

  TensorStore& store_;
  const Operator& op_;
  const std::vector<Data>& arguments_;
  std::optional<Data> given_;
  std::optional<Quantization> inherited_;
};

} // namespace burin::torch
