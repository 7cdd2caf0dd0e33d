// Statements.
#include "lib/import/torch/evaluator.h"

#include <fmt/format.h>

namespace burin::torch {

namespace {
constexpr int64_t kStepsPerNode = 64; // statements for every node that may be made

// "_12": TorchScript's own variables say nothing.
bool isGenerated(const std::string& name) {
  return name.size() > 1 && name[0] == '_' && name.find_first_not_of("0123456789", 1) == std::string::npos;
}
} // namespace

Error Evaluator::error(const Expression& e, const Frame& frame, ErrorCode code, const std::string& message,
                       const std::string& remedy) const {
  return Error{code,
               {},
               fmt::format("{} (line {} of its code)", frame.path.empty() ? "forward" : frame.path, e.line),
               message,
               remedy};
}

Status Evaluator::countStep() {
  if (++steps_ <= session_.options().maxNodes * kStepsPerNode) return {};
  return fail(ErrorCode::Unsupported, fmt::format("its code runs for more than {} steps", steps_ - 1),
              "export it with loops of fewer rounds");
}

Result<std::optional<Data>> Evaluator::run(const Block& block, Frame& frame) {
  Depth depth(*this); // expressions look at it
  for (const auto& statement : block) {
    BURIN_CHECK(countStep());
    BURIN_ASSIGN(std::optional<Data> returned, run(*statement, frame));
    if (returned || stopped_) return returned;
  }
  return std::nullopt;
}

Result<std::optional<Data>> Evaluator::run(const Statement& s, Frame& frame) {
  switch (s.kind) {
  case Statement::Kind::Pass:
    return std::nullopt;
  case Statement::Kind::If:
    return runIf(s, frame);
  case Statement::Kind::While:
    return runWhile(s, frame);
  case Statement::Kind::For:
    return runFor(s, frame);
  case Statement::Kind::Return: {
    if (!s.value) return Data();
    BURIN_ASSIGN(Data value, evaluate(*s.value, frame));
    return value;
  }
  case Statement::Kind::Expression: {
    auto value = evaluate(*s.value, frame);
    if (!value) return tl::unexpected(value.error());
    break;
  }
  case Statement::Kind::Assign:
    BURIN_CHECK(assign(s, frame));
    break;
  }
  stopped_ = stopped_ || names_.hasAllOutputs();
  return std::nullopt;
}

Result<bool> Evaluator::condition(const Expression& e, Frame& frame) {
  BURIN_ASSIGN(Data value, evaluate(e, frame));
  if (auto i = integerOf(value)) return *i != 0;
  if (isUnknown(value))
    return fail(
        error(e, frame, ErrorCode::Unsupported, "its code branches on a result that could not be made"));
  return fail(error(e, frame, ErrorCode::Unsupported,
                    fmt::format("its code branches on {}, which is known only at run time", kindOf(value)),
                    "export the model with torch.jit.trace"));
}

Result<std::optional<Data>> Evaluator::runIf(const Statement& s, Frame& frame) {
  BURIN_ASSIGN(bool holds, condition(*s.value, frame));
  return run(holds ? s.body : s.otherwise, frame);
}

Result<std::optional<Data>> Evaluator::runWhile(const Statement& s, Frame& frame) {
  for (int64_t rounds = 0;; ++rounds) {
    BURIN_ASSIGN(bool holds, condition(*s.value, frame));
    if (!holds) return std::nullopt;
    if (rounds >= session_.options().maxLoopIterations)
      return fail(error(*s.value, frame, ErrorCode::Unsupported,
                        fmt::format("a loop has more than {} rounds", session_.options().maxLoopIterations)));
    BURIN_ASSIGN(std::optional<Data> returned, run(s.body, frame));
    if (returned || stopped_) return returned;
  }
}

Result<std::optional<Data>> Evaluator::runFor(const Statement& s, Frame& frame) {
  BURIN_ASSIGN(Data over, evaluate(*s.value, frame));
  const List* list = pointer<List>(over);
  const int64_t* count = as<int64_t>(over); // of range(count)
  if (!list && !count)
    return fail(error(*s.value, frame, ErrorCode::Unsupported, "a loop runs over " + kindOf(over)));
  int64_t rounds = count ? std::max<int64_t>(*count, 0) : static_cast<int64_t>(list->items.size());
  if (rounds > session_.options().maxLoopIterations)
    return fail(error(*s.value, frame, ErrorCode::Unsupported,
                      fmt::format("a loop has {} rounds, at most {} are unrolled", rounds,
                                  session_.options().maxLoopIterations)));
  for (int64_t i = 0; i < rounds; ++i) {
    if (list && static_cast<size_t>(i) >= list->items.size()) break; // the body took some away
    BURIN_CHECK(assignTo(*s.targets[0], list ? list->items[static_cast<size_t>(i)] : Data(i), frame));
    BURIN_ASSIGN(std::optional<Data> returned, run(s.body, frame));
    if (returned || stopped_) return returned;
  }
  return std::nullopt;
}

Status Evaluator::assign(const Statement& s, Frame& frame) {
  if (!s.value) return {};
  Hints hints;
  for (const ExpressionPtr& target : s.targets) {
    bool isVariable = target->kind == Expression::Kind::Name && !isGenerated(target->text);
    hints.push_back(isVariable ? target->text : std::string());
  }
  BURIN_ASSIGN(Data value, evaluate(*s.value, frame, hints));
  if (!s.unpacks) return assignTo(*s.targets[0], value, frame);
  const List* list = pointer<List>(value);
  if (!list && !isUnknown(value))
    return fail(
        error(*s.value, frame, ErrorCode::Input, fmt::format("{} cannot be taken apart", kindOf(value))));
  if (list && list->items.size() != s.targets.size())
    return fail(
        error(*s.value, frame, ErrorCode::Input,
              fmt::format("{} values cannot be given to {} variables", list->items.size(), s.targets.size()),
              "check --input-shapes"));
  for (size_t i = 0; i < s.targets.size(); ++i)
    BURIN_CHECK(assignTo(*s.targets[i], list ? list->items[i] : value, frame));
  return {};
}

Status Evaluator::assignTo(const Expression& target, Data value, Frame& frame) {
  if (target.kind == Expression::Kind::Name) {
    frame.variables[target.text] = value;
    return {};
  }
  if (target.kind == Expression::Kind::Attribute) {
    BURIN_ASSIGN(Data owner, evaluate(*target.children[0], frame));
    if (Object* object = pointer<Object>(owner)) {
      object->attributes[target.text] = value;
      return {};
    }
  }
  return fail(error(target, frame, ErrorCode::Input, "a value is given to what is no variable"));
}

} // namespace burin::torch
