// Numbers, bools and strings: computed at once.
#include "lib/import/torch/operators.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace burin::torch {

namespace {
constexpr size_t kMaxFormatted = size_t(1) << 20; // characters of one string

bool is(Call& c, const char* variant) { return std::string_view(c.variant()) == variant; }

// Wraps around, as TorchScript's integers do.
int64_t wrapped(char op, int64_t a, int64_t b) {
  auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  return static_cast<int64_t>(op == '+' ? x + y : op == '-' ? x - y : x * y);
}

int64_t floorDivide(int64_t a, int64_t b) {
  if (b == -1) return wrapped('-', 0, a);
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

void integerArithmetic(Call& c, int64_t a, int64_t b) {
  const char op = *c.variant();
  if (op == '+' || op == '-' || op == '*') return c.give(Data(wrapped(op, a, b)));
  if (op == '<') return c.give(Data(std::min(a, b)));
  if (op == '>') return c.give(Data(std::max(a, b)));
  if (b == 0) return c.invalid("its code divides by zero", "check --input-shapes");
  if (op == '/') return c.give(Data(static_cast<double>(a) / static_cast<double>(b)));
  if (op == '|') return c.give(Data(floorDivide(a, b)));
  c.give(Data(b == -1 ? 0 : a - floorDivide(a, b) * b)); // '%'
}

void arithmetic(Call& c) {
  if (auto a = integerOf(c.data("a")), b = integerOf(c.data("b")); a && b)
    return integerArithmetic(c, *a, *b);
  const double a = c.real("a"), b = c.real("b");
  const char op = *c.variant();
  if ((op == '/' || op == '|' || op == '%') && b == 0)
    return c.invalid("its code divides by zero", "check --input-shapes");
  c.give(Data(op == '+'   ? a + b
              : op == '-' ? a - b
              : op == '*' ? a * b
              : op == '/' ? a / b
              : op == '|' ? std::floor(a / b)
              : op == '<' ? std::min(a, b)
              : op == '>' ? std::max(a, b)
                          : a - std::floor(a / b) * b));
}

void power(Call& c) {
  auto a = integerOf(c.data("a")), b = integerOf(c.data("b"));
  double value = std::pow(c.real("a"), c.real("b"));
  bool whole = a && b && *b >= 0 && std::abs(value) < 9e15;
  c.give(whole ? Data(static_cast<int64_t>(value)) : Data(value));
}

void negate(Call& c) {
  if (auto a = integerOf(c.data("a"))) return c.give(Data(wrapped('-', 0, *a)));
  c.give(Data(-c.real("a")));
}
void absolute(Call& c) {
  if (auto a = integerOf(c.data("a"))) return c.give(Data(*a < 0 ? wrapped('-', 0, *a) : *a));
  c.give(Data(std::abs(c.real("a"))));
}

void function(Call& c) {
  const double a = c.real("a");
  c.give(Data(is(c, "sqrt") ? std::sqrt(a) : is(c, "log") ? std::log(a) : std::exp(a)));
}

// A float as an integer; what does not fit is an error.
void giveInteger(Call& c, double value) {
  if (!(std::abs(value) < 9.2e18)) return c.invalid(fmt::format("{} is no integer", value));
  c.give(Data(static_cast<int64_t>(value)));
}
void roundOff(Call& c) {
  const double a = c.real("a");
  giveInteger(c, is(c, "floor") ? std::floor(a) : std::ceil(a));
}
void roundEven(Call& c) { c.give(Data(std::nearbyint(c.real("a")))); }

void toInteger(Call& c) {
  if (const std::string* s = text(c.data("a")))
    return c.unsupported("the string '" + *s + "' is read as a number");
  if (auto i = integerOf(c.data("a"))) return c.give(Data(*i));
  giveInteger(c, std::trunc(c.real("a")));
}
void toReal(Call& c) {
  const std::string* s = text(c.data("a"));
  if (!s) return c.give(Data(c.real("a")));
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (*s == "inf" || *s == "-inf") return c.give(Data(*s == "inf" ? kInfinity : -kInfinity));
  if (*s == "nan") return c.give(Data(std::numeric_limits<double>::quiet_NaN()));
  c.unsupported("the string '" + *s + "' is read as a number");
}
void toBool(Call& c) { c.give(Data(c.real("a") != 0)); }
void toText(Call& c) { c.give(Data(c.heap().text(textOf(c.data("a"))))); }

void compare(Call& c) {
  const double a = c.real("a"), b = c.real("b");
  c.give(Data(is(c, "<") ? a < b : is(c, "<=") ? a <= b : is(c, ">") ? a > b : a >= b));
}
void compareTexts(Call& c) {
  const std::string a = c.string("a"), b = c.string("b");
  c.give(Data(is(c, "<") ? a < b : a > b));
}
void equality(Call& c) { c.give(Data(c.same(c.data("a"), c.data("b")) == is(c, "=="))); }

// None is the only value that TorchScript asks this for, besides bools.
void identity(Call& c) {
  const Data &a = c.data("a"), &b = c.data("b");
  bool same = isNone(a) || isNone(b)
                  ? isNone(a) && isNone(b)
                  : a.index() == b.index() &&
                        (pointer<Tensor>(a) ? pointer<Tensor>(a) == pointer<Tensor>(b) : c.same(a, b));
  c.give(Data(same == is(c, "is")));
}

void logical(Call& c) {
  if (is(c, "not")) return c.give(Data(c.integer("a") == 0));
  const int64_t a = c.integer("a"), b = c.integer("b");
  bool bools = as<bool>(c.data("a")) && as<bool>(c.data("b"));
  int64_t result = is(c, "and") ? a & b : is(c, "or") ? a | b : a ^ b;
  c.give(bools ? Data(result != 0) : Data(result));
}

// "{}" for each argument in turn. The remaining ones are lost, as in Python.
void format(Call& c) {
  const List* arguments = pointer<List>(c.data("arguments"));
  std::string from = c.string("self"), to;
  size_t next = 0;
  for (size_t i = 0; i < from.size() && to.size() <= kMaxFormatted; ++i) {
    bool isPlace = from[i] == '{' && i + 1 < from.size() && from[i + 1] == '}';
    if (isPlace && arguments && next < arguments->items.size()) {
      to += textOf(arguments->items[next++]);
      ++i;
    } else {
      to += from[i];
    }
  }
  if (to.size() > kMaxFormatted || !c.store().takeItems(to.size()))
    return c.invalid("its strings are too long");
  c.give(Data(c.heap().text(to)));
}

void joinTexts(Call& c) {
  std::string joined = c.string("a") + c.string("b");
  if (!c.store().takeItems(joined.size())) return c.invalid("its strings are too long");
  c.give(Data(c.heap().text(joined)));
}
void findText(Call& c) {
  size_t at = c.string("self").find(c.string("part"));
  c.give(Data(at == std::string::npos ? int64_t{-1} : static_cast<int64_t>(at)));
}
void affix(Call& c) {
  c.give(Data(is(c, "start") ? c.string("self").starts_with(c.string("part"))
                             : c.string("self").ends_with(c.string("part"))));
}

void nothing(Call& c) { c.give(Data()); }
void constantBool(Call& c) { c.give(Data(is(c, "true"))); }
void deviceName(Call& c) { c.give(Data(c.heap().text("cpu"))); }

const OperatorRow kRows[] = {
    {"add(Scalar a, Scalar b)", arithmetic, "+"},
    {"sub(Scalar a, Scalar b)", arithmetic, "-"},
    {"mul(Scalar a, Scalar b)", arithmetic, "*"},
    {"div(Scalar a, Scalar b)", arithmetic, "/"},
    {"floordiv(Scalar a, Scalar b)", arithmetic, "|"},
    {"remainder(Scalar a, Scalar b)", arithmetic, "%"},
    {"prim::min(Scalar a, Scalar b)", arithmetic, "<"},
    {"prim::max(Scalar a, Scalar b)", arithmetic, ">"},
    {"pow(Scalar a, Scalar b)", power},
    {"neg(Scalar a)", negate},
    {"prim::abs(Scalar a)", absolute},
    {"abs(Scalar a)", absolute},
    {"sqrt(Scalar a)", function, "sqrt"},
    {"log(Scalar a)", function, "log"},
    {"exp(Scalar a)", function, "exp"},
    {"floor(Scalar a)", roundOff, "floor"},
    {"ceil(Scalar a)", roundOff, "ceil"},
    {"round(Scalar a)", roundEven},
    {"int(Scalar a)", toInteger},
    {"int(str a)", toInteger},
    {"Int(Scalar a)", toInteger},
    {"float(Scalar a)", toReal},
    {"float(str a)", toReal},
    {"Float(Scalar a)", toReal},
    {"bool(Scalar a)", toBool},
    {"Bool(Scalar a)", toBool},
    {"str(any a)", toText},
    {"eq(Scalar a, Scalar b)", equality, "=="},
    {"eq(str a, str b)", equality, "=="},
    {"eq(any[] a, any[] b)", equality, "=="},
    {"ne(Scalar a, Scalar b)", equality, "!="},
    {"ne(str a, str b)", equality, "!="},
    {"ne(any[] a, any[] b)", equality, "!="},
    {"lt(Scalar a, Scalar b)", compare, "<"},
    {"le(Scalar a, Scalar b)", compare, "<="},
    {"gt(Scalar a, Scalar b)", compare, ">"},
    {"ge(Scalar a, Scalar b)", compare, ">="},
    {"lt(str a, str b)", compareTexts, "<"},
    {"gt(str a, str b)", compareTexts, ">"},
    {"__is__(any a, any b)", identity, "is"},
    {"__isnot__(any a, any b)", identity, "isnot"},
    {"__not__(int a)", logical, "not"},
    {"__and__(int a, int b)", logical, "and"},
    {"__or__(int a, int b)", logical, "or"},
    {"__xor__(int a, int b)", logical, "xor"},
    {"add(str a, str b)", joinTexts},
    {"find(str self, str part, int start=0, int end=-1)", findText},
    {"startswith(str self, str part, int start=0, int end=-1)", affix, "start"},
    {"endswith(str self, str part, int start=0, int end=-1)", affix, "end"},
    {"format(str self, any... arguments)", format},
    {"warn(any message, int stacklevel=2)", nothing},
    {"warn(any message, any category, int stacklevel=2)", nothing},
    {"device(any device, any index=None)", deviceName},
    // Gradients are not computed here; the plain path through a module is the one that gradients take.
    {"is_grad_enabled()", constantBool, "true"},
    {"is_autocast_enabled()", constantBool, "false"},
    {"is_scripting()", constantBool, "true"},
    {"is_tracing()", constantBool, "false"},
};
} // namespace

const OperatorTable<OperatorRow> kScalarOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
