// If, Loop and Scan, resolved while importing: constants decide branches and trip counts, bodies are
// unrolled.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::onnx {

void importIdentity(NodeContext& c) { c.set(0, c.input(0)); }

namespace {
using Values = std::vector<ImportValue>;
using onnxpb::GraphProto;

// Runs a body; empty with the error recorded when it fails.
std::optional<Values> run(NodeContext& c, const GraphProto& body, const std::string& prefix,
                          const Values& inputs) {
  if (c.failed()) return std::nullopt;
  auto results = c.importer().runBody(body, c.scope(), prefix, inputs);
  if (results) return std::move(*results);
  c.forward(results.error());
  return std::nullopt;
}

bool anyUnavailable(const Values& values) {
  return std::any_of(values.begin(), values.end(),
                     [](const ImportValue& v) { return v.kind == ImportValue::Kind::Unavailable; });
}

void setAllUnavailable(NodeContext& c) {
  for (int i = 0; i < c.outputCount(); ++i) c.set(i, ImportValue::unavailable({}));
}

// Both branches run and the condition selects: the price of a program without jumps.
void importRuntimeIf(NodeContext& c, const GraphProto& thenBranch, const GraphProto& elseBranch) {
  auto a = run(c, thenBranch, c.name() + "/then/", {}), b = run(c, elseBranch, c.name() + "/else/", {});
  if (!a || !b) return;
  if (anyUnavailable(*a) || anyUnavailable(*b)) return setAllUnavailable(c);
  c.importer().warn(fmt::format("{}: its condition depends on data; both branches are computed", c.name()));
  Value condition = c.reshape(c.cast(c.in(0), rt::DType::Bool), {});
  for (int i = 0; i < std::min<int>(c.outputCount(), static_cast<int>(std::min(a->size(), b->size()))); ++i) {
    const ImportValue &x = (*a)[static_cast<size_t>(i)], &y = (*b)[static_cast<size_t>(i)];
    if (!x.isTensor() || !y.isTensor() || NodeContext::dims(x.tensor) != NodeContext::dims(y.tensor) ||
        NodeContext::dtype(x.tensor) != NodeContext::dtype(y.tensor))
      return c.unsupported(
          "its condition is computed at run time and its branches give tensors of different types",
          "simplify the model so that the condition is constant, or fix shapes with --input-shapes");
    c.set(i, c.select(condition, x.tensor, y.tensor));
  }
}

void importIf(NodeContext& c) {
  const GraphProto *thenBranch = c.graph("then_branch"), *elseBranch = c.graph("else_branch");
  if (!c.has(0) || c.failed()) return c.invalid("its condition is missing");
  if (!nn::isConstant(c.in(0))) return importRuntimeIf(c, *thenBranch, *elseBranch);
  auto condition = c.constantInt(0, "condition");
  if (!condition) return;
  auto results = run(c, *condition ? *thenBranch : *elseBranch, c.scope().prefix, {});
  if (!results) return;
  for (size_t i = 0; i < results->size(); ++i) {
    c.adopt((*results)[i]);
    c.set(static_cast<int>(i), (*results)[i]);
  }
}

//===-- Loop
//-----------------------------------------------------------------------------------------------------===//

// The scan output of a loop that never runs: [0, ...], its other dimensions as the body declares them.
Value emptyScanOutput(NodeContext& c, const onnxpb::ValueInfoProto& declared) {
  rt::TensorType type{rt::DType::F32, {0}};
  if (declared.has_type() && declared.type().has_tensor_type()) {
    const auto& tensor = declared.type().tensor_type();
    if (auto dtype = elementType(tensor.elem_type())) type.dtype = *dtype;
    for (const auto& dim : tensor.shape().dim())
      if (type.shape.rank < rt::kMaxRank) type.shape.push(std::clamp<int64_t>(dim.dim_value(), 0, 1 << 24));
  }
  return c.importer().builder().constant(type, {});
}

// Parts of one scan output, stacked along a new axis.
Value stack(NodeContext& c, const std::vector<ImportValue>& parts, int64_t axis) {
  std::vector<Value> slices;
  for (const ImportValue& part : parts) {
    if (!part.isTensor()) {
      c.unsupported("a scan output is a sequence");
      return {};
    }
    slices.push_back(c.unsqueeze(part.tensor, axis < 0 ? axis + NodeContext::rank(part.tensor) + 1 : axis));
  }
  return slices.size() == 1 ? slices[0]
                            : c.concat(slices, axis < 0 ? axis + NodeContext::rank(slices[0]) : axis);
}

struct LoopState {
  int64_t trips = 0; // at most
  bool running = true;
  Values carried;
  std::vector<Values> scans; // [output][iteration]
};

bool readLoop(NodeContext& c, const GraphProto& body, LoopState& loop) {
  loop.trips = c.importer().options().maxLoopIterations + 1;
  if (c.has(0)) {
    auto trips = c.constantInt(0, "trip count");
    if (!trips) return false;
    loop.trips = *trips;
  }
  if (c.has(1)) {
    auto condition = c.constantInt(1, "condition");
    if (!condition) return false;
    loop.running = *condition != 0;
  }
  for (int i = 2; i < c.inputCount(); ++i) loop.carried.push_back(c.input(i));
  size_t states = loop.carried.size();
  if (body.input_size() != static_cast<int>(states) + 2 ||
      body.output_size() < static_cast<int>(states) + 1) {
    c.invalid("its body does not have the inputs and outputs of its state");
    return false;
  }
  loop.scans.resize(static_cast<size_t>(body.output_size()) - states - 1);
  return !c.failed();
}

// One round. False when the loop cannot go on; an error is recorded or a missing operator reported.
bool iterate(NodeContext& c, const GraphProto& body, LoopState& loop, int64_t iteration) {
  if (iteration >= c.importer().options().maxLoopIterations) {
    c.unsupported(fmt::format("it runs more than {} times", c.importer().options().maxLoopIterations),
                  "export the loop unrolled, or with fewer iterations");
    return false;
  }
  const auto& counterType = body.input(0).type().tensor_type();
  Value counter = c.importer().builder().constantInt(iteration);
  if (counterType.shape().dim_size() == 1) counter = c.reshape(counter, {1});
  Values inputs = {ImportValue(counter), ImportValue(c.scalar(1, rt::DType::Bool))};
  inputs.insert(inputs.end(), loop.carried.begin(), loop.carried.end());
  auto results = run(c, body, fmt::format("{}/{}/", c.name(), iteration), inputs);
  if (!results) return false;
  if (anyUnavailable(*results)) {
    setAllUnavailable(c);
    return false;
  }
  const ImportValue& condition = results->front();
  if (!condition.isTensor() || !nn::isConstant(condition.tensor)) {
    c.unsupported("its condition is computed at run time",
                  "export the loop with a fixed number of iterations");
    return false;
  }
  Ints goesOn = nn::constantInts(condition.tensor);
  loop.running = !goesOn.empty() && goesOn[0] != 0;
  size_t states = loop.carried.size();
  std::copy_n(results->begin() + 1, states, loop.carried.begin());
  for (size_t i = 0; i < loop.scans.size(); ++i) loop.scans[i].push_back((*results)[states + 1 + i]);
  return true;
}

void importLoop(NodeContext& c) {
  const GraphProto* body = c.graph("body");
  LoopState loop;
  if (!body || !readLoop(c, *body, loop)) return;
  for (int64_t i = 0; loop.running && i < loop.trips; ++i)
    if (!iterate(c, *body, loop, i)) return;
  int output = 0;
  for (const ImportValue& value : loop.carried) {
    c.adopt(value);
    c.set(output++, value);
  }
  for (size_t i = 0; i < loop.scans.size(); ++i, ++output) {
    if (!c.wants(output)) continue;
    if (loop.scans[i].empty())
      c.set(output, emptyScanOutput(c, body->output(static_cast<int>(loop.carried.size() + 1 + i))));
    else
      c.set(output, stack(c, loop.scans[i], 0));
  }
}

//===-- Scan
//-----------------------------------------------------------------------------------------------------===//

struct ScanPlan {
  const GraphProto* body = nullptr;
  size_t states = 0, scans = 0, outputs = 0;
  Ints inputAxes, outputAxes, inputReversed, outputReversed;
  int64_t length = 0;
};

std::optional<ScanPlan> readScan(NodeContext& c, int inputs) {
  ScanPlan plan;
  plan.body = c.graph("body");
  int64_t scans = c.integer("num_scan_inputs");
  if (c.failed()) return std::nullopt;
  if (scans < 1 || scans > inputs || plan.body->input_size() != inputs ||
      plan.body->output_size() < inputs - scans) {
    c.invalid("its body does not have the inputs and outputs of its state");
    return std::nullopt;
  }
  plan.scans = static_cast<size_t>(scans), plan.states = static_cast<size_t>(inputs) - plan.scans;
  plan.outputs = static_cast<size_t>(plan.body->output_size()) - plan.states;
  bool old = c.opset() < 9;
  plan.inputAxes = old ? Ints() : c.ints("scan_input_axes");
  plan.outputAxes = old ? Ints() : c.ints("scan_output_axes");
  plan.inputReversed = c.ints(old ? "directions" : "scan_input_directions");
  plan.outputReversed = c.ints("scan_output_directions");
  plan.inputAxes.resize(plan.scans, 0), plan.inputReversed.resize(plan.scans, 0);
  plan.outputAxes.resize(plan.outputs, 0), plan.outputReversed.resize(plan.outputs, 0);
  return plan;
}

// States, then scan outputs, of one pass over `values` (states, then scanned tensors).
std::optional<std::vector<Value>> runScan(NodeContext& c, const ScanPlan& plan, std::vector<Value> values,
                                          const std::string& prefix) {
  int64_t length = 0;
  Ints axes;
  for (size_t i = 0; i < plan.scans; ++i) {
    Value x = values[plan.states + i];
    axes.push_back(c.axis(plan.inputAxes[i], NodeContext::rank(x)));
    if (c.failed()) return std::nullopt;
    length = NodeContext::shape(x)[static_cast<int>(axes.back())];
    if (length != NodeContext::shape(values[plan.states])[static_cast<int>(axes[0])])
      c.invalid("its scanned inputs differ in length");
  }
  if (length < 1 || length > c.importer().options().maxLoopIterations)
    c.unsupported(fmt::format("it scans {} steps; 1 to {} are supported", length,
                              c.importer().options().maxLoopIterations));
  std::vector<Values> parts(plan.outputs);
  for (int64_t t = 0; t < length && !c.failed(); ++t) {
    Values inputs(values.begin(), values.begin() + static_cast<long>(plan.states));
    for (size_t i = 0; i < plan.scans; ++i) {
      int64_t at = plan.inputReversed[i] ? length - 1 - t : t;
      inputs.emplace_back(c.squeeze(c.slice(values[plan.states + i], axes[i], at, 1), axes[i]));
    }
    if (c.failed()) return std::nullopt;
    auto results = run(c, *plan.body, fmt::format("{}{}/", prefix, t), inputs);
    if (!results) return std::nullopt;
    for (const ImportValue& v : *results)
      if (!v.isTensor()) {
        setAllUnavailable(c);
        return std::nullopt;
      }
    for (size_t i = 0; i < plan.states; ++i) values[i] = (*results)[i].tensor;
    for (size_t i = 0; i < plan.outputs; ++i)
      parts[i].insert(plan.outputReversed[i] ? parts[i].begin() : parts[i].end(),
                      (*results)[plan.states + i]);
  }
  if (c.failed()) return std::nullopt;
  values.resize(plan.states);
  for (size_t i = 0; i < plan.outputs; ++i) values.push_back(stack(c, parts[i], plan.outputAxes[i]));
  return values;
}

// Before opset 9 there is a batch axis in front of everything, and optional sequence lengths as input 0.
void importScan8(NodeContext& c) {
  if (c.has(0))
    return c.unsupported("sequence lengths are not supported", "convert the model to opset 9 or newer");
  auto plan = readScan(c, c.inputCount() - 1);
  if (!plan) return;
  int64_t batch = NodeContext::rank(c.in(1)) ? NodeContext::shape(c.in(1))[0] : 0;
  if (batch < 1 || batch > 64) return c.unsupported(fmt::format("a batch of {} is not supported", batch));
  std::vector<std::vector<Value>> rows(plan->states + plan->outputs);
  for (int64_t b = 0; b < batch; ++b) {
    std::vector<Value> values;
    for (int i = 1; i < c.inputCount(); ++i) {
      if (!c.has(i) || NodeContext::rank(c.in(i)) < 1)
        return c.invalid(fmt::format("its input {} has no batch axis", i));
      values.push_back(c.squeeze(c.slice(c.in(i), 0, b, 1), 0));
    }
    if (c.failed()) return;
    auto results = runScan(c, *plan, values, fmt::format("{}/{}/", c.name(), b));
    if (!results) return;
    for (size_t i = 0; i < results->size(); ++i) rows[i].push_back(c.unsqueeze((*results)[i], 0));
  }
  for (size_t i = 0; i < rows.size(); ++i)
    c.set(static_cast<int>(i), rows[i].size() == 1 ? rows[i][0] : c.concat(rows[i], 0));
}

void importScan(NodeContext& c) {
  if (c.inputCount() < 2) return c.invalid("its inputs are missing");
  if (c.opset() < 9) return importScan8(c);
  auto plan = readScan(c, c.inputCount());
  if (!plan) return;
  std::vector<Value> values;
  for (int i = 0; i < c.inputCount(); ++i) {
    if (!c.has(i)) return c.invalid(fmt::format("its input {} is missing", i));
    values.push_back(c.in(i));
  }
  auto results = runScan(c, *plan, values, c.name() + "/");
  if (!results) return;
  for (size_t i = 0; i < results->size(); ++i) {
    c.adopt(ImportValue((*results)[i]));
    c.set(static_cast<int>(i), (*results)[i]);
  }
}

const OperatorRow kRows[] = {
    {"If", importIf, 1, 1, 1, "", true},
    {"Loop", importLoop, 2, kAny, 1, "", true},
    {"Scan", importScan, 0, kAny},
};
} // namespace

const OperatorTable<OperatorRow> kControlOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
