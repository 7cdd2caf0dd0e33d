#include "lib/prepare/polynomial.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
constexpr int kMaxVisits = 24;

class Reader {
public:
  explicit Reader(Value x) : x_(x) {}

  std::optional<Polynomial> read(Value value) {
    if (--fuel_ < 0) return std::nullopt;
    if (value == x_) return Polynomial{{0, 1, 0, 0}};
    if (auto c = uniformConstant(value)) return Polynomial{{*c, 0, 0, 0}};
    Operation* op = value.getDefiningOp();
    if (!op || !isF32(value)) return std::nullopt;
    if (isa<nn::UnaryOp>(op)) return readUnary(op);
    return isa<nn::BinaryOp>(op) && !op->hasAttr("lo") && !op->hasAttr("hi") ? readBinary(op) : std::nullopt;
  }

private:
  std::optional<Polynomial> readUnary(Operation* op) {
    bool square = functionOf(op) == "square";
    if (!square && functionOf(op) != "neg") return std::nullopt;
    auto a = read(op->getOperand(0));
    if (!a) return std::nullopt;
    return square ? product(*a, *a) : product(*a, Polynomial{{-1, 0, 0, 0}});
  }

  std::optional<Polynomial> readBinary(Operation* op) {
    StringRef fn = functionOf(op);
    if (fn != "add" && fn != "sub" && fn != "mul" && fn != "div" && fn != "pow") return std::nullopt;
    auto a = read(op->getOperand(0));
    auto b = a ? read(op->getOperand(1)) : std::nullopt;
    if (!b) return std::nullopt;
    if (fn == "mul") return product(*a, *b);
    if (fn == "add" || fn == "sub") {
      for (size_t i = 0; i < a->size(); ++i) (*a)[i] += fn == "add" ? (*b)[i] : -(*b)[i];
      return a;
    }
    if (b->degree() != 0) return std::nullopt;
    if (fn == "div") return (*b)[0] == 0 ? std::nullopt : product(*a, Polynomial{{1 / (*b)[0], 0, 0, 0}});
    if ((*b)[0] == 2) return product(*a, *a);
    auto square = (*b)[0] == 3 ? product(*a, *a) : std::nullopt;
    return square ? product(*square, *a) : std::nullopt;
  }

  static std::optional<Polynomial> product(const Polynomial& a, const Polynomial& b) {
    if (a.degree() + b.degree() > 3) return std::nullopt;
    Polynomial out{};
    for (int i = 0; i <= a.degree(); ++i)
      for (int j = 0; j <= b.degree(); ++j) out[i + j] += a[i] * b[j];
    return out;
  }

  Value x_;
  int fuel_ = kMaxVisits;
};
} // namespace

std::optional<Polynomial> polynomialIn(Value value, Value x) { return Reader(x).read(value); }

Value affineRoot(Value value) {
  for (int depth = 0; depth < 4; ++depth) {
    Operation* op = producer(value, "binary");
    if (!isBinary(op, "add") && !isBinary(op, "sub") && !isBinary(op, "mul") && !isBinary(op, "div")) break;
    auto scalar = scalarOperand(op);
    if (!scalar || (functionOf(op) == "div" && scalar->constantFirst)) break;
    value = scalar->x;
  }
  return value;
}

std::optional<FullClamp> readFullClamp(Value value) {
  Operation* op = value.getDefiningOp();
  FullClamp out;
  auto outer = readClamp(op, out.x);
  if (!outer) return std::nullopt;
  out.range = *outer;
  Value x;
  if (auto inner = readClamp(out.x.getDefiningOp(), x)) {
    out.range = {std::min(std::max(inner->lo, outer->lo), outer->hi),
                 std::min(std::max(inner->hi, outer->lo), outer->hi)};
    out.x = x;
  }
  return out;
}

} // namespace burin::rewrites
