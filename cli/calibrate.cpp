#include "cli/command.h"

#include <fmt/format.h>

namespace burin::cli {

namespace {
struct Flags {
  std::string model, output;
  CommonFlags common;
  ModelFlags model_;
  DataFlags data;
  CalibrationFlags calibration;
};

Status run(const Flags& f) {
  BURIN_ASSIGN(nn::Module module, loadWithWarnings(f.model, f.model_, f.common));
  if (f.data.holdsPictures())
    for (const std::string& note : assumePreprocess(module.graph())) f.common.warn(note);
  BURIN_CHECK(prepareFor("int8", module, f.common));
  BURIN_ASSIGN(std::vector<InputSpec> inputs, inputSpecs(module.graph()));
  BURIN_ASSIGN(Dataset data, f.data.open(inputs));
  for (const std::string& warning : data.warnings()) f.common.warn(warning);
  BURIN_ASSIGN(CalibrationOptions options, f.calibration.options(f.common));
  BURIN_ASSIGN(Calibration result, calibrate(*module.op, data, options));
  for (const std::string& warning : result.warnings) f.common.warn(warning);
  BURIN_CHECK(saveTable(result.table, f.output));
  if (f.common.json)
    printJson(Json{{"samples", result.table.samples},
                   {"tensors", result.table.entries.size()},
                   {"seconds", result.seconds},
                   {"inference_seconds", result.inferenceSeconds},
                   {"statistics_seconds", result.statisticsSeconds}});
  else
    f.common.note(fmt::format(
        "{}: {} tensors from {} samples in {:.2f} s ({:.1f} images/s; statistics {:.0f} % of inference)",
        f.output, result.table.entries.size(), result.table.samples, result.seconds,
        static_cast<double>(result.table.samples) / result.seconds,
        100 * result.statisticsSeconds / std::max(result.inferenceSeconds, 1e-9)));
  return {};
}
} // namespace

void addCalibrate(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.cli.add_subcommand("calibrate", "ranges of every tensor over a data set, as a table");
  command->add_option("model", flags->model, "module from 'burin import', or a model file")->required();
  command->add_option("-o,--output", flags->output, "table to write (FILE and FILE.json)")->required();
  flags->data.add(*command);
  flags->calibration.add(*command);
  flags->model_.add(*command);
  flags->common.add(*command);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
