#include "cli/eval.h"

#include "lib/data/skipped.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace burin::cli {

namespace {
bool sameInputs(const std::vector<InputSpec>& a, const std::vector<InputSpec>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].name != b[i].name || a[i].type != b[i].type || a[i].shape != b[i].shape ||
        a[i].preprocess != b[i].preprocess)
      return false;
  return true;
}

Status checkFlags(const EvalFlags& f) {
  bool detect = f.task == "detect";
  if (!detect && f.task != "classify")
    return fail(ErrorCode::Usage, "unknown task '" + f.task + "'", "use classify or detect");
  if (f.labels.empty() && f.against.empty() && f.saveDetections.empty())
    return fail(ErrorCode::Usage, "nothing to compare with", "give --labels, --against or both");
  if (f.views != 1 && f.views != rt::kViewCount)
    return fail(ErrorCode::Usage, fmt::format("--views {} is not possible", f.views), "use 1 or 5");
  if (detect && f.views != 1) return fail(ErrorCode::Usage, "--views is for classification", "leave it out");
  if (detect && !f.labels.empty() && !f.against.empty())
    return fail(ErrorCode::Usage, "--labels and --against are two measurements",
                "give one of them for --task detect");
  if (!detect && (!f.decode.empty() || f.score >= 0 || f.overlap >= 0 || !f.saveDetections.empty()))
    return fail(ErrorCode::Usage, "--decode, --score, --iou and --save-detections are for detection",
                "add --task detect");
  if (f.score > 1 || f.overlap > 1)
    return fail(ErrorCode::Usage, "--score and --iou are fractions", "use 0 to 1");
  bool anyModel =
      !Executable::isProgramFile(f.network) || (!f.against.empty() && !Executable::isProgramFile(f.against));
  if (anyModelFlag(f.model) && !anyModel)
    return fail(Error{ErrorCode::Usage,
                      f.network,
                      {},
                      "a program's shapes and preprocessing are fixed",
                      "leave the model and preprocessing flags out"});
  return {};
}

Status run(const EvalFlags& f) {
  BURIN_CHECK(checkFlags(f));
  BURIN_ASSIGN(Evaluation evaluation, Evaluation::open(f));
  return f.task == "detect" ? evalDetection(f, evaluation) : evalClassification(f, evaluation);
}
} // namespace

Result<Evaluation> Evaluation::open(const EvalFlags& f) {
  Evaluation evaluation;
  BURIN_ASSIGN(evaluation.network, openExecutable(f.network, f.model, f.common));
  BURIN_ASSIGN(evaluation.data, f.data.open(evaluation.network.inputs()));
  for (const std::string& warning : evaluation.data.warnings()) f.common.warn(warning);
  if (f.against.empty()) return evaluation;
  BURIN_ASSIGN(evaluation.against, openExecutable(f.against, f.model, f.common, &evaluation.network));
  if (!sameInputs(evaluation.network.inputs(), evaluation.against->inputs())) {
    BURIN_ASSIGN(evaluation.againstData, f.data.open(evaluation.against->inputs()));
  }
  return evaluation;
}

Result<Evaluation::Inputs> Evaluation::load(size_t sample, int view) const {
  Inputs inputs;
  BURIN_ASSIGN(inputs.network, data.load(sample, view));
  if (againstData) {
    BURIN_ASSIGN(inputs.against, againstData->load(sample, view));
  }
  return inputs;
}

Result<size_t> reportSkipped(const std::vector<std::string>& problems, const EvalFlags& f) {
  std::vector<std::string> skipped;
  std::copy_if(problems.begin(), problems.end(), std::back_inserter(skipped),
               [](const std::string& problem) { return !problem.empty(); });
  for (const std::string& warning : skippedWarnings(skipped)) f.common.warn(warning);
  if (skipped.size() == problems.size())
    return fail(Error{ErrorCode::Input,
                      f.data.path,
                      {},
                      "no sample could be used",
                      "check --data; the warnings say what is wrong"});
  return skipped.size();
}

void addEval(App& app) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command = app.cli.add_subcommand(
      "eval", "accuracy of a program on labelled data, or its agreement with the float network");
  command
      ->add_option("network", flags->network, "program (.burin); a module or model file is compiled to f32")
      ->required();
  command->add_option("--task", flags->task, "classify (default) or detect");
  command->add_option("--labels", flags->labels,
                      "classify: rows '<file> <class>'; detect: annotations in COCO's format");
  command->add_option("--against", flags->against,
                      "program, module or model file to agree with, usually the float network");
  auto* classify = command->add_option_group("classification");
  classify->add_option("--label-offset", flags->labelOffset,
                       "output index i counts as class i - N (1 when output 0 is the background)");
  classify->add_option("--views", flags->views,
                       "1 or 5: centre and the four corners of the resized picture, each counted");
  classify->add_option("--output", flags->output, "tensor with the class scores (default: the only output)");
  auto* detect = command->add_option_group("detection");
  detect->add_option(
      "--decode", flags->decode,
      "yolox, yolov5, yolov8, nanodet or ultraface (default: by names and shapes of the outputs)");
  detect->add_option("--score", flags->score, "detections have a higher score (default: the decoder's)")
      ->check(CLI::NonNegativeNumber);
  detect
      ->add_option("--iou", flags->overlap,
                   "overlap above which the weaker of two boxes is dropped (default: the decoder's)")
      ->check(CLI::NonNegativeNumber);
  detect->add_option("--save-detections", flags->saveDetections,
                     "JSON of the network's detections, pixels of the original pictures");
  flags->data.add(*command);
  flags->model.add(*command);
  flags->common.add(*command);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
