// The stages put together: model file -> module -> calibration table -> quant plan -> program. Each function
// takes one stage and returns the next.
#pragma once

#include "lib/calibrate/table.h"
#include "lib/data/dataset.h"
#include "lib/data/preprocess_flags.h"
#include "lib/execute/executable.h"
#include "lib/import/common.h"
#include "lib/nn/module_io.h"
#include "lib/quantize/plan.h"

#include <functional>

namespace burin {

struct LoadOptions {
  ImportOptions import;
  PreprocessFlags preprocess;
  bool overridePreprocess = false;
};

struct Network {
  nn::Module module;
  std::vector<std::string> warnings;
  std::vector<std::string> notes; // what the file says about preprocessing
};

// A model of any format we read, or a module saved by 'burin import'. Preprocessing flags are stored in the
// module.
Result<Network> loadNetwork(const std::string& path, const LoadOptions& options);

// Inputs of a graph with the preprocessing stored in it.
Result<std::vector<InputSpec>> inputSpecs(nn::GraphOp graph);
void storePreprocess(nn::GraphOp graph, const std::string& input, const rt::Preprocess& preprocess);
// Gives every picture-like input without one the default preprocessing; returns a sentence per input.
std::vector<std::string> assumePreprocess(nn::GraphOp graph);

// What tables and plans know a prepared network by. An input without preprocessing counts as one with the
// assumed.
std::string networkHash(mlir::ModuleOp module);

// prepare() for what chooses integers anew: a model that is quantized already becomes the float network
// behind its integers. Did it?
Result<bool> prepareToQuantize(nn::Module& module);

using Progress = std::function<void(size_t done, size_t total)>;

struct CalibrationOptions {
  RangeMethod method = RangeMethod::Kl;
  double percentile = 99.99;
  int threads = 1;
  Progress progress;
  std::vector<size_t> samples; // indices into the dataset; empty = all
};

struct Calibration {
  CalibrationTable table;
  std::vector<std::string> warnings;
  double seconds = 0, inferenceSeconds = 0, statisticsSeconds = 0; // sums over threads but `seconds`
};

// `module` must be prepared: the tensors observed are those that the quantizer sees.
Result<Calibration> calibrate(mlir::ModuleOp module, const Dataset& data, const CalibrationOptions& options);

struct CompileOptions {
  std::string precision = "f32"; // f32 f16 bf16 int8 as-is
  std::optional<Scheme> scheme;  // default: the target's
  Target target;
  const CalibrationTable* table = nullptr;
  const quantize::QuantPlan* plan = nullptr; // instead of one built from the table
  bool keepAllTensors = false;
  std::string source;
};

struct Compiled {
  ProgramFile program;
  std::optional<quantize::QuantPlan> plan;
  std::vector<std::string> notes;
};

// A prepared module to a program.
Result<Compiled> compileNetwork(mlir::ModuleOp module, const CompileOptions& options);

} // namespace burin
