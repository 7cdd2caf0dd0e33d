#include "cli/command.h"

#include "lib/support/file.h"

#include <fmt/format.h>

namespace burin::cli {

namespace {
struct Flags {
  std::string model, output, calibration, plan, savePlan;
  bool keepAll = false;
  CommonFlags common;
  ModelFlags model_;
  TargetFlags target;
};

Status run(const Flags& f) {
  BURIN_ASSIGN(CompileOptions options, f.target.options());
  BURIN_ASSIGN(nn::Module module, loadWithWarnings(f.model, f.model_, f.common));
  BURIN_CHECK(prepareFor(f.target.precision, module, f.common));
  CalibrationTable table;
  quantize::QuantPlan plan;
  if (!f.calibration.empty()) {
    BURIN_ASSIGN(table, loadTable(f.calibration));
    options.table = &table;
  }
  if (!f.plan.empty()) {
    BURIN_ASSIGN(std::string text, readTextFile(f.plan));
    BURIN_ASSIGN(plan, quantize::planFromJson(text, f.plan));
    options.plan = &plan;
  }
  options.keepAllTensors = f.keepAll;
  auto compiled = compileNetwork(*module.op, options);
  if (!compiled)
    return tl::unexpected(inFile(compiled.error(), !f.plan.empty()          ? f.plan
                                                   : !f.calibration.empty() ? f.calibration
                                                                            : f.model));
  for (const std::string& note : compiled->notes) f.common.note("note: " + note);
  if (!f.savePlan.empty()) {
    if (!compiled->plan) return fail(ErrorCode::Usage, "--save-plan needs --precision int8 or as-is");
    std::string json = toJson(*compiled->plan);
    BURIN_CHECK(writeFile(f.savePlan, json));
  }
  std::vector<char> bytes = serialize(compiled->program);
  BURIN_CHECK(writeFile(f.output, bytes));
  const ProgramGraph& graph = compiled->program.nets[0];
  if (f.common.json)
    printJson(Json{{"bytes", bytes.size()}, {"arena_bytes", graph.arenaBytes}, {"ops", graph.ops.size()}});
  else
    f.common.note(fmt::format("{}: {} ops, {} bytes, arena {} bytes", f.output, graph.ops.size(),
                              bytes.size(), graph.arenaBytes));
  return {};
}
} // namespace

void addCompile(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.cli.add_subcommand("compile", "a module to a program");
  command->add_option("model", flags->model, "module from 'burin import', or a model file")->required();
  command->add_option("-o,--output", flags->output, "program to write")->required();
  command->add_option("--calibration", flags->calibration, "table from 'burin calibrate'");
  command->add_option("--plan", flags->plan, "quant plan to apply instead of one made from the table");
  command->add_option("--save-plan", flags->savePlan, "write the quant plan");
  command->add_flag("--keep-all-tensors", flags->keepAll,
                    "no memory is shared: every tensor can be read after a run");
  flags->target.add(*command, "f32");
  flags->model_.add(*command);
  flags->common.add(*command, false);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
