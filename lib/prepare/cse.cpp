// Equal ops become one. Source names and node names do not make ops different, which MLIR's own pass would
// say.
#include "lib/prepare/rewrite.h"

#include <map>
#include <set>

using namespace mlir;

namespace burin::rewrites {

namespace {
// Constants up to this size are compared by value; weights are not looked at.
constexpr size_t kMaxConstantBytes = 64;

DictionaryAttr meaningOf(Operation* op) {
  NamedAttrList list;
  for (NamedAttribute a : op->getAttrs())
    if (a.getName() != "names" && a.getName() != "node") list.push_back(a);
  return list.getDictionary(op->getContext());
}

// Attributes and types are unique in the context and operands have been merged before: pointers say it all.
// The map's order is that of pointers, so nothing may iterate over it.
using Key = std::vector<const void*>;
Key keyOf(Operation* op) {
  Key key = {op->getName().getAsOpaquePointer(), meaningOf(op).getAsOpaquePointer()};
  for (Value v : op->getOperands()) key.push_back(v.getAsOpaquePointer());
  for (Type t : op->getResultTypes()) key.push_back(t.getAsOpaquePointer());
  return key;
}

class Merger {
public:
  bool run(nn::GraphOp graph) {
    bool changed = false;
    for (Operation& op : llvm::make_early_inc_range(graph.getBody().front())) {
      Operation* first = firstEqual(&op);
      if (!first || first == &op) continue;
      inheritNames(first, &op);
      op.replaceAllUsesWith(first);
      op.erase();
      changed = true;
    }
    return changed;
  }

private:
  Operation* firstEqual(Operation* op) {
    if (isa<nn::InputOp, nn::OutputOp>(op)) return nullptr;
    if (!isa<nn::ConstantOp>(op)) return ops_.try_emplace(keyOf(op), op).first->second;
    ArrayRef<char> bytes = nn::constantBytes(op->getResult(0));
    if (bytes.empty() || bytes.size() > kMaxConstantBytes) return nullptr;
    auto key =
        std::pair(op->getResult(0).getType().getAsOpaquePointer(), std::string(bytes.begin(), bytes.end()));
    return constants_.try_emplace(key, op).first->second;
  }

  static void inheritNames(Operation* first, Operation* second) {
    std::vector<std::string> names;
    for (auto [a, b] : llvm::zip(first->getResults(), second->getResults()))
      names.push_back(nn::valueName(a).empty() ? nn::valueName(b) : nn::valueName(a));
    if (llvm::any_of(names, [](const std::string& n) { return !n.empty(); })) nn::setNames(first, names);
  }

  std::map<Key, Operation*> ops_;
  std::map<std::pair<const void*, std::string>, Operation*> constants_;
};
} // namespace

bool mergeEqualOps(nn::GraphOp graph) { return Merger().run(graph); }

bool removeDeadOps(nn::GraphOp graph) {
  bool changed = false;
  for (Operation& op : llvm::make_early_inc_range(llvm::reverse(graph.getBody().front())))
    if (!isa<nn::InputOp, nn::OutputOp>(op) && op.use_empty()) {
      op.erase();
      changed = true;
    }
  return changed;
}

} // namespace burin::rewrites
