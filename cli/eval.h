// What the tasks of `burin eval` share.
#pragma once

#include "cli/network.h"

namespace burin::cli {

struct EvalFlags {
  std::string network, against, labels, output, task = "classify", decode, saveDetections;
  int64_t labelOffset = 0;
  int views = 1;
  double score = -1, overlap = -1; // below 0: the decoder's
  CommonFlags common;
  ModelFlags model;
  DataFlags data;
};

// The network under test and, with --against, the one it is compared with, on one data set.
struct Evaluation {
  Executable network;
  std::optional<Executable> against;
  Dataset data;
  std::optional<Dataset> againstData; // when the two networks want different inputs

  static Result<Evaluation> open(const EvalFlags& flags);

  // The sample's inputs of both; those of the second are left empty when they are the same.
  struct Inputs {
    std::vector<Array> network, against;
  };
  Result<Inputs> load(size_t sample, int view) const;
};

// Warns about samples that could not be loaded (empty = used), in order. An error when nothing is left.
Result<size_t> reportSkipped(const std::vector<std::string>& problems, const EvalFlags& flags);

Status evalClassification(const EvalFlags& flags, const Evaluation& evaluation);
Status evalDetection(const EvalFlags& flags, const Evaluation& evaluation);

} // namespace burin::cli
