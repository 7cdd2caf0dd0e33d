// The shape rules and kernel factories of the normalisations; normalize.cpp registers them.
#pragma once

#include "runtime/core/op.h"

namespace burin::rt {

bool inferBatchNorm(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferLayerNorm(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferGroupNorm(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferLrn(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferSoftmax(const Signature& signature, std::vector<TensorType>& results, std::string& error);

std::unique_ptr<Kernel> makeBatchNorm(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeLayerNorm(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeGroupNorm(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeLrn(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeSoftmax(const Node& node, const KernelConfig& config, std::string& error);

// The first operand is a float tensor with at least `rank` axes.
bool checkFloatInput(const Signature& signature, int rank, std::string& error);
// Operand `i`, when present, is a float vector of `length` elements.
bool checkFloatVector(const Signature& signature, int i, const char* operand, int64_t length,
                      std::string& error);

} // namespace burin::rt
