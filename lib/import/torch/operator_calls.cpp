// Calls of operators: overloads, names of the results, writing in place, and what to do about unsupported
// ones.
#include "lib/import/torch/evaluator.h"
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::torch {

namespace {
constexpr size_t kMaxListResults = 256; // named results of an operator that gives a list

// "relu" of "aten::relu_".
std::string plainName(const std::string& name) {
  std::string plain = name.substr(name.find("::") + 2);
  if (plain.ends_with("_") && !plain.ends_with("__")) plain.pop_back();
  return plain;
}

// relu_ is relu, written over its first argument.
bool isInPlace(const std::string& name) { return name.ends_with("_") && !name.ends_with("__"); }

bool needsUnknown(const Operator& op, const std::vector<Data>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (op.schema.parameters[i].type.kind == ArgumentType::Kind::Any) continue;
    if (isUnknown(arguments[i])) return true;
    const List* list = pointer<List>(arguments[i]);
    if (list && std::any_of(list->items.begin(), list->items.end(), isUnknown)) return true;
  }
  return false;
}

// The first quantized tensor that an operator of floats is given, as such or in a list.
const Tensor* quantizedArgument(const std::string& name, const std::vector<Data>& arguments) {
  if (!name.starts_with("aten::") || name.find("quantize") != std::string::npos) return nullptr;
  for (const Data& argument : arguments) {
    const List* list = pointer<List>(argument);
    const Data& first = list && !list->items.empty() ? list->items[0] : argument;
    if (const Tensor* t = pointer<Tensor>(first); t && t->quantization) return t;
  }
  return nullptr;
}

// What an operator of floats makes of quantized tensors has their scale, but for functions with a range of
// their own: PyTorch spreads the 256 integers over it.
Quantization resultQuantization(RuleContext& context, const std::string& name, const Quantization& input) {
  const std::string function = plainName(name);
  const bool fromZero = function == "sigmoid" || function == "hardsigmoid";
  if (!fromZero && function != "tanh") return input;
  const rt::DType type = RuleContext::dtype(input.zeroPoint);
  const double least = type == rt::DType::U8 ? 0 : -128;
  return {context.scalar(fromZero ? 1.0 / 256 : 2.0 / 256, rt::DType::F32),
          context.scalar(fromZero ? least : least + 128, type), 0};
}

std::string typesText(const std::vector<Argument>& arguments) {
  std::string text;
  for (const Argument& a : arguments)
    text += (text.empty() ? "" : ", ") + (a.name.empty() ? a.name : a.name + "=") + kindOf(a.value);
  return text;
}

NodeFacts factsOf(const Operator& op, const std::string& name, const std::vector<Data>& arguments) {
  NodeFacts facts;
  facts.type = name;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Tensor* tensor = pointer<Tensor>(arguments[i]);
    facts.inputs.push_back(tensor ? tensor->value : Value());
    facts.inputNames.push_back(op.schema.parameters[i].name);
  }
  return facts;
}
} // namespace

namespace {
// Where a parameter needs a number and a tensor is given, TorchScript takes the number out of it without a
// word in the code.
std::vector<Argument> withNumbers(const Schema& schema, std::vector<Argument> arguments, TensorStore& store,
                                  RuleContext& context) {
  using Kind = ArgumentType::Kind;
  for (size_t i = 0; i < arguments.size(); ++i) {
    Tensor* tensor = pointer<Tensor>(arguments[i].value);
    auto parameter =
        std::find_if(schema.parameters.begin(), schema.parameters.end(), [&](const SchemaParameter& p) {
          return arguments[i].name.empty() ? &p == schema.parameters.data() + i : p.name == arguments[i].name;
        });
    if (!tensor || !tensor->isKnown() || parameter == schema.parameters.end()) continue;
    const Kind kind = parameter->type.kind;
    if (parameter->type.isList || (kind != Kind::Int && kind != Kind::Float && kind != Kind::Scalar))
      continue;
    Value value = store.read(context, *tensor);
    if (!value || !nn::isConstant(value) || RuleContext::shape(value).elements() != 1) continue;
    if (RuleContext::isFloat(value))
      arguments[i].value = constantReal(context, value);
    else
      arguments[i].value = nn::constantInts(value).front();
  }
  return arguments;
}
} // namespace

Result<Data> Evaluator::unknownResult(const Hints& hints, const std::string& operatorName,
                                      const Frame& frame) {
  Tensor* tensor = store_.heap().tensor();
  std::string own = hints.empty() || hints.front().empty() ? plainName(operatorName) : hints.front();
  BURIN_CHECK(names_.cut(*tensor, names_.reserve(qualified(frame.path, own))));
  return Data(tensor);
}

Result<Data> Evaluator::callOperator(const std::string& name, const std::vector<Argument>& arguments,
                                     const Frame& frame, const Hints& hints) {
  const std::string base = isInPlace(name) ? name.substr(0, name.size() - 1) : name;
  RuleContext context(session_, {qualified(frame.path, plainName(name)), name, {}, {}, {}});
  for (bool converts : {false, true}) {
    auto bind = [&](const Operator& op) {
      return bindArguments(op.schema,
                           converts ? withNumbers(op.schema, arguments, store_, context) : arguments,
                           store_.heap());
    };
    for (const Operator& op : overloads(name))
      if (auto bound = bind(op)) return runOperator(op, name, *bound, frame, hints);
    for (const Operator& op : overloads(base))
      if (auto bound = bind(op)) {
        BURIN_ASSIGN(Data result, runOperator(op, name, *bound, frame, hints));
        return writeInPlace((*bound)[0], result, context);
      }
  }
  const std::string where = fmt::format("{} ({})", qualified(frame.path, plainName(name)), name);
  if (overloads(name).empty() && overloads(base).empty())
    session_.report().addOperator(name, where, remedyFor(base));
  else
    session_.report().addUse({ErrorCode::Unsupported,
                              {},
                              where,
                              fmt::format("with the arguments ({}) is not supported", typesText(arguments)),
                              {}});
  return unknownResult(hints, name, frame);
}

Result<Data> Evaluator::runOperator(const Operator& op, const std::string& name,
                                    const std::vector<Data>& arguments, const Frame& frame,
                                    const Hints& hints) {
  if (needsUnknown(op, arguments)) return unknownResult(hints, name, frame);
  if (++operators_ > session_.options().maxNodes)
    return fail(ErrorCode::Unsupported, fmt::format("it runs more than {} operators", operators_ - 1),
                "export it with loops of fewer rounds");
  NodeFacts facts = factsOf(op, name, arguments);
  std::string own = hints.empty() || hints.front().empty() ? plainName(name) : hints.front();
  facts.name = names_.reserve(qualified(frame.path, own));
  facts.outputs.push_back(facts.name);
  const size_t count = op.schema.givesList ? kMaxListResults : static_cast<size_t>(op.schema.results);
  for (size_t i = 1; i < count; ++i) {
    bool hinted = i < hints.size() && !hints[i].empty();
    facts.outputs.push_back(hinted ? names_.reserve(qualified(frame.path, hints[i]))
                                   : fmt::format("{}.{}", facts.name, i));
  }
  const std::string reserved = facts.name;
  Call call(store_, session_, std::move(facts), op, arguments);
  if (const Tensor* quantized = quantizedArgument(name, arguments))
    call.inherit(resultQuantization(call, name, *quantized->quantization));
  op.row->rule(call);
  if (call.failed()) {
    if (call.error()->code != ErrorCode::Unsupported) return fail(*call.error());
    session_.report().addUse(*call.error());
    return unknownResult(hints, name, frame);
  }
  if (call.results().empty() || !call.results()[0]) names_.release(reserved);
  Data result = call.result();
  BURIN_CHECK(cutAll(result));
  return result;
}

// The target keeps its type and shape; what it was a view of changes with it.
Result<Data> Evaluator::writeInPlace(Data target, const Data& result, RuleContext& context) {
  Tensor *to = pointer<Tensor>(target), *from = pointer<Tensor>(result);
  if (!to || !from) return result;
  if (to == from) return target;
  Value value = from->value;
  if (value && to->value) value = context.cast(value, RuleContext::dtype(to->value));
  if (to->quantization.has_value() != from->quantization.has_value()) to->quantization = from->quantization;
  store_.write(context, *to, value);
  if (context.failed()) return fail(*context.error());
  return target;
}

void Evaluator::renameResults(const Data& data, const std::string& wanted, mlir::Operation* mark,
                              bool lasting) {
  if (Tensor* tensor = pointer<Tensor>(data)) return names_.rename(tensor->value, wanted, mark, lasting);
  const List* list = pointer<List>(data);
  for (size_t i = 0; list && i < std::min(list->items.size(), kMaxListResults); ++i)
    if (Tensor* tensor = pointer<Tensor>(list->items[i]))
      names_.rename(tensor->value, i ? fmt::format("{}.{}", wanted, i) : wanted, mark, lasting);
}

Status Evaluator::cutAll(const Data& data) {
  if (Tensor* tensor = pointer<Tensor>(data)) return names_.cut(*tensor);
  if (const List* list = pointer<List>(data))
    for (const Data& item : list->items)
      if (Tensor* tensor = pointer<Tensor>(item)) BURIN_CHECK(names_.cut(*tensor));
  return {};
}

} // namespace burin::torch
