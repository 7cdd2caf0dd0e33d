#include "lib/import/onnx/node_context.h"

#include "lib/import/onnx/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::onnx {

using onnxpb::AttributeProto;

namespace {
NodeFacts factsOf(const Scope& scope, const onnxpb::NodeProto& node, const std::vector<ImportValue>& inputs) {
  NodeFacts facts;
  if (!node.name().empty()) facts.name = scope.prefix + node.name();
  facts.type = node.op_type();
  for (const ImportValue& input : inputs) facts.inputs.push_back(input.isTensor() ? input.tensor : Value());
  facts.inputNames.assign(node.input().begin(), node.input().end());
  for (const std::string& output : node.output())
    facts.outputs.push_back(output.empty() ? std::string() : scope.prefix + output);
  if (facts.name.empty() && node.output_size() == 0) facts.name = scope.prefix + node.op_type();
  return facts;
}
} // namespace

NodeContext::NodeContext(GraphImporter& importer, const Scope& scope, const onnxpb::NodeProto& node,
                         std::vector<ImportValue> inputs, const OperatorRow& row, int64_t opset)
    : RuleContext(importer, factsOf(scope, node, inputs)), importer_(importer), scope_(scope), node_(node),
      inputs_(std::move(inputs)), row_(row), opset_(opset),
      structured_(static_cast<size_t>(node.output_size())) {}

//===-- attributes
//-----------------------------------------------------------------------------------------------===//

const AttributeProto* NodeContext::find(const char* name) const {
  for (const AttributeProto& attribute : node_.attribute()) {
    if (attribute.name() != name) continue;
    if (attribute.ref_attr_name().empty()) return &attribute;
    if (!scope_.attributes) return nullptr;
    auto it = scope_.attributes->find(attribute.ref_attr_name());
    return it == scope_.attributes->end() ? nullptr : it->second;
  }
  return nullptr;
}

const AttributeProto* NodeContext::find(const char* name, int32_t type) {
  const AttributeProto* attribute = find(name);
  if (!attribute) return nullptr;
  // Files of the first IR versions leave the type out.
  if (attribute->type() == type || attribute->type() == AttributeProto::UNDEFINED) return attribute;
  invalid(fmt::format("attribute '{}' has the wrong type", name), "the file is damaged or not valid ONNX");
  return nullptr;
}

int64_t NodeContext::integer(const char* name, int64_t fallback) {
  const AttributeProto* a = find(name, AttributeProto::INT);
  return a ? a->i() : fallback;
}
float NodeContext::real(const char* name, float fallback) {
  const AttributeProto* a = find(name, AttributeProto::FLOAT);
  return a ? a->f() : fallback;
}
std::string NodeContext::text(const char* name, const std::string& fallback) {
  const AttributeProto* a = find(name, AttributeProto::STRING);
  return a ? a->s() : fallback;
}
Ints NodeContext::ints(const char* name, const Ints& fallback) {
  const AttributeProto* a = find(name, AttributeProto::INTS);
  return a ? Ints(a->ints().begin(), a->ints().end()) : fallback;
}
std::vector<float> NodeContext::floats(const char* name, const std::vector<float>& fallback) {
  const AttributeProto* a = find(name, AttributeProto::FLOATS);
  return a ? std::vector<float>(a->floats().begin(), a->floats().end()) : fallback;
}
std::vector<std::string> NodeContext::texts(const char* name) {
  const AttributeProto* a = find(name, AttributeProto::STRINGS);
  return a ? std::vector<std::string>(a->strings().begin(), a->strings().end()) : std::vector<std::string>();
}
const onnxpb::GraphProto* NodeContext::graph(const char* name) {
  const AttributeProto* a = find(name, AttributeProto::GRAPH);
  if (!a || !a->has_g())
    invalid(fmt::format("attribute '{}' (a graph) is missing", name),
            "the file is damaged or not valid ONNX");
  return a && a->has_g() ? &a->g() : nullptr;
}
const onnxpb::TensorProto* NodeContext::tensor(const char* name) {
  const AttributeProto* a = find(name, AttributeProto::TENSOR);
  return a && a->has_t() ? &a->t() : nullptr;
}

std::optional<Ints> NodeContext::attributeOrInput(const char* name, int i, int64_t inputSince) {
  if (opset_ >= inputSince) return constantInts(i, name);
  if (!hasAttribute(name)) return std::nullopt;
  return ints(name);
}

//===-- outputs
//--------------------------------------------------------------------------------------------------===//

void NodeContext::adopt(const ImportValue& value) {
  if (value.isTensor()) RuleContext::adopt(value.tensor);
}

void NodeContext::set(int i, ImportValue value) {
  if (i >= outputCount() || failed()) return;
  if (value.isTensor()) RuleContext::set(i, value.tensor);
  structured_[static_cast<size_t>(i)] = std::move(value);
}

std::optional<ImportValue> NodeContext::output(int i) const {
  std::optional<ImportValue> value = structured_[static_cast<size_t>(i)];
  Value tensor = results()[static_cast<size_t>(i)];
  if (!value) return tensor ? std::optional<ImportValue>(tensor) : std::nullopt;
  if (value->isTensor()) value->tensor = tensor; // the identity that carries the output's name
  if (value->isTensor() && !tensor) return std::nullopt;
  return value;
}

} // namespace burin::onnx
