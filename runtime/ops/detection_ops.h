// The rules and factories of the detection ops and of the ops whose result has a data-dependent length.
#pragma once

#include "runtime/ops/infer_check.h"
#include "runtime/ops/movement_ops.h"

namespace burin::rt {

bool inferNonZero(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferCompress(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferNms(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferRoiAlign(const Signature& signature, std::vector<TensorType>& results, std::string& error);

std::unique_ptr<Kernel> makeNonZero(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeCompress(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeNms(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeRoiAlign(const Node& node, const KernelConfig& config, std::string& error);

} // namespace burin::rt
