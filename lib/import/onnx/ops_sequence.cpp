// Sequences and optionals: they exist while importing only, as lists of values.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
using Kind = ImportValue::Kind;
constexpr int64_t kMaxItems = 65536;

bool isSequence(NodeContext& c, int i) {
  if (i < c.inputCount() && c.input(i).kind == Kind::Sequence) return true;
  c.invalid(fmt::format("its input {} is not a sequence", i));
  return false;
}

// A position in a sequence, negative ones from the end. `extra` allows one past the last item.
std::optional<size_t> position(NodeContext& c, int input, size_t size, bool extra) {
  auto given = c.constantInt(input, "position");
  if (!given) return std::nullopt;
  int64_t count = static_cast<int64_t>(size), at = *given < 0 ? *given + count : *given;
  if (at >= 0 && at < count + extra) return static_cast<size_t>(at);
  c.invalid(fmt::format("position {} is outside a sequence of {}", *given, count));
  return std::nullopt;
}

void importSequenceConstruct(NodeContext& c) {
  std::vector<ImportValue> items;
  for (int i = 0; i < c.inputCount(); ++i) items.push_back(c.input(i));
  c.set(0, ImportValue::sequence(std::move(items)));
}

void importSequenceEmpty(NodeContext& c) { c.set(0, ImportValue::sequence({})); }

void importSequenceAt(NodeContext& c) {
  if (!isSequence(c, 0)) return;
  if (auto at = position(c, 1, c.input(0).items.size(), false)) c.set(0, c.input(0).items[*at]);
}

void importSequenceInsert(NodeContext& c) {
  if (!isSequence(c, 0)) return;
  std::vector<ImportValue> items = c.input(0).items;
  if (static_cast<int64_t>(items.size()) >= kMaxItems) return c.unsupported("the sequence is too long");
  size_t at = items.size();
  if (c.has(2)) {
    auto given = position(c, 2, items.size(), true);
    if (!given) return;
    at = *given;
  }
  items.insert(items.begin() + static_cast<long>(at), c.input(1));
  c.set(0, ImportValue::sequence(std::move(items)));
}

void importSequenceErase(NodeContext& c) {
  if (!isSequence(c, 0)) return;
  std::vector<ImportValue> items = c.input(0).items;
  if (items.empty()) return c.invalid("its sequence is empty");
  size_t at = items.size() - 1;
  if (c.has(1)) {
    auto given = position(c, 1, items.size(), false);
    if (!given) return;
    at = *given;
  }
  items.erase(items.begin() + static_cast<long>(at));
  c.set(0, ImportValue::sequence(std::move(items)));
}

void importSequenceLength(NodeContext& c) {
  if (isSequence(c, 0))
    c.set(0, c.importer().builder().constantInt(static_cast<int64_t>(c.input(0).items.size())));
}

void importConcatFromSequence(NodeContext& c) {
  if (!isSequence(c, 0)) return;
  std::vector<Value> parts;
  for (const ImportValue& item : c.input(0).items)
    if (item.isTensor()) parts.push_back(item.tensor);
  if (parts.empty()) return c.invalid("its sequence is empty");
  bool stacks = c.flag("new_axis");
  int64_t axis = c.axis(c.integer("axis"), NodeContext::rank(parts[0]) + stacks);
  if (stacks)
    for (Value& part : parts) part = c.unsqueeze(part, axis);
  c.set(0, parts.size() == 1 ? parts[0] : c.concat(parts, axis));
}

// Parts of one, of `split` each, or of the sizes in `split`.
std::optional<Ints> splitSizes(NodeContext& c, int64_t size) {
  Ints sizes;
  if (c.has(1)) {
    auto given = c.constantInts(1, "split");
    if (!given) return std::nullopt;
    if (NodeContext::rank(c.in(1)) == 1) return given;
    if (given->empty() || (*given)[0] < 1 || size / (*given)[0] > kMaxItems) {
      c.invalid("its split is out of range");
      return std::nullopt;
    }
    for (int64_t at = 0; at < size; at += (*given)[0]) sizes.push_back(std::min((*given)[0], size - at));
    return sizes;
  }
  if (size <= kMaxItems) return Ints(static_cast<size_t>(size), 1);
  c.unsupported(fmt::format("it makes {} parts", size));
  return std::nullopt;
}

void importSplitToSequence(NodeContext& c) {
  if (!c.has(0)) return c.invalid("its input 0 is not a tensor");
  int64_t axis = c.axis(c.integer("axis"), NodeContext::rank(c.in(0)));
  if (c.failed()) return;
  int64_t size = NodeContext::shape(c.in(0))[static_cast<int>(axis)], start = 0;
  auto sizes = splitSizes(c, size);
  if (!sizes) return;
  bool squeezes = !c.has(1) && !c.flag("keepdims", true);
  std::vector<ImportValue> items;
  for (int64_t part : *sizes) {
    if (part < 0 || part > size - start) return c.invalid("its parts do not fit into its input");
    Value item = c.slice(c.in(0), axis, start, part);
    items.emplace_back(squeezes ? c.squeeze(item, axis) : item);
    start += part;
  }
  if (!c.failed()) c.set(0, ImportValue::sequence(std::move(items)));
}

// The body runs once per item of the first sequence; further sequences are walked in step, tensors are passed
// whole.
void importSequenceMap(NodeContext& c) {
  const onnxpb::GraphProto* body = c.graph("body");
  if (!body || !isSequence(c, 0)) return;
  std::vector<std::vector<ImportValue>> results(static_cast<size_t>(c.outputCount()));
  for (size_t i = 0; i < c.input(0).items.size(); ++i) {
    std::vector<ImportValue> inputs;
    for (int k = 0; k < c.inputCount(); ++k) {
      const ImportValue& input = c.input(k);
      if (input.kind == Kind::Sequence && i >= input.items.size())
        return c.invalid("its sequences differ in length");
      inputs.push_back(input.kind == Kind::Sequence ? input.items[i] : input);
    }
    auto outputs = c.importer().runBody(*body, c.scope(), fmt::format("{}/{}/", c.name(), i), inputs);
    if (!outputs) return c.forward(outputs.error());
    if (outputs->size() < results.size()) return c.invalid("its body has too few outputs");
    for (size_t k = 0; k < results.size(); ++k) results[k].push_back((*outputs)[k]);
  }
  for (size_t k = 0; k < results.size(); ++k)
    c.set(static_cast<int>(k), ImportValue::sequence(std::move(results[k])));
}

void importOptional(NodeContext& c) {
  bool given = c.inputCount() && c.input(0).kind != Kind::Absent;
  c.set(0, given ? c.input(0) : ImportValue::empty());
}

void importOptionalGetElement(NodeContext& c) {
  if (c.input(0).kind == Kind::Empty || c.input(0).kind == Kind::Absent)
    return c.invalid("its optional is empty");
  c.set(0, c.input(0));
}

void importOptionalHasElement(NodeContext& c) {
  bool given = c.inputCount() && c.input(0).kind != Kind::Absent && c.input(0).kind != Kind::Empty;
  c.set(0, c.scalar(given, rt::DType::Bool));
}

const OperatorRow kRows[] = {
    {"SequenceConstruct", importSequenceConstruct, 1, kAny, 1, "", true},
    {"SequenceEmpty", importSequenceEmpty, 0, 0, 1, "", true},
    {"SequenceAt", importSequenceAt, 2, 2, 1, "", true},
    {"SequenceInsert", importSequenceInsert, 2, 3, 1, "", true},
    {"SequenceErase", importSequenceErase, 1, 2, 1, "", true},
    {"SequenceLength", importSequenceLength, 1, 1, 1, "", true},
    {"SequenceMap", importSequenceMap, 1, kAny, 1, "", true},
    {"ConcatFromSequence", importConcatFromSequence, 1, 1, 1, "", true},
    {"SplitToSequence", importSplitToSequence, 1, 2, 1, "", true},
    {"Optional", importOptional, 0, 1, 1, "", true},
    {"OptionalGetElement", importOptionalGetElement, 1, 1, 1, "", true},
    {"OptionalHasElement", importOptionalHasElement, 0, 1, 1, "", true},
};
} // namespace

const OperatorTable<OperatorRow> kSequenceOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
