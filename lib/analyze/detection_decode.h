// From the raw outputs of a detection network to boxes. A decoder is a row of a table: how it is recognised,
// its usual thresholds, its formula.
#pragma once

#include "lib/analyze/detection.h"
#include "lib/data/array.h"

#include <span>
#include <string>
#include <vector>

namespace burin {

struct NamedValues {
  std::string name;
  Dims shape;
  std::vector<float> values; // row-major
};

struct DetectorOutput {
  std::span<const NamedValues> tensors;
  int64_t inputWidth = 0, inputHeight = 0; // of the network's input, pixels
};

struct Decoder {
  const char* name;
  const char* description;
  double score, overlap; // usual thresholds: detections are above `score`, suppression is above `overlap`
  // By the names and shapes of the tensors; does not look at values.
  bool (*recognises)(const DetectorOutput& output);
  // Every location's best class above `minScore`; boxes in pixels of the network's input. Only for recognised
  // outputs.
  Detections (*decode)(const DetectorOutput& output, double minScore);
};

std::span<const Decoder> decoders();

// The decoder called `name`, or the first that recognises the outputs when `name` is empty. An error lists
// the outputs and the decoders.
Result<const Decoder*> findDecoder(const std::string& name, const DetectorOutput& output);

// Decodes and suppresses: sorted, in pixels of the network's input. An error names the tensor that has a NaN.
Result<Detections> detect(const Decoder& decoder, const DetectorOutput& output, double minScore,
                          double maxOverlap);

} // namespace burin
