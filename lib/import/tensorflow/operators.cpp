#include "lib/import/tensorflow/operators.h"

#include "lib/import/tensorflow/tensor_reader.h"

#include <fmt/format.h>
#include <sstream>

namespace burin::tensorflow {

using tfpb::AttrValue;

//===-- attributes
//---------------------------------------------------------------------------------------------===//

const char* Attributes::variant() const { return row_.variant; }

const AttrValue* Attributes::find(const char* name, AttrValue::ValueCase kind) {
  const AttrValue* value = findAttribute(node_, name);
  if (!value || value->value_case() == kind) return value;
  context_.invalid(fmt::format("attribute '{}' has the wrong type", name), "the file is damaged");
  return nullptr;
}

int64_t Attributes::integer(const char* name, int64_t fallback) {
  const AttrValue* value = find(name, AttrValue::kI);
  return value ? value->i() : fallback;
}
bool Attributes::flag(const char* name, bool fallback) {
  const AttrValue* value = find(name, AttrValue::kB);
  return value ? value->b() : fallback;
}
float Attributes::real(const char* name, float fallback) {
  const AttrValue* value = find(name, AttrValue::kF);
  return value ? value->f() : fallback;
}
std::string Attributes::text(const char* name, const std::string& fallback) {
  const AttrValue* value = find(name, AttrValue::kS);
  return value ? value->s() : fallback;
}
Ints Attributes::ints(const char* name, const Ints& fallback) {
  const AttrValue* value = find(name, AttrValue::kList);
  return value ? Ints(value->list().i().begin(), value->list().i().end()) : fallback;
}
rt::DType Attributes::type(const char* name, rt::DType fallback) {
  const AttrValue* value = find(name, AttrValue::kType);
  if (!value) return fallback;
  auto type = elementType(value->type());
  if (!type) context_.fail(type.error());
  return type.value_or(fallback);
}

std::string Attributes::function(const char* name) {
  const AttrValue* value = find(name, AttrValue::kFunc);
  return value ? value->func().name() : std::string();
}

//===-- the table
//----------------------------------------------------------------------------------------------===//

namespace {
bool isOneOf(const std::string& type, std::initializer_list<const char*> list) {
  for (const char* one : list)
    if (type == one) return true;
  return false;
}
} // namespace

const OperatorIndex<OperatorRow>& operators() {
  static const OperatorIndex<OperatorRow> index = {
      kConvolutionOperators, kPoolingOperators,      kNormalizationOperators, kElementwiseOperators,
      kActivationOperators,  kLinearOperators,       kReductionOperators,     kShapeOperators,
      kMovementOperators,    kSliceOperators,        kGatherOperators,        kResizeOperators,
      kBlockOperators,       kQuantizationOperators, kDetectionOperators,     kControlOperators};
  return index;
}

std::vector<std::string> outputNames(const std::string& type) {
  const OperatorRow* row = operators().find(type);
  std::istringstream text(row                ? row->outputs
                          : type == "Switch" ? "output_false output_true"
                          : type == "Merge"  ? "output value_index"
                                             : "");
  std::vector<std::string> names;
  for (std::string name; text >> name;) names.push_back(name);
  return names;
}

std::string remedyFor(const std::string& type) {
  if (isOneOf(type, {"Switch", "Merge", "RefSwitch", "RefMerge"}))
    return "its condition is not constant; freeze the graph for inference (is_training as a constant)";
  if (isOneOf(type, {"Enter", "Exit", "NextIteration", "LoopCond"}) || type.starts_with("TensorArray") ||
      type.starts_with("TensorList"))
    return "loops of TensorFlow 1 are not imported; unroll them (Keras: unroll=True), or export with "
           "TensorFlow 2";
  if (type == "IteratorGetNext" || type.starts_with("Decode") || type.starts_with("Queue") ||
      type.ends_with("Dataset"))
    return "it belongs to the input pipeline; name what the network reads with --inputs";
  if (isOneOf(type, {"Where", "Unique", "UniqueV2", "CombinedNonMaxSuppression"}))
    return "the size of its result depends on the data; cut the graph before it with --outputs";
  if (type.starts_with("Random") ||
      isOneOf(type, {"TruncatedNormal", "Multinomial", "StatelessRandomUniformV2"}))
    return "its result is random; export the model for inference";
  if (type.starts_with("Assign") || type.starts_with("Resource") || type.starts_with("Apply"))
    return "it belongs to training; export the model for inference";
  if (isOneOf(type, {"PartitionedCall", "StatefulPartitionedCall"}))
    return "the function that it calls is not in the file; save the model again";
  return {};
}

void runRule(const OperatorRow& row, const GraphNode& node, RuleContext& context) {
  if (context.inputCount() < row.minInputs || context.inputCount() > row.maxInputs)
    return context.invalid(fmt::format("it has {} inputs", context.inputCount()),
                           "the file is damaged; export it again");
  Attributes attributes(node, row, context);
  row.rule(context, attributes);
}

} // namespace burin::tensorflow
