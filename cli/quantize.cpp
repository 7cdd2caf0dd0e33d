#include "cli/command.h"

#include "lib/pipeline/advice.h"
#include "lib/pipeline/correct.h"
#include "lib/pipeline/verify.h"
#include "lib/support/file.h"

#include <chrono>
#include <fmt/format.h>
#include <sys/resource.h>

namespace burin::cli {

namespace {
struct Flags {
  std::string model, output, calibration, plan, saveCalibration, savePlan;
  bool correct = true;
  CommonFlags common;
  ModelFlags model_;
  DataFlags data;
  CalibrationFlags calibration_;
  TargetFlags target;
};

struct Outcome {
  size_t programBytes = 0, samples = 0, integerOps = 0, floatOps = 0;
  uint64_t arenaBytes = 0;
  double seconds = 0, calibrationSeconds = 0;
  Verification verification;
  std::vector<std::string> advice;
};

size_t peakMemoryMegabytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss / 1024);
}

Json similarityJson(const TensorSimilarity& t) {
  return {{"name", t.name}, {"type", t.type}, {"cosine", t.cosine}, {"sqnr_db", t.sqnrDb}};
}

void print(const Outcome& o, const Flags& f) {
  if (f.common.json) {
    Json outputs = Json::array(), worst = Json::array();
    for (const TensorSimilarity& t : o.verification.outputs) outputs.push_back(similarityJson(t));
    for (const TensorSimilarity& t : o.verification.worst) worst.push_back(similarityJson(t));
    printJson(Json{{"float_bytes", o.verification.floatBytes},
                   {"program_bytes", o.programBytes},
                   {"arena_bytes", o.arenaBytes},
                   {"integer_ops", o.integerOps},
                   {"float_ops", o.floatOps},
                   {"calibration_samples", o.samples},
                   {"verification_samples", o.verification.samples},
                   {"outputs", outputs},
                   {"worst", worst},
                   {"advice", o.advice}});
    return;
  }
  fmt::print("{}: {:.2f} MB in float -> {:.2f} MB, activations {:.2f} MB; {} ops in integers, {} in float\n",
             f.output, static_cast<double>(o.verification.floatBytes) / 1e6,
             static_cast<double>(o.programBytes) / 1e6, static_cast<double>(o.arenaBytes) / 1e6, o.integerOps,
             o.floatOps);
  if (o.samples > 0)
    fmt::print("calibrated on {} samples, checked against float on {} held back\n", o.samples,
               o.verification.samples);
  else
    fmt::print("checked against float on {} samples\n", o.verification.samples);
  for (const TensorSimilarity& t : o.verification.outputs)
    fmt::print("  output {:<32} cosine {:.6f}  SQNR {:6.2f} dB\n", t.name, t.cosine, t.sqnrDb);
  if (!o.verification.worst.empty()) fmt::print("layers furthest from float:\n");
  for (const TensorSimilarity& t : o.verification.worst)
    fmt::print("  {:<39} cosine {:.6f}  SQNR {:6.2f} dB  {}\n", t.name, t.cosine, t.sqnrDb, t.type);
  for (const std::string& line : o.advice) f.common.warn(line);
  f.common.note(fmt::format("{:.1f} s ({:.1f} s calibration), peak memory {} MB", o.seconds,
                            o.calibrationSeconds, peakMemoryMegabytes()));
}

// Calibration and verification never share a sample: the last tenth, at most 20, is held back.
struct Split {
  std::vector<size_t> calibration, verification;
};
Split split(size_t samples) {
  size_t held = samples < 2 ? 0 : std::clamp<size_t>(samples / 10, 1, 20);
  Split s;
  for (size_t i = 0; i < samples; ++i) (i < samples - held ? s.calibration : s.verification).push_back(i);
  if (s.verification.empty()) s.verification = s.calibration;
  return s;
}

// Where the ranges come from: a plan, a table, or calibration.
struct Ranges {
  std::optional<quantize::QuantPlan> plan;
  std::optional<CalibrationTable> table;
  size_t samples = 0; // that calibration saw
  double seconds = 0; // of calibration
  std::string file;   // that was read, for error messages
};

Result<Ranges> takeRanges(const Flags& f, mlir::ModuleOp module, const Dataset& data, const Split& samples) {
  Ranges ranges{{}, {}, 0, 0, f.model};
  if (!f.plan.empty()) {
    ranges.file = f.plan;
    BURIN_ASSIGN(std::string text, readTextFile(f.plan));
    BURIN_ASSIGN(ranges.plan, quantize::planFromJson(text, f.plan));
  } else if (!f.calibration.empty()) {
    ranges.file = f.calibration;
    BURIN_ASSIGN(ranges.table, loadTable(f.calibration));
  } else if (f.target.precision == "int8") {
    BURIN_ASSIGN(CalibrationOptions options, f.calibration_.options(f.common));
    options.samples = samples.calibration;
    BURIN_ASSIGN(Calibration calibration, calibrate(module, data, options));
    for (const std::string& warning : calibration.warnings) f.common.warn(warning);
    ranges.table = std::move(calibration.table);
    ranges.samples = samples.calibration.size();
    ranges.seconds = calibration.seconds;
  }
  if (!f.saveCalibration.empty() && ranges.table) BURIN_CHECK(saveTable(*ranges.table, f.saveCalibration));
  return ranges;
}

Result<Compiled> makeProgram(const Flags& f, mlir::ModuleOp module, const Dataset& data, const Split& samples,
                             const Ranges& ranges) {
  BURIN_ASSIGN(CompileOptions options, f.target.options());
  options.plan = ranges.plan ? &*ranges.plan : nullptr;
  options.table = ranges.table ? &*ranges.table : nullptr;
  auto compiled = compileNetwork(module, options);
  if (!compiled) return tl::unexpected(inFile(compiled.error(), ranges.file));
  if (f.correct && !ranges.plan && f.target.precision == "int8")
    return correctBiases(module, options, std::move(*compiled), data, samples.calibration,
                         f.common.threadCount());
  return compiled;
}

Status describe(const Flags& f, mlir::ModuleOp module, const Dataset& data, const Split& samples,
                const Ranges& ranges, const Compiled& compiled, Outcome& outcome) {
  for (const std::string& note : compiled.notes) f.common.note("note: " + note);
  BURIN_ASSIGN(Executable program, Executable::fromProgram(compiled.program));
  VerifyOptions options{samples.verification, f.common.threadCount(), f.common.progress("verifying")};
  BURIN_ASSIGN(outcome.verification, verify(module, program, data, options));
  for (const std::string& warning : outcome.verification.warnings) f.common.warn(warning);
  outcome.advice = advise(outcome.verification, compiled.plan ? &*compiled.plan : nullptr,
                          ranges.table ? &*ranges.table : nullptr);
  outcome.programBytes = program.fileBytes();
  outcome.arenaBytes = compiled.program.nets[0].arenaBytes;
  outcome.samples = ranges.samples;
  outcome.calibrationSeconds = ranges.seconds;
  if (compiled.plan)
    for (const quantize::OpPlan& op : compiled.plan->ops)
      ++(isInteger(op.precision) ? outcome.integerOps : outcome.floatOps);
  return {};
}

Status run(const Flags& f) {
  auto begin = std::chrono::steady_clock::now();
  BURIN_CHECK(f.target.options());
  BURIN_CHECK(f.calibration_.options(f.common));
  BURIN_ASSIGN(nn::Module module, loadWithWarnings(f.model, f.model_, f.common));
  if (f.data.holdsPictures())
    for (const std::string& note : assumePreprocess(module.graph())) f.common.warn(note);
  BURIN_CHECK(prepareFor(f.target.precision, module, f.common));
  BURIN_ASSIGN(std::vector<InputSpec> inputs, inputSpecs(module.graph()));
  BURIN_ASSIGN(Dataset data, f.data.open(inputs));
  for (const std::string& warning : data.warnings()) f.common.warn(warning);

  const Split samples = split(data.size());
  BURIN_ASSIGN(const Ranges ranges, takeRanges(f, *module.op, data, samples));
  BURIN_ASSIGN(const Compiled compiled, makeProgram(f, *module.op, data, samples, ranges));
  Outcome outcome;
  BURIN_CHECK(describe(f, *module.op, data, samples, ranges, compiled, outcome));
  if (!f.savePlan.empty() && compiled.plan) BURIN_CHECK(writeFile(f.savePlan, toJson(*compiled.plan)));
  BURIN_CHECK(writeFile(f.output, serialize(compiled.program)));
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  print(outcome, f);
  return {};
}
} // namespace

void addQuantize(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.cli.add_subcommand("quantize", "model and data to a verified program, in one go");
  command->add_option("model", flags->model, "model file, or a module from 'burin import'")->required();
  command->add_option("-o,--output", flags->output, "program to write")->required();
  command->add_option("--calibration", flags->calibration, "use this table instead of calibrating");
  command->add_option("--plan", flags->plan, "apply this quant plan");
  command->add_option("--save-calibration", flags->saveCalibration, "write the calibration table");
  command->add_option("--save-plan", flags->savePlan, "write the quant plan");
  command->add_flag("!--no-bias-correction", flags->correct,
                    "leave the means of the layers' results as rounding shifts them");
  flags->data.add(*command);
  flags->calibration_.add(*command);
  flags->target.add(*command, "int8");
  flags->model_.add(*command);
  flags->common.add(*command);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
