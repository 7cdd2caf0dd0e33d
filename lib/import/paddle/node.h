// A Paddle operator as its rule sees it: inputs and outputs in named slots, typed attributes.
#pragma once

#include "lib/import/paddle/program.h"
#include "lib/import/rule_context.h"

namespace burin::paddle {

class Node {
public:
  Node(RuleContext& context, const paddlepb::OpDesc& desc, const Program& program)
      : context_(context), desc_(desc), program_(program) {}

  // What every format's rules write with.
  RuleContext* operator->() const { return &context_; }
  RuleContext& context() const { return context_; }
  const std::string& type() const { return desc_.type(); }

  // Inputs. An absent one is null; `list` skips nothing.
  bool has(const char* slot, int i = 0) const { return context_.has(indexOf(desc_.inputs(), slot, i)); }
  Value in(const char* slot, int i = 0) const { return context_.in(indexOf(desc_.inputs(), slot, i)); }
  Value inOrNone(const char* slot) const { return has(slot) ? in(slot) : context_.none(); }
  std::vector<Value> list(const char* slot) const;
  int position(const char* slot) const { return indexOf(desc_.inputs(), slot, 0); } // for the context
  std::optional<Ints> constantInts(const char* slot, int i = 0) const {
    return context_.constantInts(indexOf(desc_.inputs(), slot, i), slot);
  }
  std::optional<float> constantFloat(const char* slot) const {
    return context_.constantFloat(indexOf(desc_.inputs(), slot, 0), slot);
  }

  // Attributes; absent ones, and those of another type, give the fallback.
  bool hasAttribute(const char* name) const { return find(name) != nullptr; }
  int64_t integer(const char* name, int64_t fallback = 0) const;
  bool flag(const char* name, bool fallback = false) const;
  float real(const char* name, float fallback = 0) const;
  std::string text(const char* name, const std::string& fallback = {}) const;
  Ints ints(const char* name) const;
  std::vector<float> floats(const char* name) const;
  std::vector<double> scalars(const char* name) const; // of a list of mixed numbers

  // A list of integers that newer programs may also give as one tensor or as a list of one-element tensors;
  // those win. Nothing when a tensor is not constant; the error is in the context.
  std::optional<Ints> intsOr(const char* attribute, const char* tensorSlot,
                             const char* listSlot = nullptr) const;
  std::optional<int64_t> integerOr(const char* attribute, int64_t fallback, const char* tensorSlot) const;
  std::optional<float> realOr(const char* attribute, float fallback, const char* tensorSlot) const;

  // The shape that the program declares for a result; -1: open.
  std::optional<Ints> declaredShape(const char* outputSlot) const;

  // Outputs.
  bool wants(const char* slot, int i = 0) const { return context_.wants(indexOf(desc_.outputs(), slot, i)); }
  int outputCount(const char* slot) const;
  void set(const char* slot, Value value, int i = 0);

private:
  using Slots = google::protobuf::RepeatedPtrField<paddlepb::OpDesc::Var>;
  static int indexOf(const Slots& slots, const char* slot, int i); // far outside when there is none
  static const paddlepb::OpDesc::Var* slotOf(const Slots& slots, const char* name);
  const paddlepb::OpDesc::Attr* find(const char* name) const;

  RuleContext& context_;
  const paddlepb::OpDesc& desc_;
  const Program& program_;
};

} // namespace burin::paddle
