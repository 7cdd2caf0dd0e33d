#include "runtime/core/op.h"

#include <map>

namespace burin::rt {

// One table per file of runtime/ops.
extern const OpTable kConvOps, kMatMulOps, kPoolOps, kElementwiseOps, kReduceOps, kNormalizeOps, kMovementOps,
    kGatherOps, kResizeOps, kDetectionOps, kRecurrentOps, kRecurrentIntegerOps, kSvdfOps, kQuantizeOps,
    kQElementwiseOps, kQPoolOps, kQTfliteOps;

namespace {
const OpTable* const kTables[] = {
    &kConvOps,     &kMatMulOps,   &kPoolOps,         &kElementwiseOps, &kReduceOps,    &kNormalizeOps,
    &kMovementOps, &kGatherOps,   &kResizeOps,       &kDetectionOps,   &kRecurrentOps, &kRecurrentIntegerOps,
    &kSvdfOps,     &kQuantizeOps, &kQElementwiseOps, &kQPoolOps,       &kQTfliteOps};

class FunctionKernel final : public Kernel {
public:
  FunctionKernel(const Node& node, NodeFunction function, const char* name)
      : node_(node), function_(function), name_(name) {}
  void run(Context& context) override { function_(node_, context); }
  const char* name() const override { return name_; }

private:
  const Node& node_;
  NodeFunction function_;
  const char* name_;
};
} // namespace

const std::vector<const OpDef*>& allOps() {
  static const std::vector<const OpDef*> all = [] {
    std::vector<const OpDef*> list;
    for (const OpTable* table : kTables)
      for (size_t i = 0; i < table->count; ++i) list.push_back(&table->ops[i]);
    return list;
  }();
  return all;
}

const OpDef* findOp(const std::string& type) {
  static const std::map<std::string, const OpDef*> index = [] {
    std::map<std::string, const OpDef*> m;
    for (const OpDef* op : allOps()) m[op->type] = op;
    return m;
  }();
  auto it = index.find(type);
  return it == index.end() ? nullptr : it->second;
}

bool inferTypes(const std::string& type, const Signature& signature, std::vector<TensorType>& results,
                std::string& error) {
  const OpDef* op = findOp(type);
  if (!op) {
    error = "unknown op type '" + type + "'";
    return false;
  }
  return op->infer(signature, results, error);
}

std::unique_ptr<Kernel> makeFunctionKernel(const Node& node, NodeFunction function, const char* name) {
  return std::make_unique<FunctionKernel>(node, function, name);
}

} // namespace burin::rt
