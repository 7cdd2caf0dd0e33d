#include "lib/import/einsum.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace burin {

namespace {
// A tensor with one label per axis, no label twice. Broadcast axes of "..." get the labels '0', '1', ... from
// the last one backwards.
struct Labelled {
  Value value;
  std::string labels;
};

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }

std::string expandEllipsis(std::string term, int64_t axes) {
  size_t dots = term.find("...");
  if (dots == std::string::npos) return term;
  std::string broadcast;
  for (int64_t i = axes; i-- > 0;) broadcast += static_cast<char>('0' + i);
  return term.replace(dots, 3, broadcast);
}

Labelled permuted(RuleContext& c, const Labelled& x, const std::string& labels) {
  Ints perm;
  for (char label : labels) perm.push_back(static_cast<int64_t>(x.labels.find(label)));
  return {c.transpose(x.value, perm), labels};
}

// Keeps the diagonal of a label that stands twice: both axes go to the end, become one, and every (n+1)th is
// taken.
Labelled takeDiagonals(RuleContext& c, Labelled x) {
  for (size_t i = 0; i < x.labels.size(); ++i) {
    size_t j = x.labels.find(x.labels[i], i + 1);
    if (j == std::string::npos) continue;
    char label = x.labels[i];
    Ints perm, dims = RuleContext::dims(x.value), shape;
    std::string labels;
    for (size_t k = 0; k < x.labels.size(); ++k)
      if (k != i && k != j)
        perm.push_back(static_cast<int64_t>(k)), labels += x.labels[k], shape.push_back(dims[k]);
    perm.insert(perm.end(), {static_cast<int64_t>(i), static_cast<int64_t>(j)});
    if (dims[i] != dims[j]) {
      c.invalid("a label stands for axes of different length");
      return x;
    }
    shape.push_back(dims[i] * dims[j]);
    Value flat = c.reshape(c.transpose(x.value, perm), shape);
    x = {c.slice(flat, static_cast<int64_t>(labels.size()), 0, dims[i], dims[i] + 1), labels + label};
    i = static_cast<size_t>(-1);
  }
  return x;
}

// Sums over the labels that are in neither `keep` nor `other`.
Labelled sumOut(RuleContext& c, const Labelled& x, const std::string& keep) {
  Ints axes;
  std::string left;
  for (size_t i = 0; i < x.labels.size(); ++i)
    if (has(keep, x.labels[i]))
      left += x.labels[i];
    else
      axes.push_back(static_cast<int64_t>(i));
  return axes.empty() ? x : Labelled{c.reduce("sum", x.value, axes, false), left};
}

int64_t extent(RuleContext& c, const Labelled& x, const std::string& labels) {
  int64_t n = 1;
  for (char label : labels) n *= RuleContext::shape(x.value)[static_cast<int>(x.labels.find(label))];
  return n;
}

// Labels fall into four groups: batch (in both and kept), summed (in both, not kept), and those of one side
// alone.
Labelled contract(RuleContext& c, Labelled a, Labelled b, const std::string& keep) {
  a = sumOut(c, a, keep + b.labels), b = sumOut(c, b, keep + a.labels);
  std::string batch, summed, left, right;
  for (char l : a.labels) (has(b.labels, l) ? (has(keep, l) ? batch : summed) : left) += l;
  for (char l : b.labels)
    if (!has(a.labels, l)) right += l;
  Labelled pa = permuted(c, a, batch + left + summed), pb = permuted(c, b, batch + summed + right);
  Ints shape;
  for (char l : batch) {
    int64_t na = extent(c, pa, {l}), nb = extent(c, pb, {l});
    if (na != nb && na != 1 && nb != 1) c.invalid("a label stands for axes of different length");
    shape.push_back(std::max(na, nb));
  }
  if (extent(c, pa, summed) != extent(c, pb, summed))
    c.unsupported("a summed label stands for axes of different length");
  auto batchDims = [&](const Labelled& x) {
    Ints dims;
    for (char l : batch) dims.push_back(extent(c, x, {l}));
    return dims;
  };
  Ints da = batchDims(pa), db = batchDims(pb);
  da.insert(da.end(), {extent(c, pa, left), extent(c, pa, summed)});
  db.insert(db.end(), {extent(c, pb, summed), extent(c, pb, right)});
  if (c.failed()) return a;
  if (da.size() > rt::kMaxRank) {
    c.unsupported("it has too many labels");
    return a;
  }
  Value y = c.matmul(c.reshape(pa.value, da), c.reshape(pb.value, db));
  for (char l : left) shape.push_back(extent(c, pa, {l}));
  for (char l : right) shape.push_back(extent(c, pb, {l}));
  return {c.reshape(y, shape), batch + left + right};
}

struct Equation {
  std::vector<std::string> terms;
  std::string result;
};

// Without "->" the result holds the labels that stand once, in alphabetic order, after the broadcast axes.
std::optional<Equation> parseEquation(RuleContext& c, const std::string& equation,
                                      const std::vector<Value>& operands) {
  std::string text = equation;
  std::erase(text, ' ');
  size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  Equation e;
  for (size_t at = 0; at <= left.size();) {
    size_t end = std::min(left.find(',', at), left.size());
    e.terms.push_back(left.substr(at, end - at));
    at = end + 1;
  }
  if (e.terms.size() != operands.size()) {
    c.invalid(fmt::format("its equation '{}' does not fit {} inputs", equation, operands.size()));
    return std::nullopt;
  }
  int64_t broadcast = 0;
  for (size_t i = 0; i < e.terms.size(); ++i) {
    std::string letters = e.terms[i];
    bool dots = letters.find("...") != std::string::npos;
    std::erase(letters, '.');
    int64_t axes = RuleContext::rank(operands[i]) - static_cast<int64_t>(letters.size());
    bool valid =
        std::all_of(letters.begin(), letters.end(), [](unsigned char ch) { return std::isalpha(ch); });
    if (!valid || axes < 0 || (axes > 0 && !dots)) {
      c.invalid(fmt::format("its equation '{}' does not fit its inputs", equation));
      return std::nullopt;
    }
    broadcast = std::max(broadcast, axes);
    e.terms[i] = expandEllipsis(e.terms[i], axes);
    if (has(e.terms[i], '.')) {
      c.invalid(fmt::format("its equation '{}' is malformed", equation));
      return std::nullopt;
    }
  }
  if (arrow != std::string::npos) {
    e.result = expandEllipsis(text.substr(arrow + 2), broadcast);
    return e;
  }
  e.result = expandEllipsis("...", broadcast);
  std::string all;
  for (const std::string& term : e.terms) all += term;
  std::set<char> letters(all.begin(), all.end());
  for (char l : letters)
    if (std::isalpha(static_cast<unsigned char>(l)) && std::count(all.begin(), all.end(), l) == 1)
      e.result += l;
  return e;
}
} // namespace

Value emitEinsum(RuleContext& c, const std::string& text, const std::vector<Value>& operands) {
  auto equation = parseEquation(c, text, operands);
  if (!equation) return {};
  std::string all;
  for (const std::string& term : equation->terms) all += term;
  for (char label : equation->result)
    if (!has(all, label) || std::count(equation->result.begin(), equation->result.end(), label) > 1) {
      c.invalid(fmt::format("its result '{}' does not fit its inputs", equation->result));
      return {};
    }
  Labelled sum = takeDiagonals(c, {operands[0], equation->terms[0]});
  for (size_t i = 1; i < equation->terms.size() && !c.failed(); ++i) {
    std::string keep = equation->result;
    for (size_t k = i + 1; k < equation->terms.size(); ++k) keep += equation->terms[k];
    sum = contract(c, sum, takeDiagonals(c, {operands[i], equation->terms[i]}), keep);
  }
  if (c.failed()) return {};
  sum = sumOut(c, sum, equation->result);
  return permuted(c, sum, equation->result).value;
}

} // namespace burin
