// How far a program is from its float network, tensor by tensor, on samples that calibration did not see.
#pragma once

#include "lib/pipeline/pipeline.h"

namespace burin {

struct TensorSimilarity {
  std::string name, type; // of the op that makes it
  double cosine = 1, sqnrDb = 0;
};

// What one layer adds to the noise: the SQNR of its worst operand and that of its result.
struct LayerLoss {
  std::string name, type;
  std::string operand; // of a function: what the layer before it makes
  double before = 0, after = 0;

  double addedNoise() const; // over the signal
};

struct Verification {
  size_t samples = 0;
  size_t floatBytes = 0;                 // of the float network as a program
  std::vector<TensorSimilarity> outputs; // in order
  // The five layers with the lowest SQNR. A layer with a function behind it is judged by the function's
  // result.
  std::vector<TensorSimilarity> worst;
  std::vector<LayerLoss> losses; // the three layers that add most noise, most first
  std::vector<std::string> warnings;
};

struct VerifyOptions {
  std::vector<size_t> samples;
  int threads = 1;
  Progress progress;
};

// `module` is the prepared float graph that `program` was compiled from.
Result<Verification> verify(mlir::ModuleOp module, const Executable& program, const Dataset& data,
                            const VerifyOptions& options);

} // namespace burin
