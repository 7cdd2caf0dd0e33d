// The rules and factories of the pooling ops.
#pragma once

#include "runtime/ops/pool_geometry.h"

namespace burin::rt {

bool inferMaxPool(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferMaxPoolIndex(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferMaxUnpool(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferMeanPool(const Signature& signature, std::vector<TensorType>& results,
                   std::string& error); // avg, lp

std::unique_ptr<Kernel> makeMaxPool(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeMaxPoolIndex(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeMaxUnpool(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeAvgPool(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeLpPool(const Node& node, const KernelConfig& config, std::string& error);

} // namespace burin::rt
