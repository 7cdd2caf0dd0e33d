#include "cli/command.h"

#include "lib/analyze/golden_check.h"
#include "lib/compile/compile.h"
#include "lib/data/feed.h"

#include <fmt/format.h>

namespace burin::cli {

namespace {
struct Flags {
  std::string model, output, golden;
  CommonFlags common;
  ModelFlags model_;
};

// Runs the imported graph, unprepared, on the stored inputs and compares every tensor that both sides name.
Result<std::vector<TensorCheck>> checkAgainst(const GoldenFile& golden, nn::Module& module, const Flags& f) {
  BURIN_ASSIGN(ProgramFile program, compile::compileModule(*module.op, {}));
  BURIN_ASSIGN(Executable executable, Executable::fromProgram(program));
  BURIN_ASSIGN(auto runner, Runner::create(executable, {f.common.threadCount()}));
  std::vector<Array> inputs;
  for (const InputSpec& spec : executable.inputs()) {
    const Array* stored = golden.array(spec.name);
    if (!stored)
      return fail(Error{ErrorCode::Input, f.golden, spec.name, "no array for this input",
                        "store the input under its name"});
    BURIN_ASSIGN(Array fitted, fitToInput(*stored, spec));
    inputs.push_back(std::move(fitted));
  }
  std::vector<TensorCheck> checks;
  runner->observe([&](const rt::Tensor& t) {
    if (!golden.has(t.name)) return;
    Dims shape(t.type.shape.dim, t.type.shape.dim + t.type.shape.rank);
    checks.push_back(golden.check(t.name, shape, realValues(t), {}));
  });
  BURIN_CHECK(runner->run(inputs));
  return checks;
}

Status report(const std::vector<TensorCheck>& checks, const Flags& f) {
  if (checks.empty())
    return fail(Error{ErrorCode::Failed,
                      f.golden,
                      {},
                      "no tensor of this file is in the model",
                      "compare the names with 'burin dump'"});
  auto worse = [](const TensorCheck& a, const TensorCheck& b) {
    return std::tuple(a.passed, -a.rangeError, a.cosine) < std::tuple(b.passed, -b.rangeError, b.cosine);
  };
  const TensorCheck& worst = *std::min_element(checks.begin(), checks.end(), worse);
  size_t failed = static_cast<size_t>(
      std::count_if(checks.begin(), checks.end(), [](const TensorCheck& c) { return !c.passed; }));
  if (f.common.json) {
    Json list = Json::array();
    for (const TensorCheck& c : checks)
      list.push_back({{"name", c.name},
                      {"cosine", c.cosine},
                      {"range_error", c.rangeError},
                      {"problem", c.problem},
                      {"passed", c.passed}});
    printJson(Json{{"tensors", list}, {"passed", failed == 0}});
  } else {
    fmt::print("{} tensors compared, {} differ; worst: {} (cosine {:.7f}, error {:.2e} of its range{}{})\n",
               checks.size(), failed, worst.name, worst.cosine, worst.rangeError,
               worst.problem.empty() ? "" : ", ", worst.problem);
  }
  if (failed)
    return fail(Error{ErrorCode::Failed,
                      f.golden,
                      worst.name,
                      fmt::format("{} of {} tensors differ from the stored ones", failed, checks.size()),
                      {}});
  return {};
}

Status run(const Flags& f) {
  if (f.output.empty() && f.golden.empty())
    return fail(ErrorCode::Usage, "nothing to do", "give -o net.mlir, --check golden.npz or both");
  BURIN_ASSIGN(nn::Module module, loadWithWarnings(f.model, f.model_, f.common));
  if (!f.output.empty()) {
    BURIN_CHECK(nn::saveModule(*module.op, f.output));
    size_t ops = 0;
    module.graph().walk([&](mlir::Operation* op) {
      ops += !mlir::isa<nn::ConstantOp, nn::NoneOp, nn::InputOp, nn::OutputOp, nn::GraphOp>(op);
    });
    if (!f.common.json) f.common.note(fmt::format("{}: {} ops", f.output, ops));
  }
  if (f.golden.empty()) return {};
  BURIN_ASSIGN(GoldenFile golden, GoldenFile::load(f.golden));
  BURIN_ASSIGN(auto checks, checkAgainst(golden, module, f));
  return report(checks, f);
}
} // namespace

void addImport(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.cli.add_subcommand("import", "a model file to a module");
  command->add_option("model", flags->model, "model file; the format is recognised by content")->required();
  command->add_option("-o,--output", flags->output,
                      "net.mlir (with net.mlir.weights) or net.mlirbc (one file)");
  command->add_option("--check", flags->golden, "npz of inputs and expected tensors; exit 1 on a miss");
  flags->model_.add(*command);
  flags->common.add(*command);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
