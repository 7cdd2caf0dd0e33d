// What TorchScript computes with: plain Python values, tensors that stand for values of the graph, and
// modules.
#pragma once

#include "lib/import/rule_context.h"

#include <deque>
#include <functional>
#include <variant>

namespace burin::torch {

struct Tensor;
struct List;
struct Dict;
struct Object;
// The path of a function, class or namespace: "torch.nn.functional.relu".
struct Symbol {
  const std::string* path;
};

// Everything that is not a number lives in a Heap, so values are cheap to copy, may be shared and may even
// form cycles; the heap goes away as a whole.
using Data = std::variant<std::monostate, bool, int64_t, double, const std::string*, Tensor*, List*, Dict*,
                          Object*, Symbol>;

struct List {
  bool isTuple = false;
  std::vector<Data> items;
  const std::vector<std::string>* fields = nullptr; // of a named tuple
};

struct Dict {
  std::vector<std::pair<Data, Data>> entries; // in the order of insertion
};

// An instance of a class of the archive: a module, or an object of a scripted class.
struct Object {
  std::string type; // "__torch__.torch.nn.modules.conv.Conv2d"
  std::string path; // attribute names from the root module, "layer1.0.conv1"; empty for the root
  std::map<std::string, Data> attributes;
  std::optional<Data> state; // what the class's __setstate__ is still to be given
};

// Where a tensor's elements lie in the archive.
struct StoredTensor {
  std::string record; // "data/0"
  std::string name;   // "layer1.0.conv1.weight"
  rt::DType dtype = rt::DType::F32;
  bool isDouble = false; // 64-bit floats in the archive
  int64_t offset = 0;    // elements
  Ints sizes, strides;
};

// How the integers of a quantized tensor are read. Scale and zero point are constants, [n] along `axis` or
// scalars.
struct Quantization {
  Value scale, zeroPoint;
  int64_t axis = 0;
};

// A tensor variable. Operators that write in place change `value`, for all who hold the variable.
struct Tensor {
  Value value; // of a quantized tensor: its real values. Null: not loaded yet, or not to be had.
  std::optional<StoredTensor> stored;
  std::optional<Quantization> quantization;
  uint64_t version = 0; // counts writes

  // A view shows a part of another tensor: it is read again when that was written, and written through to it.
  Tensor* base = nullptr;
  uint64_t baseVersion = 0;
  std::function<Value(RuleContext&, Value base)> read;
  std::function<Value(RuleContext&, Value base, Value part)> write;

  bool isKnown() const { return value || stored; }
};

// Owns what values point to.
class Heap {
public:
  const std::string* text(std::string s) { return &texts_.emplace_back(std::move(s)); }
  List* list(std::vector<Data> items = {}, bool isTuple = false) {
    return &lists_.emplace_back(List{isTuple, std::move(items), nullptr});
  }
  Dict* dict() { return &dicts_.emplace_back(); }
  Object* object(std::string type) { return &objects_.emplace_back(Object{std::move(type), {}, {}, {}}); }
  Tensor* tensor(Value value = {}) {
    Tensor* t = &tensors_.emplace_back();
    t->value = value;
    return t;
  }
  Symbol symbol(std::string path) { return {text(std::move(path))}; }

private:
  std::deque<std::string> texts_;
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::deque<Object> objects_;
  std::deque<Tensor> tensors_;
};

template <class T>
const T* as(const Data& data) {
  return std::get_if<T>(&data);
}
// The pointer itself, or null for data of another kind.
template <class T>
T* pointer(const Data& data) {
  T* const* p = std::get_if<T*>(&data);
  return p ? *p : nullptr;
}
inline const std::string* text(const Data& data) {
  auto p = std::get_if<const std::string*>(&data);
  return p ? *p : nullptr;
}
inline bool isNone(const Data& data) { return std::holds_alternative<std::monostate>(data); }
// A tensor whose maker was not supported; it has been reported.
inline bool isUnknown(const Data& data) {
  const Tensor* t = pointer<Tensor>(data);
  return t && !t->isKnown();
}

// "int", "Tensor", "list": for messages.
std::string kindOf(const Data& data);
// As Python's str(); tensors by their type only, long or deep values are cut short.
std::string textOf(const Data& data, int depth = 0);
// Python's ==, for everything but tensors. Values nested deeper than any program needs count as different.
// Every part that is looked at takes one from `budget`: lists that share their items are small and yet
// endless. Once it is below zero the answer is void.
bool equal(const Data& a, const Data& b, int64_t& budget, int depth = 0);
// Numbers in Python's sense; a bool counts as 0 or 1.
std::optional<int64_t> integerOf(const Data& data);
std::optional<double> realOf(const Data& data);

} // namespace burin::torch
