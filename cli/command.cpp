#include "cli/command.h"

#include "lib/data/feed.h"
#include "lib/prepare/prepare.h"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <thread>
#include <unistd.h>

namespace burin::cli {

void CommonFlags::add(CLI::App& command, bool withThreads) {
  command.add_flag("--json", json, "one JSON object on stdout; messages go to stderr");
  command.add_flag("--quiet", quiet, "errors and warnings only");
  command.add_flag("--verbose", verbose, "more detail");
  if (withThreads)
    command.add_option("--threads", threads, "worker threads (default: all cores); never changes a result")
        ->check(CLI::Range(1, 256));
}

int CommonFlags::threadCount() const {
  return threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

void CommonFlags::note(const std::string& text) const {
  if (!quiet) fmt::print(stderr, "{}\n", text);
}
void CommonFlags::warn(const std::string& text) const { fmt::print(stderr, "burin: warning: {}\n", text); }

Progress CommonFlags::progress(const std::string& what) const {
  if (quiet) return {};
  bool terminal = isatty(STDERR_FILENO);
  return [what, terminal](size_t done, size_t total) {
    if (terminal) {
      constexpr size_t kWidth = 30;
      size_t filled = done * kWidth / total;
      fmt::print(stderr, "\r{} [{}{}] {}/{}{}", what, std::string(filled, '#'),
                 std::string(kWidth - filled, '.'), done, total, done == total ? "\n" : "");
      std::fflush(stderr);
    } else if (done == total || done * 4 / total != (done - 1) * 4 / total) {
      fmt::print(stderr, "{} {}/{}\n", what, done, total);
    }
  };
}

void ModelFlags::add(CLI::App& command) {
  auto* group = command.add_option_group("model");
  group->add_option("--input-shapes", inputShapes,
                    "name:1x3x224x224,other:1x10 (no name for a single input)");
  group->add_option("--inputs", inputs, "cut at the front: these tensors become the inputs")->delimiter(',');
  group->add_option("--outputs", outputs, "cut at the end: these tensors become the outputs")->delimiter(',');
  group->add_option("--weights", weights, "weights file of a two-file format");
  auto* images =
      command.add_option_group("preprocessing", "y = (x - mean) * scale, x in 0..255, channels in the order "
                                                "of --pixel; [NAME:]VALUE for several inputs");
  auto add = [&](const char* flag, std::vector<std::string>& into, const char* help) {
    images->add_option(flag, into, help)->allow_extra_args(false);
  };
  add("--mean", preprocess.mean, "one value or one per channel, e.g. 123.675,116.28,103.53");
  add("--scale", preprocess.scale, "one value or one per channel, e.g. 0.0171,0.0175,0.0174");
  add("--pixel", preprocess.pixel, "rgb, bgr, gray or rgba");
  add("--layout", preprocess.layout, "of the model's input: nchw or nhwc");
  add("--fit", preprocess.fit, "stretch, letterbox or crop");
  add("--resize", preprocess.resize, "N (short side for crop) or HxW");
  add("--pad-value", preprocess.padValue, "0..255, fills a letterbox");
  add("--pad-align", preprocess.padAlign, "center or corner");
  images->add_flag("--override-preprocess", overridePreprocess,
                   "replace the preprocessing stored in the module");
}

Result<LoadOptions> ModelFlags::options() const {
  LoadOptions options;
  if (!inputShapes.empty()) {
    BURIN_ASSIGN(options.import.inputShapes, parseInputShapes(inputShapes));
  }
  options.import.weights = weights;
  options.import.inputs = inputs;
  options.import.outputs = outputs;
  options.preprocess = preprocess;
  options.overridePreprocess = overridePreprocess;
  return options;
}

void DataFlags::add(CLI::App& command, bool required) {
  auto* option = command.add_option(
      "--data", path,
      "directory of pictures or .npz, sub-directories with one file per input, one .npy, or a .txt list");
  if (required) option->required();
  command.add_option("--samples", samples, "use the first N samples (default: all)")
      ->check(CLI::PositiveNumber);
  command.add_option("--shuffle", shuffle, "permute with this seed first")->check(CLI::NonNegativeNumber);
}

Result<Dataset> DataFlags::open(const std::vector<InputSpec>& inputs) const {
  DatasetOptions options;
  if (samples > 0) options.samples = samples;
  if (shuffle >= 0) options.shuffleSeed = static_cast<uint64_t>(shuffle);
  return Dataset::open(path, inputs, options);
}

bool DataFlags::holdsPictures() const {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored))
    return path.ends_with(".txt") || dataFileKind(path) == DataFileKind::Image;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored))
    if (dataFileKind(entry.path().string()) == DataFileKind::Image) return true;
  return false;
}

void CalibrationFlags::add(CLI::App& command) {
  command.add_option("--method", method, "range method: kl, max, percentile or mse (default kl)");
  command.add_option("--percentile", percentile, "percentage for --method percentile (default 99.99)");
}

Result<CalibrationOptions> CalibrationFlags::options(const CommonFlags& common) const {
  CalibrationOptions options;
  auto parsed = parseRangeMethod(method);
  if (!parsed)
    return fail(ErrorCode::Usage, "unknown range method '" + method + "'", "use kl, max, percentile or mse");
  options.method = *parsed;
  if (percentile >= 0) {
    if (percentile <= 50 || percentile > 100)
      return fail(ErrorCode::Usage, "--percentile must be above 50 and at most 100");
    options.percentile = percentile;
  }
  options.threads = common.threadCount();
  options.progress = common.progress("calibrating");
  return options;
}

void TargetFlags::add(CLI::App& command, const char* defaultPrecision) {
  precision = defaultPrecision;
  command.add_option("--precision", precision,
                     fmt::format("f32, f16, bf16, int8 or as-is (default {})", defaultPrecision));
  command.add_option("--target", target,
                     "a name from 'burin targets' or the path of a target's JSON (default cpu)");
  auto* symmetricFlag =
      command.add_flag("--symmetric", symmetric, "symmetric activations (default: the target's)");
  command.add_flag("--asymmetric", asymmetric, "asymmetric activations (default: the target's)")
      ->excludes(symmetricFlag);
}

Result<CompileOptions> TargetFlags::options() const {
  CompileOptions options;
  options.precision = precision;
  static const char* const known[] = {"f32", "f16", "bf16", "int8", "as-is"};
  if (std::find(std::begin(known), std::end(known), precision) == std::end(known))
    return fail(ErrorCode::Usage, "unknown precision '" + precision + "'",
                "use f32, f16, bf16, int8 or as-is");
  BURIN_ASSIGN(options.target, loadTarget(target));
  if (symmetric) options.scheme = Scheme::Symmetric;
  if (asymmetric) options.scheme = Scheme::Asymmetric;
  return options;
}

std::string jsonLine(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
void printJson(const Json& json) { fmt::print("{}\n", jsonLine(json)); }

void finish(App& app, const Status& status) {
  if (status) return;
  fmt::print(stderr, "burin: error: {}\n", status.error().text());
  app.exitCode = static_cast<int>(status.error().code);
}

Status prepareFor(const std::string& precision, nn::Module& module, const CommonFlags& common) {
  if (precision != "int8") return prepare(*module.op);
  BURIN_ASSIGN(const bool wasQuantized, prepareToQuantize(module));
  if (wasQuantized)
    common.note(
        "the model is quantized already; its integers are chosen anew, --precision as-is keeps its own");
  return {};
}

Result<nn::Module> loadWithWarnings(const std::string& path, const ModelFlags& flags,
                                    const CommonFlags& common) {
  BURIN_ASSIGN(LoadOptions options, flags.options());
  BURIN_ASSIGN(Network network, loadNetwork(path, options));
  for (const std::string& warning : network.warnings) common.warn(path + ": " + warning);
  for (const std::string& note : network.notes) common.note(path + ": " + note);
  return std::move(network.module);
}

} // namespace burin::cli
