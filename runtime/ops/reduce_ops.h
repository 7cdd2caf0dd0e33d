// The shape rules and kernel factories of the reductions; reduce.cpp registers them.
#pragma once

#include "runtime/core/op.h"

namespace burin::rt {

bool inferReduce(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferArgReduce(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferCumSum(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferTopK(const Signature& signature, std::vector<TensorType>& results, std::string& error);

std::unique_ptr<Kernel> makeReduce(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeArgReduce(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeCumSum(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeTopK(const Node& node, const KernelConfig& config, std::string& error);

enum class ReduceFn : uint8_t { Sum, Mean, Max, Min, Prod, L1, L2, LogSum, LogSumExp, SumSquare };
bool parseReduceFn(const std::string& name, ReduceFn& fn);

std::unique_ptr<Kernel> makeFloatReduce(const Node& node, ReduceFn fn, const KernelConfig& config);
std::unique_ptr<Kernel> makeIntegerReduce(const Node& node, ReduceFn fn);

} // namespace burin::rt
