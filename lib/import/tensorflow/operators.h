// The table of operators: one row per operator, one array per file of rules.
#pragma once

#include "lib/import/operator_table.h"
#include "lib/import/rule_context.h"
#include "lib/import/tensorflow/graph.h"

#include <functional>

namespace burin::tensorflow {

struct OperatorRow;

// What a SpaceToBatchND was made from, for the BatchToSpaceND that undoes it.
struct SpaceToBatch {
  Value x;
  Ints sizes, pairs; // of the blocks; (begin, end) of the padding
};

// One run of this importer: what rules leave for later ones.
class GraphSession : public ImportSession {
public:
  using ImportSession::ImportSession;
  std::unordered_map<const void*, SpaceToBatch> spaceToBatch; // by the result's Value
  // Lists of tensors exist only here; in the graph a constant, the number of the list, stands for each.
  std::vector<std::vector<Value>> lists;
  int64_t unrolledNodes = 0; // run in functions, each round counted
  // Runs a function of the model; `name` makes the names of its tensors unique. A result is null where the
  // report says why.
  std::function<Result<std::vector<Value>>(const std::string& function, const std::string& name,
                                           const std::vector<Value>& arguments)>
      callFunction;
};
inline GraphSession& sessionOf(RuleContext& context) { return static_cast<GraphSession&>(context.session()); }

// A node's attributes. A wrong type is an error of the node; an absent attribute gives the fallback.
class Attributes {
public:
  Attributes(const GraphNode& node, const OperatorRow& row, RuleContext& context)
      : node_(node), row_(row), context_(context) {}

  // What rules shared by several operators tell them apart by.
  const char* variant() const;
  bool has(const char* name) const { return findAttribute(node_, name) != nullptr; }
  int64_t integer(const char* name, int64_t fallback = 0);
  bool flag(const char* name, bool fallback = false);
  float real(const char* name, float fallback = 0);
  std::string text(const char* name, const std::string& fallback = {});
  Ints ints(const char* name, const Ints& fallback = {});
  rt::DType type(const char* name, rt::DType fallback);
  std::string function(const char* name); // the name of a function of the model

private:
  const tfpb::AttrValue* find(const char* name, tfpb::AttrValue::ValueCase kind);

  const GraphNode& node_;
  const OperatorRow& row_;
  RuleContext& context_;
};

using ImportRule = void (*)(RuleContext&, Attributes&);

struct OperatorRow {
  const char* name;
  ImportRule rule;
  int minInputs; // these have to be present
  int maxInputs;
  const char* variant = "";
  const char* shownBy = "fixture"; // see SupportedOperator
  const char* outputs = "";        // their names in order, separated by spaces, where an operator has several
};

extern const OperatorTable<OperatorRow> kConvolutionOperators, kPoolingOperators, kNormalizationOperators,
    kElementwiseOperators, kActivationOperators, kLinearOperators, kReductionOperators, kShapeOperators,
    kMovementOperators, kSliceOperators, kGatherOperators, kResizeOperators, kBlockOperators,
    kQuantizationOperators, kDetectionOperators, kControlOperators;

const OperatorIndex<OperatorRow>& operators();
// Names of an operator's outputs as functions refer to them; empty where it has one (or one list).
std::vector<std::string> outputNames(const std::string& type);
// What to do about an operator without a rule; may be empty.
std::string remedyFor(const std::string& type);
// Runs the row's rule after the checks that all rules need.
void runRule(const OperatorRow& row, const GraphNode& node, RuleContext& context);

} // namespace burin::tensorflow
