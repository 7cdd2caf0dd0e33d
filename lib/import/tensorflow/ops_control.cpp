// Loops and branches of TensorFlow 2, run while importing: what decides them has to be constant by then.
// Loops are unrolled. Lists of tensors, which carry a loop's results, are resolved into the tensors they
// hold.
#include "lib/import/tensorflow/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
bool allKnown(const std::vector<Value>& values) {
  return std::all_of(values.begin(), values.end(), [](Value v) { return static_cast<bool>(v); });
}

// Does a condition hold; nothing (with an error, or one in the report) where that is not known.
std::optional<bool> decided(RuleContext& c, Value condition) {
  if (!condition) return std::nullopt;
  if (nn::isConstant(condition) && RuleContext::shape(condition).elements() == 1)
    condition = c.cast(condition, rt::DType::Bool); // of any type, halves too
  if (c.failed()) return std::nullopt;
  if (const Ints known = nn::constantInts(condition); known.size() == 1) return known[0] != 0;
  c.unsupported("its condition is not constant",
                "freeze the graph for inference; loops need a length that does not depend on data");
  return std::nullopt;
}

// The results of a function, or none with an error here or in the report.
std::vector<Value> called(RuleContext& c, const std::string& function, const std::string& name,
                          const std::vector<Value>& arguments) {
  auto results = sessionOf(c).callFunction(function, name, arguments);
  if (!results) {
    c.forward(results.error());
    return {};
  }
  return allKnown(*results) ? *results : std::vector<Value>();
}

void importIf(RuleContext& c, Attributes& a) {
  auto holds = decided(c, c.in(0));
  if (!holds) return;
  std::vector<Value> arguments(c.inputs().begin() + 1, c.inputs().end());
  c.setAll(called(c, a.function(*holds ? "then_branch" : "else_branch"), c.name(), arguments));
}

void importWhile(RuleContext& c, Attributes& a) {
  const std::string condition = a.function("cond"), body = a.function("body");
  const int64_t most = c.session().options().maxLoopIterations;
  std::vector<Value> values = c.inputs();
  for (int64_t round = 0; !c.failed(); ++round) {
    if (round > most)
      return c.unsupported(fmt::format("it has more than {} rounds", most),
                           "export the loop with fewer rounds");
    const std::string name = fmt::format("{}/{}", c.name(), round);
    std::vector<Value> holds = called(c, condition, name + "/condition", values);
    if (holds.size() != 1) return;
    auto goesOn = decided(c, holds.front());
    if (!goesOn) return;
    if (!*goesOn) return c.setAll(values);
    std::vector<Value> next = called(c, body, name, values);
    if (c.failed() || (next.empty() && !values.empty())) return;
    if (next.size() != values.size())
      return c.invalid(fmt::format("its body has {} results for {} variables", next.size(), values.size()));
    values = std::move(next);
  }
}

//===-- lists
//---------------------------------------------------------------------------------------------------===//

constexpr int64_t kMaxItems = int64_t(1) << 20;

Value newList(RuleContext& c, std::vector<Value> items) {
  GraphSession& session = sessionOf(c);
  const int64_t bytes = static_cast<int64_t>((items.size() + 1) * sizeof(Value));
  if (!session.takeGeneratedBytes(bytes)) {
    c.unsupported("its lists of tensors grow too long");
    return {};
  }
  session.lists.push_back(std::move(items));
  return c.scalar(static_cast<double>(session.lists.size() - 1), rt::DType::I64);
}

std::vector<Value> listAt(RuleContext& c, int input) {
  auto number = c.constantInt(input, "list");
  const auto& lists = sessionOf(c).lists;
  if (number && *number >= 0 && *number < static_cast<int64_t>(lists.size()))
    return lists[static_cast<size_t>(*number)];
  c.invalid("it reads a list that no operator made");
  return {};
}

std::optional<size_t> indexAt(RuleContext& c, int input, size_t size) {
  auto index = c.constantInt(input, "index");
  if (!index) return std::nullopt;
  if (*index >= 0 && *index < static_cast<int64_t>(size)) return static_cast<size_t>(*index);
  c.invalid(fmt::format("its index {} is outside a list of {}", *index, size));
  return std::nullopt;
}

void listReserve(RuleContext& c, Attributes&) {
  auto count = c.constantInt(1, "num_elements");
  if (!count) return;
  if (*count < 0 || *count > kMaxItems)
    return c.invalid(fmt::format("a list of {} tensors is not possible", *count));
  c.set(0, newList(c, std::vector<Value>(static_cast<size_t>(*count))));
}
void listEmpty(RuleContext& c, Attributes&) { c.set(0, newList(c, {})); }

void listFromTensor(RuleContext& c, Attributes&) {
  if (RuleContext::rank(c.in(0)) < 1) return c.invalid("its tensor has no first axis");
  const int64_t count = RuleContext::dims(c.in(0))[0];
  if (count > kMaxItems) return c.unsupported(fmt::format("a list of {} tensors is too long", count));
  std::vector<Value> items;
  for (int64_t i = 0; i < count && !c.failed(); ++i) items.push_back(c.squeeze(c.slice(c.in(0), 0, i, 1), 0));
  c.set(0, newList(c, std::move(items)));
}

void listGetItem(RuleContext& c, Attributes&) {
  const std::vector<Value> items = listAt(c, 0);
  auto at = c.failed() ? std::nullopt : indexAt(c, 1, items.size());
  if (!at) return;
  if (!items[*at]) return c.unsupported("it reads an element of a list that nothing was written to");
  c.set(0, items[*at]);
}

void listSetItem(RuleContext& c, Attributes&) {
  std::vector<Value> items = listAt(c, 0);
  auto at = c.failed() ? std::nullopt : indexAt(c, 1, items.size());
  if (!at) return;
  items[*at] = c.in(2);
  c.set(0, newList(c, std::move(items)));
}

void listPushBack(RuleContext& c, Attributes&) {
  std::vector<Value> items = listAt(c, 0);
  items.push_back(c.in(1));
  if (!c.failed()) c.set(0, newList(c, std::move(items)));
}

void listPopBack(RuleContext& c, Attributes&) {
  std::vector<Value> items = listAt(c, 0);
  if (c.failed() || items.empty() || !items.back()) return c.invalid("its list is empty");
  Value last = items.back();
  items.pop_back();
  c.set(0, newList(c, std::move(items)));
  c.set(1, last);
}

void listLength(RuleContext& c, Attributes&) {
  const std::vector<Value> items = listAt(c, 0);
  c.set(0, c.scalar(static_cast<double>(items.size()), rt::DType::I32));
}

// Along a new first axis; what was never written is zero.
void listStack(RuleContext& c, Attributes&) {
  std::vector<Value> items = listAt(c, 0);
  auto known = std::find_if(items.begin(), items.end(), [](Value v) { return static_cast<bool>(v); });
  if (c.failed() || known == items.end())
    return c.unsupported("it stacks a list that nothing was written to");
  Value zeros = c.expand(c.scalarLike(0, *known), RuleContext::dims(*known));
  for (Value& item : items) item = c.unsqueeze(item ? item : zeros, 0);
  c.set(0, items.size() == 1 ? items[0] : c.concat(items, 0));
}

const OperatorRow kRows[] = {
    {"If", importIf, 1, kAny},
    {"StatelessIf", importIf, 1, kAny},
    {"While", importWhile, 0, kAny},
    {"StatelessWhile", importWhile, 0, kAny},
    {"TensorListReserve", listReserve, 2, 2},
    {"EmptyTensorList", listEmpty, 2, 2},
    {"TensorListFromTensor", listFromTensor, 2, 2},
    {"TensorListGetItem", listGetItem, 3, 3},
    {"TensorListSetItem", listSetItem, 3, 3},
    {"TensorListPushBack", listPushBack, 2, 2},
    {"TensorListPopBack", listPopBack, 2, 2, "", "fixture", "output_handle tensor"},
    {"TensorListLength", listLength, 1, 1},
    {"TensorListStack", listStack, 2, 2},
};
} // namespace

const OperatorTable<OperatorRow> kControlOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
