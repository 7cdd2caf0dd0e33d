#include "lib/prepare/prepare.h"

#include <set>

using namespace mlir;

namespace burin {

namespace {
class Namer {
public:
  void run(nn::GraphOp graph) {
    Block& block = graph.getBody().front();
    for (auto input : block.getOps<nn::InputOp>()) taken_.insert(input.getName().str());
    nameOutputs(block.getTerminator());
    for (bool madeUp : {false, true}) // made-up names must not take a source name of a later op
      for (Operation& op : block)
        if (!isa<nn::InputOp, nn::ConstantOp, nn::NoneOp, nn::OutputOp>(op)) nameResults(&op, madeUp);
  }

private:
  static void setName(OpResult value, const std::string& name) {
    std::vector<std::string> names;
    for (OpResult r : value.getOwner()->getResults()) names.push_back(r == value ? name : nn::valueName(r));
    nn::setNames(value.getOwner(), names);
  }

  // A result carries the name of the first output it is; the others are copies that lowering makes.
  void nameOutputs(Operation* output) {
    auto names = output->getAttrOfType<ArrayAttr>("names");
    for (auto [i, value] : llvm::enumerate(output->getOperands())) {
      auto name = names && i < names.size() ? dyn_cast<StringAttr>(names[i]) : StringAttr();
      auto result = cast<OpResult>(value);
      if (!name || name.empty() || isa<nn::InputOp, nn::ConstantOp>(result.getOwner())) continue;
      bool fresh = taken_.insert(name.str()).second;
      if (!fresh || !done_.insert(value).second) continue;
      setName(result, name.str());
    }
  }

  void nameResults(Operation* op, bool madeUp) {
    for (OpResult result : op->getResults()) {
      if (done_.contains(result)) continue;
      std::string name = nn::valueName(result);
      if (madeUp)
        setName(result, unique(name.empty() ? madeUpName(result) : name));
      else if (!name.empty() && taken_.insert(name).second)
        done_.insert(result);
    }
  }

  // "<first named reader, else operand>/<function or op>"
  static std::string madeUpName(OpResult result) {
    Operation* op = result.getOwner();
    std::string base;
    Operation* first = nullptr;
    for (Operation* user : result.getUsers())
      if (user->getNumResults() > 0 && !nn::valueName(user->getResult(0)).empty() &&
          (!first || user->isBeforeInBlock(first)))
        first = user;
    if (first) base = nn::valueName(first->getResult(0));
    for (Value operand : op->getOperands())
      if (base.empty() && !nn::isConstant(operand)) base = nn::valueName(operand);
    auto fn = op->getAttrOfType<StringAttr>("fn");
    std::string kind = fn ? fn.getValue().str() : op->getName().stripDialect().str();
    return base.empty() ? kind : base + "/" + kind;
  }

  std::string unique(const std::string& name) {
    if (taken_.insert(name).second) return name;
    for (int& n = lastSuffix_.try_emplace(name, 1).first->second;;)
      if (std::string candidate = name + "_" + std::to_string(++n); taken_.insert(candidate).second)
        return candidate;
  }

  std::set<std::string> taken_;
  std::map<std::string, int> lastSuffix_;
  llvm::DenseSet<Value> done_;
};
} // namespace

void nameValues(nn::GraphOp graph) { Namer().run(graph); }

} // namespace burin
