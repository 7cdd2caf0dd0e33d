// Integer averages: what qnn.avg_pool and qnn.reduce share.
#pragma once

#include "runtime/kernels/data_kernels.h"
#include "runtime/numerics/pool.h"
#include "runtime/ops/quantize_ops.h"

namespace burin::rt {

bool readAverageRule(const Attrs& attrs, AverageRule& rule, std::string& error);

// From a sum of centred values to a stored result.
class AverageOutput {
public:
  bool prepare(const Node& node, std::string& error);
  // The number of the divisor `count`, encoded on first use; -1 with `error` when it cannot be. A sum that is
  // no mean is only rescaled.
  int addDivisor(int64_t count, bool mean, std::string& error);

  int32_t zeroX() const { return zeroX_; }
  int32_t result(int64_t sum, int divisor) const;

  // Results of a row to bytes; sums[i] is `offset` above the centred sum. Overwrites the sums.
  void storeRow(const DataKernels& kernels, int32_t* sums, int32_t offset, int divisor, uint8_t* y,
                int64_t width) const;

private:
  struct Divisor {
    int32_t count = 1;
    Requant rule;
  };

  AverageRule rule_;
  DType dtype_ = DType::I8; // of the result
  QuantizedClamp clamp_;
  int32_t zeroX_ = 0, zeroY_ = 0;
  float from_ = 1, to_ = 1;
  std::vector<Divisor> divisors_;
};

bool inferQAvgPool(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferQReduce(const Signature& signature, std::vector<TensorType>& results, std::string& error);
std::unique_ptr<Kernel> makeQAvgPool(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeQReduce(const Node& node, const KernelConfig& config, std::string& error);

} // namespace burin::rt
