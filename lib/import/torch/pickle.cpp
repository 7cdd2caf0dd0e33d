#include "lib/import/torch/pickle.h"

#include "lib/import/torch/pickle_builders.h"

#include <cstring>
#include <fmt/format.h>
#include <unordered_map>

namespace burin::torch {

namespace {
constexpr size_t kMaxSteps = size_t(1) << 23; // opcodes: each may make a value of some dozen bytes
constexpr const char* kDamaged = "the file is damaged; save it again";

tl::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorCode::Input, "its pickle " + what, kDamaged);
}

// Opcodes of Python's pickle protocols 0 to 4 that files of PyTorch use.
enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kEmptyList = ']',
  kEmptyDict = '}',
  kProto = 0x80,
  kNewObj = 0x81,
  kTuple1 = 0x85,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

class Reader {
public:
  Reader(std::span<const uint8_t> bytes, const std::string& folder, Heap& heap)
      : bytes_(bytes), folder_(folder), heap_(heap) {}

  Result<Data> run() {
    while (at_ < bytes_.size()) {
      uint8_t code = bytes_[at_++];
      if (code == kStop) return pop();
      if (++steps_ > kMaxSteps) return bad("holds too many values");
      BURIN_CHECK(step(code));
    }
    return bad("ends too early");
  }

private:
  Status step(uint8_t code) {
    if (code >= kTuple1 && code <= kTuple3) return makeTuple(static_cast<size_t>(code - kTuple1 + 1));
    switch (code) {
    case kProto:
      return skip(1);
    case kFrame:
      return skip(8);
    case kMark:
      return marks_.push_back(stack_.size()), Status();
    case kNone:
      return push({});
    case kNewTrue:
      return push(true);
    case kNewFalse:
      return push(false);
    case kBinInt:
      return pushInteger(4, true);
    case kBinInt1:
      return pushInteger(1, false);
    case kBinInt2:
      return pushInteger(2, false);
    case kLong1:
      return pushLong();
    case kBinFloat:
      return pushReal();
    case kShortBinString:
    case kShortBinUnicode:
      return pushText(1);
    case kBinString:
    case kBinUnicode:
      return pushText(4);
    case kBinUnicode8:
      return pushText(8);
    case kEmptyTuple:
      return push(heap_.list({}, true));
    case kEmptyList:
      return push(heap_.list());
    case kEmptyDict:
      return push(heap_.dict());
    case kTuple:
      return tupleFromMark();
    case kBinPut:
      return memoize(1);
    case kLongBinPut:
      return memoize(4);
    case kBinGet:
      return recall(1);
    case kLongBinGet:
      return recall(4);
    default:
      return stepRare(code);
    }
  }

  Status stepRare(uint8_t code) {
    switch (code) {
    case kPop:
      return pop().map([](Data) {});
    case kMemoize:
      return stack_.empty() ? Status(bad("is inconsistent")) : remember(memo_.size());
    case kAppend:
      return fill(1);
    case kAppends:
      return fillFromMark();
    case kSetItem:
      return fill(2);
    case kSetItems:
      return fillFromMark();
    case kGlobal:
      return global();
    case kStackGlobal:
      return stackGlobal();
    case kBinPersId:
      return Status(); // the storage's description stays as it is
    case kReduce:
      return apply([&](Data f, Data arguments) { return callBuilder(f, arguments, folder_, heap_); });
    case kNewObj:
      return apply([&](Data type, Data) { return makeObject(type, heap_); });
    case kBuild:
      return apply([&](Data object, Data state) { return giveState(object, state); });
    default:
      return bad(fmt::format("holds the opcode {:#04x}, which TorchScript never writes", code));
    }
  }

  // Bytes.
  bool available(size_t count) const { return count <= bytes_.size() - at_; }
  Status skip(size_t count) {
    if (!available(count)) return bad("ends too early");
    at_ += count;
    return {};
  }
  Result<uint64_t> number(size_t count) {
    if (!available(count)) return bad("ends too early");
    uint64_t v = 0;
    for (size_t i = count; i-- > 0;) v = v << 8 | bytes_[at_ + i];
    at_ += count;
    return v;
  }
  Result<std::string> line() {
    std::string s;
    while (at_ < bytes_.size() && bytes_[at_] != '\n') s += static_cast<char>(bytes_[at_++]);
    BURIN_CHECK(skip(1));
    return s;
  }

  // Literals.
  Status pushInteger(size_t count, bool isSigned) {
    BURIN_ASSIGN(uint64_t v, number(count));
    return push(isSigned ? int64_t{static_cast<int32_t>(v)} : static_cast<int64_t>(v));
  }
  Status pushLong() {
    BURIN_ASSIGN(uint64_t count, number(1));
    if (count > 8) return bad("holds an integer of more than 64 bits");
    BURIN_ASSIGN(uint64_t v, number(count));
    if (count && count < 8 && v >> (8 * count - 1)) v |= ~uint64_t{0} << (8 * count);
    return push(static_cast<int64_t>(v));
  }
  Status pushReal() { // big-endian, unlike everything else
    if (!available(8)) return bad("ends too early");
    uint64_t v = 0;
    for (size_t i = 0; i < 8; ++i) v = v << 8 | bytes_[at_++];
    double d;
    std::memcpy(&d, &v, sizeof d);
    return push(d);
  }
  Status pushText(size_t lengthBytes) {
    BURIN_ASSIGN(uint64_t length, number(lengthBytes));
    if (!available(length)) return bad("ends too early");
    const char* from = reinterpret_cast<const char*>(bytes_.data()) + at_;
    at_ += length;
    return push(heap_.text(std::string(from, length)));
  }

  // The stack.
  Status push(Data data) {
    stack_.push_back(data);
    return {};
  }
  Result<Data> pop() {
    if (stack_.empty() || (!marks_.empty() && marks_.back() >= stack_.size()))
      return bad("takes more values than it holds");
    Data top = stack_.back();
    stack_.pop_back();
    return top;
  }
  Result<std::vector<Data>> popMark() {
    if (marks_.empty()) return bad("takes more values than it holds");
    std::vector<Data> items(stack_.begin() + static_cast<ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  template <class F>
  Status apply(F function) { // of the two topmost values
    BURIN_ASSIGN(Data second, pop());
    BURIN_ASSIGN(Data first, pop());
    BURIN_ASSIGN(Data result, function(first, second));
    return push(result);
  }

  // Containers.
  Status makeTuple(size_t count) {
    std::vector<Data> items(count);
    for (size_t i = count; i-- > 0;) {
      BURIN_ASSIGN(items[i], pop());
    }
    return push(heap_.list(std::move(items), true));
  }
  Status tupleFromMark() {
    BURIN_ASSIGN(std::vector<Data> items, popMark());
    return push(heap_.list(std::move(items), true));
  }
  Status fill(size_t count) {
    std::vector<Data> items(count);
    for (size_t i = count; i-- > 0;) {
      BURIN_ASSIGN(items[i], pop());
    }
    return addTo(items);
  }
  Status fillFromMark() {
    BURIN_ASSIGN(std::vector<Data> items, popMark());
    return addTo(items);
  }
  Status addTo(const std::vector<Data>& items) {
    if (stack_.empty()) return bad("takes more values than it holds");
    if (List* list = pointer<List>(stack_.back())) {
      list->items.insert(list->items.end(), items.begin(), items.end());
      return {};
    }
    Dict* dict = pointer<Dict>(stack_.back());
    if (!dict || items.size() % 2) return bad("adds items to what is no list or dict");
    for (size_t i = 0; i < items.size(); i += 2) dict->entries.emplace_back(items[i], items[i + 1]);
    return {};
  }

  // Names.
  Status global() {
    BURIN_ASSIGN(std::string module, line());
    BURIN_ASSIGN(std::string name, line());
    return pushGlobal(module + "." + name);
  }
  Status stackGlobal() {
    BURIN_ASSIGN(Data name, pop());
    BURIN_ASSIGN(Data module, pop());
    if (!text(name) || !text(module)) return bad("names something without a name");
    return pushGlobal(*text(module) + "." + *text(name));
  }
  Status pushGlobal(const std::string& path) {
    BURIN_CHECK(checkAllowed(path));
    return push(heap_.symbol(path));
  }

  Status memoize(size_t bytes) {
    BURIN_ASSIGN(uint64_t index, number(bytes));
    if (stack_.empty()) return bad("remembers a value before it holds one");
    return remember(index);
  }
  Status remember(uint64_t index) {
    memo_[index] = stack_.back();
    return {};
  }
  Status recall(size_t bytes) {
    BURIN_ASSIGN(uint64_t index, number(bytes));
    auto it = memo_.find(index);
    if (it == memo_.end()) return bad("recalls a value that it never had");
    return push(it->second);
  }

  std::span<const uint8_t> bytes_;
  const std::string& folder_;
  Heap& heap_;
  size_t at_ = 0, steps_ = 0;
  std::vector<Data> stack_;
  std::vector<size_t> marks_; // stack sizes
  std::unordered_map<uint64_t, Data> memo_;
};
} // namespace

Result<Data> readPickle(std::span<const uint8_t> bytes, const std::string& storageFolder, Heap& heap) {
  return Reader(bytes, storageFolder, heap).run();
}

} // namespace burin::torch
