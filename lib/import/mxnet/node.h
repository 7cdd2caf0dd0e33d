// An MXNet operator as its rule sees it: attributes are text, each with a type that the operator knows.
#pragma once

#include "lib/import/mxnet/symbol.h"
#include "lib/import/rule_context.h"

namespace burin::mxnet {

struct OperatorRow;

class Node {
public:
  Node(RuleContext& context, const SymbolNode& node, const OperatorRow& row)
      : context_(context), node_(node), row_(row) {}

  // What every format's rules write with.
  RuleContext* operator->() const { return &context_; }
  RuleContext& context() const { return context_; }
  const OperatorRow& row() const { return row_; }
  Value x() const { return context_.in(0); }

  // Attributes. An absent one and "None" give the fallback; one that does not parse is an error.
  bool has(const char* name) const { return find(name) != nullptr; }
  bool saysNone(const char* name) const { return node_.attributes.contains(name) && !has(name); }
  int64_t integer(const char* name, int64_t fallback = 0) const;
  float real(const char* name, float fallback = 0) const;
  bool flag(const char* name, bool fallback = false) const;
  std::string text(const char* name, const std::string& fallback = {}) const;
  // "(1, 2)", "[1, 2]" or "1".
  Ints ints(const char* name, const Ints& fallback = {}) const;
  std::vector<float> reals(const char* name, const std::vector<float>& fallback = {}) const;
  // "(None, 2)".
  std::vector<std::optional<int64_t>> optionalInts(const char* name) const;
  std::optional<int64_t> optionalInt(const char* name) const;
  // The element type that attribute names, or `fallback`; nothing for one that programs do not have.
  std::optional<rt::DType> dtype(const char* name, rt::DType fallback) const;

private:
  const std::string* find(const char* name) const; // null for "None" too
  void malformed(const char* name) const;

  RuleContext& context_;
  const SymbolNode& node_;
  const OperatorRow& row_;
};

} // namespace burin::mxnet
