// The rules and factories of the resampling ops.
#pragma once

#include "runtime/ops/infer_check.h"
#include "runtime/ops/iterate.h"
#include "runtime/ops/resize_axis.h"

namespace burin::rt {

bool inferResize(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferGridSample(const Signature& signature, std::vector<TensorType>& results, std::string& error);
std::unique_ptr<Kernel> makeResize(const Node& node, const KernelConfig& config, std::string& error);
// Linear and cubic resampling of planes whose channels are innermost; null when the tensors are not like
// that.
std::unique_ptr<Kernel> makeResizeRows(const Node& node, const std::vector<ResizeAxis>& axes,
                                       const KernelConfig& config);
std::unique_ptr<Kernel> makeGridSample(const Node& node, const KernelConfig& config, std::string& error);

} // namespace burin::rt
