#include "lib/import/torch/data.h"

#include <cmath>
#include <fmt/format.h>

namespace burin::torch {

namespace {
constexpr int kMaxDepth = 16;     // of what is printed or compared
constexpr size_t kMaxText = 2000; // characters

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::string realText(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  std::string s = fmt::format("{}", v);
  return s.find_first_of(".e") == std::string::npos ? s + ".0" : s;
}

std::string listText(const List& list, int depth) {
  std::string s;
  for (const Data& item : list.items) {
    if (!s.empty()) s += ", ";
    s += textOf(item, depth + 1);
    if (s.size() > kMaxText) break;
  }
  return list.isTuple ? "(" + s + ")" : "[" + s + "]";
}

bool equalLists(const List& a, const List& b, int64_t& budget, int depth) {
  if (a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i)
    if (!equal(a.items[i], b.items[i], budget, depth + 1)) return false;
  return true;
}
} // namespace

std::string kindOf(const Data& data) {
  return std::visit(
      Overloaded{[](std::monostate) { return std::string("None"); }, [](bool) { return std::string("bool"); },
                 [](int64_t) { return std::string("int"); }, [](double) { return std::string("float"); },
                 [](const std::string*) { return std::string("str"); },
                 [](Tensor*) { return std::string("Tensor"); },
                 [](List* list) { return std::string(list->isTuple ? "tuple" : "list"); },
                 [](Dict*) { return std::string("dict"); }, [](Object* object) { return object->type; },
                 [](Symbol symbol) { return *symbol.path; }},
      data);
}

std::string textOf(const Data& data, int depth) {
  if (depth > kMaxDepth) return "...";
  if (const bool* b = as<bool>(data)) return *b ? "True" : "False";
  if (const int64_t* i = as<int64_t>(data)) return std::to_string(*i);
  if (const double* d = as<double>(data)) return realText(*d);
  if (const std::string* s = text(data)) return s->substr(0, kMaxText);
  if (const List* list = pointer<List>(data)) return listText(*list, depth);
  return kindOf(data);
}

bool equal(const Data& a, const Data& b, int64_t& budget, int depth) {
  if (depth > kMaxDepth || --budget < 0) return false;
  if (text(a) && text(b)) return *text(a) == *text(b);
  if (auto x = integerOf(a), y = integerOf(b); x && y) return *x == *y;
  if (auto x = realOf(a), y = realOf(b); x && y) return *x == *y;
  if (List* x = pointer<List>(a), *y = pointer<List>(b); x && y) return equalLists(*x, *y, budget, depth);
  if (Symbol const *x = as<Symbol>(a), *y = as<Symbol>(b); x && y) return *x->path == *y->path;
  if (a.index() != b.index()) return false;
  if (isNone(a)) return true;
  if (Object* x = pointer<Object>(a)) return x == pointer<Object>(b);
  if (Dict* x = pointer<Dict>(a)) return x == pointer<Dict>(b);
  return false;
}

std::optional<int64_t> integerOf(const Data& data) {
  if (const bool* b = as<bool>(data)) return *b;
  if (const int64_t* i = as<int64_t>(data)) return *i;
  return std::nullopt;
}

std::optional<double> realOf(const Data& data) {
  if (auto i = integerOf(data)) return static_cast<double>(*i);
  if (const double* d = as<double>(data)) return *d;
  return std::nullopt;
}

} // namespace burin::torch
