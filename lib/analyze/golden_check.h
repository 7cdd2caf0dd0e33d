// Compares the tensors of one run with stored ones: full arrays, or the summary layout (names, count, shape,
// head, stats per tensor) that test collections use for intermediate tensors.
#pragma once

#include "lib/data/npz.h"
#include "lib/support/error.h"

#include <map>

namespace burin {

struct TensorCheck {
  std::string name;
  double cosine = 1;
  double rangeError =
      0; // largest difference over the reference's range (of head, mean or deviation for summaries)
  std::string problem; // shape or count differs; empty otherwise
  bool passed = true;
};

struct GoldenOptions {
  double minCosine = 0.99999;
  double maxRangeError = 1e-3;
};

class GoldenFile {
public:
  static Result<GoldenFile> load(const std::string& path);

  const Array* array(const std::string& name) const; // a stored full tensor, e.g. an input
  bool has(const std::string& name) const;           // full or summary
  // `values` in row-major order.
  TensorCheck check(const std::string& name, const Dims& shape, std::span<const float> values,
                    const GoldenOptions& options) const;

private:
  struct Summary {
    int64_t count = 0;
    Dims shape;
    std::vector<float> head;
    double min = 0, max = 0, mean = 0, deviation = 0;
  };
  Status readSummaries(const std::string& path);
  TensorCheck checkSummary(const Summary& s, const Dims& shape, std::span<const float> values,
                           const GoldenOptions& options) const;

  std::map<std::string, Array> arrays_;
  std::map<std::string, Summary> summaries_;
};

} // namespace burin
