// What the subcommands share: flags, messages, exit codes. One file per subcommand adds itself to the app.
#pragma once

#include "lib/pipeline/pipeline.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace burin::cli {

using Json = nlohmann::ordered_json;

// Exit codes are ErrorCode values; 0 is success.
struct App {
  CLI::App cli{"Burin engraves a trained network into an integer program for a small chip"};
  int exitCode = 0;
};

// Flags every command may take.
struct CommonFlags {
  bool json = false, quiet = false, verbose = false;
  int threads = 0; // 0 = all cores

  void add(CLI::App& command, bool withThreads = true);
  int threadCount() const;
  void note(const std::string& text) const; // stderr, unless --quiet
  void warn(const std::string& text) const; // stderr, always
  Progress progress(const std::string& what) const;
};

struct ModelFlags {
  std::string inputShapes, weights;
  std::vector<std::string> inputs, outputs;
  PreprocessFlags preprocess;
  bool overridePreprocess = false;

  void add(CLI::App& command);
  Result<LoadOptions> options() const;
};

struct DataFlags {
  std::string path;
  int64_t samples = -1, shuffle = -1;

  void add(CLI::App& command, bool required = true);
  Result<Dataset> open(const std::vector<InputSpec>& inputs) const;
  bool holdsPictures() const; // by extension: a picture, a folder with one, or a list
};

struct CalibrationFlags {
  std::string method = "kl";
  double percentile = -1;

  void add(CLI::App& command);
  Result<CalibrationOptions> options(const CommonFlags& common) const;
};

struct TargetFlags {
  std::string target = "cpu", precision;
  bool symmetric = false, asymmetric = false;

  void add(CLI::App& command, const char* defaultPrecision);
  Result<CompileOptions> options() const;
};

// One line on stdout. Names come from files and may be no UTF-8: what is not is replaced.
std::string jsonLine(const Json& json);
void printJson(const Json& json);

// Runs `body`; prints its error and sets the exit code. Every command's callback is one of these.
void finish(App& app, const Status& status);

// Rewrites the module for a program of this precision, or for calibration, which is for "int8".
Status prepareFor(const std::string& precision, nn::Module& module, const CommonFlags& common);
// Loads and prints the warnings.
Result<nn::Module> loadWithWarnings(const std::string& path, const ModelFlags& flags,
                                    const CommonFlags& common);

void addImport(App& app);
void addCalibrate(App& app);
void addCompile(App& app);
void addQuantize(App& app);
void addRun(App& app);
void addEval(App& app);
void addBench(App& app);
void addInfo(App& app);
void addCompare(App& app);
void addDump(App& app);
void addTargets(App& app);
void addFormats(App& app);
void addExport(App& app);

} // namespace burin::cli
