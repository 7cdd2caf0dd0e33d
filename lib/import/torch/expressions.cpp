// Expressions, and calls of what the archive defines.
#include "lib/import/torch/evaluator.h"
#include "lib/import/torch/pickle_builders.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace burin::torch {

namespace {
using Kind = Expression::Kind;
} // namespace

Result<Data> Evaluator::evaluate(const Expression& e, Frame& frame, const Hints& hints) {
  Depth depth(*this);
  if (depth_ > kMaxDepth)
    return fail(error(e, frame, ErrorCode::Unsupported, "its code is nested too deeply, or calls itself"));
  switch (e.kind) {
  case Kind::None:
    return Data();
  case Kind::True:
    return Data(true);
  case Kind::False:
    return Data(false);
  case Kind::Integer:
    return Data(e.integer);
  case Kind::Real:
    return Data(e.real);
  case Kind::Text:
    return Data(store_.heap().text(e.text));
  case Kind::Name:
    return name(e, frame);
  case Kind::Attribute:
    return attribute(e, frame);
  case Kind::Subscript:
  case Kind::Slice:
    return subscript(e, frame, hints);
  case Kind::Call:
    return call(e, frame, hints);
  case Kind::Minus:
    return minus(e, frame);
  case Kind::List:
  case Kind::Tuple: {
    BURIN_ASSIGN(std::vector<Data> items, evaluateAll(e, 0, frame));
    return Data(store_.heap().list(std::move(items), e.kind == Kind::Tuple));
  }
  case Kind::Dict: {
    BURIN_ASSIGN(std::vector<Data> items, evaluateAll(e, 0, frame));
    Dict* dict = store_.heap().dict();
    for (size_t i = 0; i + 1 < items.size(); i += 2) dict->entries.emplace_back(items[i], items[i + 1]);
    return Data(dict);
  }
  }
  return Data();
}

Result<std::vector<Data>> Evaluator::evaluateAll(const Expression& e, size_t from, Frame& frame) {
  std::vector<Data> items;
  for (size_t i = from; i < e.children.size(); ++i) {
    BURIN_ASSIGN(Data item, evaluate(*e.children[i], frame));
    items.push_back(item);
  }
  if (!store_.takeItems(items.size() + 1))
    return fail(error(e, frame, ErrorCode::Unsupported, "its code makes too many values"));
  return items;
}

Result<Data> Evaluator::name(const Expression& e, Frame& frame) {
  if (auto it = frame.variables.find(e.text); it != frame.variables.end()) return it->second;
  if (e.text == "inf") return Data(std::numeric_limits<double>::infinity());
  if (e.text == "nan") return Data(std::numeric_limits<double>::quiet_NaN());
  return fail(error(e, frame, ErrorCode::Input, fmt::format("the variable '{}' has no value", e.text)));
}

std::optional<std::string> Evaluator::pathOf(const Expression& e, const Frame& frame) const {
  if (e.kind == Kind::Name)
    return frame.variables.contains(e.text) ? std::nullopt : std::optional<std::string>(e.text);
  if (e.kind != Kind::Attribute) return std::nullopt;
  auto path = pathOf(*e.children[0], frame);
  return path ? std::optional(*path + "." + e.text) : std::nullopt;
}

// CONSTANTS.c3, an attribute, or the name of a function.
Result<Data> Evaluator::attribute(const Expression& e, Frame& frame) {
  auto path = pathOf(e, frame);
  if (path && path->starts_with("CONSTANTS.c")) {
    const List* list = pointer<List>(constants_);
    size_t index = std::strtoul(path->c_str() + std::strlen("CONSTANTS.c"), nullptr, 10);
    if (list && index < list->items.size()) return list->items[index];
    return fail(error(e, frame, ErrorCode::Input, fmt::format("the constant {} is missing", *path),
                      "the file is damaged; save it again"));
  }
  if (path) return Data(store_.heap().symbol(*path));
  BURIN_ASSIGN(Data owner, evaluate(*e.children[0], frame));
  auto value = attributeOf(owner, e.text);
  if (!value) return fail(error(e, frame, value.error().code, value.error().message, value.error().remedy));
  return value;
}

Result<Data> Evaluator::attributeOf(const Data& data, const std::string& name) {
  if (Object* object = pointer<Object>(data)) {
    if (auto it = object->attributes.find(name); it != object->attributes.end()) return it->second;
    BURIN_ASSIGN(const ClassDefinition* type, library_.type(object->type));
    for (size_t i = 0; type && i < type->constants.size(); ++i) {
      if (type->constants[i].first != name) continue;
      Frame empty;
      BURIN_ASSIGN(Data value, evaluate(*type->constants[i].second, empty));
      return object->attributes[name] = value;
    }
    return fail(ErrorCode::Input, fmt::format("{} has no attribute '{}'", object->type, name),
                "the file is damaged; save it again");
  }
  if (List* list = pointer<List>(data); list && list->fields) {
    auto it = std::find(list->fields->begin(), list->fields->end(), name);
    size_t index = static_cast<size_t>(it - list->fields->begin());
    if (index < list->items.size()) return list->items[index];
  }
  return fail(ErrorCode::Unsupported,
              fmt::format("the attribute '{}' of {} is not supported", name, kindOf(data)));
}

// Of lists, tuples, dicts and strings; those of tensors are calls in TorchScript.
Result<Data> Evaluator::subscript(const Expression& e, Frame& frame, const Hints& hints) {
  BURIN_ASSIGN(Data of, evaluate(*e.children[0], frame));
  BURIN_ASSIGN(std::vector<Data> index, evaluateAll(e, 1, frame));
  std::vector<Argument> arguments = {{{}, of}};
  for (const Data& i : index) arguments.push_back({{}, i});
  return callOperator(e.kind == Kind::Slice ? "aten::slice" : "aten::__getitem__", arguments, frame, hints);
}

Result<Data> Evaluator::minus(const Expression& e, Frame& frame) {
  BURIN_ASSIGN(Data value, evaluate(*e.children[0], frame));
  // Unsigned: the smallest integer has no counterpart.
  if (const int64_t* i = as<int64_t>(value)) return Data(static_cast<int64_t>(0 - static_cast<uint64_t>(*i)));
  if (const double* d = as<double>(value)) return Data(-*d);
  return fail(error(e, frame, ErrorCode::Input, "minus stands before " + kindOf(value)));
}

//===-- calls
//----------------------------------------------------------------------------------------------------===//

Result<std::vector<Argument>> Evaluator::argumentsOf(const Expression& e, Frame& frame) {
  BURIN_ASSIGN(std::vector<Data> values, evaluateAll(e, 1, frame));
  std::vector<Argument> arguments;
  size_t positional = values.size() - e.keywords.size();
  for (size_t i = 0; i < values.size(); ++i)
    arguments.push_back({i < positional ? std::string() : e.keywords[i - positional], values[i]});
  return arguments;
}

Result<Data> Evaluator::call(const Expression& e, Frame& frame, const Hints& hints) {
  BURIN_CHECK(countStep());
  const Expression& callee = *e.children[0];
  if (auto path = pathOf(callee, frame)) return callPath(*path, e, frame, hints);
  if (callee.kind != Kind::Attribute) { // a variable that holds a function
    BURIN_ASSIGN(Data function, evaluate(callee, frame));
    if (const Symbol* symbol = as<Symbol>(function)) return callPath(*symbol->path, e, frame, hints);
    return fail(error(e, frame, ErrorCode::Input, kindOf(function) + " is called"));
  }
  BURIN_ASSIGN(Data owner, evaluate(*callee.children[0], frame));
  Object* object = pointer<Object>(owner);
  if (!object)
    return fail(error(e, frame, ErrorCode::Unsupported,
                      fmt::format("the method '{}' of {} is not supported", callee.text, kindOf(owner))));
  BURIN_ASSIGN(const ClassDefinition* type, library_.type(object->type));
  const FunctionDefinition* method = type ? findMethod(*type, callee.text) : nullptr;
  if (!method)
    return fail(error(e, frame, ErrorCode::Input,
                      fmt::format("{} has no method '{}'", object->type, callee.text),
                      "the file is damaged; save it again"));
  BURIN_ASSIGN(std::vector<Argument> arguments, argumentsOf(e, frame));
  return callMethod(*object, *method, arguments);
}

Result<Data> Evaluator::callMethod(Object& self, const FunctionDefinition& method,
                                   const std::vector<Argument>& arguments) {
  std::vector<Argument> all = {{{}, &self}};
  all.insert(all.end(), arguments.begin(), arguments.end());
  mlir::Operation* mark = session_.builder().lastOp();
  BURIN_ASSIGN(Data result, callFunction(method, all, self.path));
  if (method.name.starts_with("forward")) renameResults(result, self.path, mark, true);
  BURIN_CHECK(cutAll(result));
  return result;
}

Result<Data> Evaluator::callPath(const std::string& path, const Expression& e, Frame& frame,
                                 const Hints& hints) {
  BURIN_ASSIGN(std::optional<Data> special, callSpecial(path, e, frame));
  if (special) return *special;
  BURIN_ASSIGN(std::vector<Argument> arguments, argumentsOf(e, frame));
  if (path.starts_with("__torch__.")) return callDefined(path, std::move(arguments), frame, hints);
  if (path.starts_with("torch.")) return callOperator("aten::" + path.substr(6), arguments, frame, hints);
  if (path.starts_with("ops.")) {
    std::string name = path.substr(4);
    if (size_t dot = name.find('.'); dot != std::string::npos) name.replace(dot, 1, "::");
    return callOperator(name, arguments, frame, hints);
  }
  return callOperator("aten::" + path, arguments, frame, hints); // int(x), len(x)
}

// What takes types, or names instead of values.
Result<std::optional<Data>> Evaluator::callSpecial(const std::string& path, const Expression& e,
                                                   Frame& frame) {
  if ((path == "annotate" || path == "unchecked_cast") && e.children.size() == 3) {
    BURIN_ASSIGN(Data value, evaluate(*e.children[2], frame));
    return value;
  }
  if (path == "uninitialized") return Data();
  if (path == "getattr" && e.children.size() == 3) {
    BURIN_ASSIGN(Data owner, evaluate(*e.children[1], frame));
    return attributeOf(owner, e.children[2]->text).map([](Data d) { return std::optional(d); });
  }
  if (path == "range" && e.children.size() == 2) {
    BURIN_ASSIGN(Data count, evaluate(*e.children[1], frame));
    return count;
  }
  if (path == "ops.prim.RaiseException") {
    BURIN_ASSIGN(std::vector<Data> values, evaluateAll(e, 1, frame));
    std::string message = values.empty() ? std::string() : textOf(values[0]);
    return fail(error(e, frame, ErrorCode::Input,
                      "its code raises an error" + (message.empty() ? message : ": " + message),
                      "check --input-shapes"));
  }
  return std::nullopt;
}

// A function, or a class: a named tuple, or T.__new__(T), which __init__ follows.
Result<Data> Evaluator::callDefined(const std::string& path, std::vector<Argument> arguments, Frame& frame,
                                    const Hints& hints) {
  if (path.ends_with(".__new__")) return Data(store_.heap().object(path.substr(0, path.size() - 8)));
  BURIN_ASSIGN(const FunctionDefinition* function, library_.function(path));
  if (function) {
    mlir::Operation* mark = session_.builder().lastOp();
    BURIN_ASSIGN(Data result, callFunction(*function, arguments, frame.path));
    std::string wanted = hints.empty() ? std::string() : hints.front();
    if (!wanted.empty()) renameResults(result, qualified(frame.path, wanted), mark, false);
    BURIN_CHECK(cutAll(result));
    return result;
  }
  BURIN_ASSIGN(const ClassDefinition* type, library_.type(path));
  if (!type || type->base != "NamedTuple")
    return fail(ErrorCode::Input, fmt::format("its code calls '{}', which the archive does not define", path),
                "the file is damaged; save it again");
  List* tuple = store_.heap().list({}, true);
  tuple->fields = &type->fields;
  for (const Argument& argument : arguments) tuple->items.push_back(argument.value);
  return Data(tuple);
}

Result<Data> Evaluator::callFunction(const FunctionDefinition& function,
                                     const std::vector<Argument>& arguments, const std::string& path) {
  Depth depth(*this);
  Frame frame;
  frame.path = path;
  auto bad = [&](const std::string& what) {
    return fail(Error{
        ErrorCode::Input, {}, qualified(path, function.name), what, "the file is damaged; save it again"});
  };
  size_t next = 0;
  for (const Argument& argument : arguments) {
    if (argument.name.empty() && next >= function.parameters.size())
      return bad("is called with too many arguments");
    frame.variables[argument.name.empty() ? function.parameters[next++].name : argument.name] =
        argument.value;
  }
  for (const Parameter& parameter : function.parameters) {
    if (frame.variables.contains(parameter.name)) continue;
    if (!parameter.fallback) return bad(fmt::format("is called without its argument '{}'", parameter.name));
    BURIN_ASSIGN(frame.variables[parameter.name], evaluate(*parameter.fallback, frame));
  }
  BURIN_ASSIGN(std::optional<Data> returned, run(function.body, frame));
  return returned.value_or(Data());
}

namespace {
void nameStored(const Data& data, const std::string& name) {
  if (Tensor* tensor = pointer<Tensor>(data); tensor && tensor->stored && tensor->stored->name.empty())
    tensor->stored->name = name;
}

// Quantized modules pack their parameters into a tuple: the weight is a quantized tensor, the bias a plain
// one.
void nameState(const Object& object) {
  const List* list = object.state ? pointer<List>(*object.state) : nullptr;
  for (size_t i = 0; list && i < list->items.size(); ++i) {
    nameStored(list->items[i], qualified(object.path, "bias"));
    if (Object* weight = pointer<Object>(list->items[i]); weight && weight->type == kQuantizedTensor)
      nameStored(weight->attributes["integers"], qualified(object.path, "weight"));
  }
}
} // namespace

Status Evaluator::prepare(Object& root) {
  std::vector<Object*> pending = {&root};
  std::set<Object*> seen = {&root};
  while (!pending.empty()) {
    Object* object = pending.back();
    pending.pop_back();
    BURIN_ASSIGN(const ClassDefinition* type, library_.type(object->type));
    nameState(*object);
    const FunctionDefinition* unpack = type ? findMethod(*type, "__setstate__") : nullptr;
    if (unpack && object->state) {
      object->attributes.clear();
      BURIN_CHECK(callMethod(*object, *unpack, {{{}, *object->state}}));
    }
    for (auto& [name, value] : object->attributes) {
      std::string path = qualified(object->path, name);
      nameStored(value, path);
      Object* child = pointer<Object>(value);
      if (!child || !seen.insert(child).second) continue;
      child->path = path;
      pending.push_back(child);
    }
  }
  return {};
}

} // namespace burin::torch
