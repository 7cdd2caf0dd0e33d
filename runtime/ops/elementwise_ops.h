// The shape rules and kernel factories of the elementwise ops; elementwise.cpp registers them.
#pragma once

#include "runtime/core/op.h"

namespace burin::rt {

bool inferUnary(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferBinary(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferSelect(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferCast(const Signature& signature, std::vector<TensorType>& results, std::string& error);

std::unique_ptr<Kernel> makeUnary(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeBinary(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeSelect(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeCast(const Node& node, const KernelConfig& config, std::string& error);

// Elements a thread takes at least: waking one costs some microseconds.
constexpr int64_t kElementwiseGrain = 8192;

// The numpy broadcast of two shapes.
bool broadcastShapes(const Shape& a, const Shape& b, Shape& result, std::string& error);

// False with a message for F16 and BF16, which an adaptor converts before an f32 kernel sees them.
bool requireNoHalf(const Node& node, std::string& error);

} // namespace burin::rt
