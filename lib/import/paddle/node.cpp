#include "lib/import/paddle/node.h"

#include <fmt/format.h>

namespace burin::paddle {

using paddlepb::OpDesc;

const OpDesc::Var* Node::slotOf(const Slots& slots, const char* name) {
  for (const OpDesc::Var& slot : slots)
    if (slot.parameter() == name) return &slot;
  return nullptr;
}

int Node::indexOf(const Slots& slots, const char* name, int i) {
  int index = i;
  for (const OpDesc::Var& slot : slots) {
    if (slot.parameter() == name && i < slot.arguments_size()) return index;
    index += slot.arguments_size();
  }
  return std::numeric_limits<int>::max();
}

std::vector<Value> Node::list(const char* slot) const {
  std::vector<Value> values;
  const OpDesc::Var* found = slotOf(desc_.inputs(), slot);
  for (int i = 0; found && i < found->arguments_size(); ++i) values.push_back(in(slot, i));
  return values;
}

int Node::outputCount(const char* slot) const {
  const OpDesc::Var* found = slotOf(desc_.outputs(), slot);
  return found ? found->arguments_size() : 0;
}

void Node::set(const char* slot, Value value, int i) {
  int index = indexOf(desc_.outputs(), slot, i);
  if (context_.wants(index)) context_.set(index, value);
}

const OpDesc::Attr* Node::find(const char* name) const {
  for (const OpDesc::Attr& attribute : desc_.attrs())
    if (attribute.name() == name) return &attribute;
  return nullptr;
}

int64_t Node::integer(const char* name, int64_t fallback) const {
  const OpDesc::Attr* a = find(name);
  if (!a) return fallback;
  if (a->has_scalar()) return a->scalar().i();
  return a->has_l() ? a->l() : a->has_i() ? a->i() : a->has_b() ? a->b() : fallback;
}

bool Node::flag(const char* name, bool fallback) const {
  const OpDesc::Attr* a = find(name);
  return a && a->has_b() ? a->b() : fallback;
}

float Node::real(const char* name, float fallback) const {
  const OpDesc::Attr* a = find(name);
  if (!a) return fallback;
  if (a->has_scalar()) // a double, or an integer where the program was written so
    return static_cast<float>(a->scalar().has_r() ? a->scalar().r() : static_cast<double>(a->scalar().i()));
  return a->has_f() ? a->f() : a->has_float64() ? static_cast<float>(a->float64()) : fallback;
}

std::string Node::text(const char* name, const std::string& fallback) const {
  const OpDesc::Attr* a = find(name);
  return a && a->has_s() ? a->s() : fallback;
}

Ints Node::ints(const char* name) const {
  const OpDesc::Attr* a = find(name);
  if (!a) return {};
  Ints values(a->ints().begin(), a->ints().end());
  values.insert(values.end(), a->longs().begin(), a->longs().end());
  values.insert(values.end(), a->bools().begin(), a->bools().end());
  if (a->has_i()) values.push_back(a->i()); // some attributes were a number before they became a list
  return values;
}

std::vector<float> Node::floats(const char* name) const {
  const OpDesc::Attr* a = find(name);
  if (!a) return {};
  std::vector<float> values(a->floats().begin(), a->floats().end());
  for (double v : a->float64s()) values.push_back(static_cast<float>(v));
  if (a->has_f()) values.push_back(a->f());
  return values;
}

std::vector<double> Node::scalars(const char* name) const {
  std::vector<double> values;
  if (const OpDesc::Attr* a = find(name))
    for (const OpDesc::Scalar& v : a->scalars())
      values.push_back(v.has_r() ? v.r() : v.has_i() ? static_cast<double>(v.i()) : v.b());
  return values;
}

std::optional<Ints> Node::intsOr(const char* attribute, const char* tensorSlot, const char* listSlot) const {
  const OpDesc::Var* elements = listSlot ? slotOf(desc_.inputs(), listSlot) : nullptr;
  if (elements && elements->arguments_size()) {
    Ints values;
    for (int i = 0; i < elements->arguments_size(); ++i) {
      auto value = constantInts(listSlot, i);
      if (!value) return std::nullopt;
      values.insert(values.end(), value->begin(), value->end());
    }
    return values;
  }
  if (tensorSlot && has(tensorSlot)) return constantInts(tensorSlot);
  return ints(attribute);
}

std::optional<int64_t> Node::integerOr(const char* attribute, int64_t fallback,
                                       const char* tensorSlot) const {
  if (!has(tensorSlot)) return integer(attribute, fallback);
  auto values = constantInts(tensorSlot);
  if (values && values->size() == 1) return values->front();
  if (values) context_.invalid(fmt::format("its {} has {} elements, not one", tensorSlot, values->size()));
  return std::nullopt;
}

std::optional<float> Node::realOr(const char* attribute, float fallback, const char* tensorSlot) const {
  return has(tensorSlot) ? constantFloat(tensorSlot) : real(attribute, fallback);
}

std::optional<Ints> Node::declaredShape(const char* outputSlot) const {
  const OpDesc::Var* slot = slotOf(desc_.outputs(), outputSlot);
  if (!slot || slot->arguments().empty()) return std::nullopt;
  const auto* tensor = program_.tensor(slot->arguments(0));
  if (!tensor) return std::nullopt;
  return Ints(tensor->dims().begin(), tensor->dims().end());
}

} // namespace burin::paddle
