// Lists, tuples and dicts.
#include "lib/import/torch/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::torch {

namespace {
List& listOf(Call& c, const char* name = "self") {
  if (List* list = pointer<List>(c.data(name))) return *list;
  c.invalid(fmt::format("its '{}' is no list but {}", name, kindOf(c.data(name))));
  return *c.heap().list();
}

bool takeItems(Call& c, size_t count) {
  if (!c.store().takeItems(count)) c.invalid("its lists are too long");
  return !c.failed();
}

void giveItems(Call& c, std::vector<Data> items) { c.give(Data(c.heap().list(std::move(items)))); }

// Python's index, counted from the end if negative; nothing (with an error) outside.
std::optional<size_t> position(Call& c, int64_t index, size_t size) {
  const auto n = static_cast<int64_t>(size);
  if (index >= -n && index < n) return static_cast<size_t>(index < 0 ? index + n : index);
  c.invalid(fmt::format("the index {} is outside a list of {}", index, n), "check --input-shapes");
  return std::nullopt;
}

std::pair<Data, Data>* findEntry(Call& c, Dict& dict, const Data& key) {
  auto it = std::find_if(dict.entries.begin(), dict.entries.end(),
                         [&](auto& entry) { return c.same(entry.first, key); });
  return it == dict.entries.end() ? nullptr : &*it;
}

// Of a list, a text, a dict, or a tensor's first dimension.
void length(Call& c) {
  const Data& d = c.data("self");
  if (c.isTensor("self")) {
    Value x = c.tensor("self");
    return Call::rank(x) ? c.give(Data(Call::dims(x).front()))
                         : c.invalid("a tensor without dimensions has no length");
  }
  if (const std::string* s = text(d)) return c.give(Data(static_cast<int64_t>(s->size())));
  if (const Dict* dict = pointer<Dict>(d)) return c.give(Data(static_cast<int64_t>(dict->entries.size())));
  c.give(Data(static_cast<int64_t>(listOf(c).items.size())));
}

void getItem(Call& c) {
  if (Dict* dict = pointer<Dict>(c.data("self"))) {
    auto* entry = findEntry(c, *dict, c.data("index"));
    if (!entry) return c.invalid(fmt::format("a dict lacks '{}'", textOf(c.data("index"))));
    return c.give(entry->second);
  }
  if (isUnknown(c.data("self"))) return c.giveSame("self");
  List& list = listOf(c);
  if (auto at = position(c, c.integer("index"), list.items.size())) c.give(list.items[*at]);
}

void setItem(Call& c) {
  if (Dict* dict = pointer<Dict>(c.data("self"))) {
    if (auto* entry = findEntry(c, *dict, c.data("index")))
      entry->second = c.data("value");
    else if (takeItems(c, 1))
      dict->entries.emplace_back(c.data("index"), c.data("value"));
    return c.giveSame("self");
  }
  List& list = listOf(c);
  if (auto at = position(c, c.integer("index"), list.items.size())) list.items[*at] = c.data("value");
  c.giveSame("self");
}

void sliceList(Call& c) {
  const List& list = listOf(c);
  const auto n = static_cast<int64_t>(list.items.size());
  const int64_t step = c.integer("step");
  if (step < 1) return c.unsupported(fmt::format("a list is cut with a step of {}", step));
  auto clamped = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
  const int64_t begin = clamped(c.integer("start", 0)), end = clamped(c.integer("end", n));
  std::vector<Data> items;
  for (int64_t i = begin; i < end; i += std::min(step, n + 1))
    items.push_back(list.items[static_cast<size_t>(i)]);
  if (!takeItems(c, items.size())) return;
  List* part = c.heap().list(std::move(items), list.isTuple);
  c.give(Data(part));
}

void append(Call& c) {
  if (!takeItems(c, 1)) return;
  listOf(c).items.push_back(c.data("item"));
  c.giveSame("self");
}
void extend(Call& c) {
  std::vector<Data> more = listOf(c, "other").items;
  if (!takeItems(c, more.size())) return;
  List& list = listOf(c);
  list.items.insert(list.items.end(), more.begin(), more.end());
  c.giveSame("self");
}
void insert(Call& c) {
  List& list = listOf(c);
  const auto n = static_cast<int64_t>(list.items.size());
  int64_t at = c.integer("index");
  at = std::clamp<int64_t>(at < 0 ? at + n : at, 0, n);
  if (takeItems(c, 1)) list.items.insert(list.items.begin() + at, c.data("item"));
  c.giveSame("self");
}
void popItem(Call& c) {
  List& list = listOf(c);
  auto at = position(c, c.integer("index"), list.items.size());
  if (!at) return;
  c.give(list.items[*at]);
  list.items.erase(list.items.begin() + static_cast<ptrdiff_t>(*at));
}
void reverseItems(Call& c) {
  List& list = listOf(c);
  std::reverse(list.items.begin(), list.items.end());
  c.giveSame("self");
}
void clearItems(Call& c) {
  listOf(c).items.clear();
  c.giveSame("self");
}

void copyItems(Call& c) {
  std::vector<Data> items = listOf(c).items;
  if (takeItems(c, items.size())) giveItems(c, std::move(items));
}
void joinLists(Call& c) {
  std::vector<Data> items = listOf(c, "a").items;
  const std::vector<Data>& more = listOf(c, "b").items;
  if (!takeItems(c, items.size() + more.size())) return;
  items.insert(items.end(), more.begin(), more.end());
  giveItems(c, std::move(items));
}
void repeatList(Call& c) {
  const std::vector<Data>& once = listOf(c, "a").items;
  const int64_t times = std::max<int64_t>(c.integer("b"), 0);
  if (times > 1 << 22 || !takeItems(c, once.size() * static_cast<size_t>(times) + static_cast<size_t>(times)))
    return c.invalid("its lists are too long");
  std::vector<Data> items;
  for (int64_t i = 0; i < times; ++i) items.insert(items.end(), once.begin(), once.end());
  giveItems(c, std::move(items));
}

void contains(Call& c) {
  const Data& item = c.data("item");
  if (Dict* dict = pointer<Dict>(c.data("self"))) return c.give(Data(findEntry(c, *dict, item) != nullptr));
  if (const std::string* s = text(c.data("self")))
    return c.give(Data(text(item) && s->find(*text(item)) != std::string::npos));
  const List& list = listOf(c);
  c.give(Data(
      std::any_of(list.items.begin(), list.items.end(), [&](const Data& d) { return c.same(d, item); })));
}
void indexOf(Call& c) {
  const List& list = listOf(c);
  auto it = std::find_if(list.items.begin(), list.items.end(),
                         [&](const Data& d) { return c.same(d, c.data("item")); });
  if (it == list.items.end()) return c.invalid(fmt::format("a list lacks {}", textOf(c.data("item"))));
  c.give(Data(static_cast<int64_t>(it - list.items.begin())));
}

// Least, greatest or sum of a list of numbers.
void reduceList(Call& c) {
  const List& list = listOf(c);
  if (list.items.empty()) return c.invalid("its list is empty");
  const std::string_view what = c.variant();
  Data best = list.items[0];
  int64_t sum = 0;
  for (const Data& item : list.items) {
    double a = realOf(item).value_or(0), b = realOf(best).value_or(0);
    if (what == "min" ? a < b : a > b) best = item;
    sum += integerOf(item).value_or(0);
  }
  c.give(what == "sum" ? Data(sum) : best);
}

void anyOrAll(Call& c) {
  auto holds = [](const Data& d) { return realOf(d).value_or(0) != 0; };
  const std::vector<Data>& items = listOf(c).items;
  c.give(Data(std::string_view(c.variant()) == "any" ? std::any_of(items.begin(), items.end(), holds)
                                                     : std::all_of(items.begin(), items.end(), holds)));
}

// Keys, values or pairs of a dict.
void dictItems(Call& c) {
  const Dict* dict = pointer<Dict>(c.data("self"));
  if (!dict) return c.invalid("it is called with no dict but " + kindOf(c.data("self")));
  const std::string_view what = c.variant();
  std::vector<Data> items;
  if (!takeItems(c, dict->entries.size() * 3)) return;
  for (const auto& [key, value] : dict->entries)
    items.push_back(what == "keys"     ? key
                    : what == "values" ? value
                                       : Data(c.heap().list({key, value}, true)));
  giveItems(c, std::move(items));
}
void dictGet(Call& c) {
  Dict* dict = pointer<Dict>(c.data("self"));
  auto* entry = dict ? findEntry(c, *dict, c.data("key")) : nullptr;
  c.give(entry ? entry->second : c.data("fallback"));
}
void makeDict(Call& c) { c.give(Data(c.heap().dict())); }

// range(start, stop, step) comes as a count of rounds, and the variable from the number of the round.
void rangeLength(Call& c) {
  const double low = static_cast<double>(c.integer("low")), high = static_cast<double>(c.integer("high")),
               step = static_cast<double>(c.integer("step"));
  if (step == 0) return c.invalid("a range has a step of 0");
  double rounds = (high - low + step + (step > 0 ? -1 : 1)) / step;
  c.give(Data(rounds < 1 ? int64_t{0} : static_cast<int64_t>(std::min(rounds, 9e15))));
}
void deriveIndex(Call& c) {
  c.give(Data(static_cast<int64_t>(static_cast<uint64_t>(c.integer("start")) +
                                   static_cast<uint64_t>(c.integer("round")) *
                                       static_cast<uint64_t>(c.integer("step")))));
}

const OperatorRow kRows[] = {
    {"len(any self)", length},
    {"__getitem__(any self, any index)", getItem},
    {"_set_item(any self, any index, any value)", setItem},
    {"slice(any[] self, int? start=None, int? end=None, int step=1)", sliceList},
    {"append(any[] self, any item)", append},
    {"extend(any[] self, any[] other)", extend},
    {"insert(any[] self, int index, any item)", insert},
    {"pop(any[] self, int index=-1)", popItem},
    {"reverse(any[] self)", reverseItems},
    {"clear(any[] self)", clearItems},
    {"copy(any[] self)", copyItems},
    {"list(any[] self)", copyItems},
    {"add(any[] a, any[] b)", joinLists},
    {"add_(any[] self, any[] other)", extend},
    {"mul(any[] a, int b)", repeatList},
    {"index(any[] self, any item)", indexOf},
    {"prim::min(any[] self)", reduceList, "min"},
    {"prim::max(any[] self)", reduceList, "max"},
    {"sum(int[] self)", reduceList, "sum"},
    {"any(Scalar[] self)", anyOrAll, "any"},
    {"all(Scalar[] self)", anyOrAll, "all"},
    {"__contains__(any self, any item)", contains},
    {"keys(any self)", dictItems, "keys"},
    {"values(any self)", dictItems, "values"},
    {"items(any self)", dictItems, "items"},
    {"get(any self, any key, any fallback=None)", dictGet},
    {"dict()", makeDict},
    {"__range_length(int low, int high, int step)", rangeLength},
    {"__derive_index(int round, int start, int step)", deriveIndex},
};
} // namespace

const OperatorTable<OperatorRow> kListOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
