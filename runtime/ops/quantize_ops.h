// The rules and factories of quantization ops.
#pragma once

#include "runtime/ops/infer_check.h"

namespace burin::rt {

bool inferQuantize(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferDequantize(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferQuantizeTensor(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferDequantizeTensor(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferRequantize(const Signature& signature, std::vector<TensorType>& results, std::string& error);

std::unique_ptr<Kernel> makeQuantize(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeDequantize(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeQuantizeTensor(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeDequantizeTensor(const Node& node, const KernelConfig& config,
                                             std::string& error);
std::unique_ptr<Kernel> makeRequantize(const Node& node, const KernelConfig& config, std::string& error);

// `t` is quantized to 8 or 16 bits, its parameters are complete and its zero points lie in its type.
bool checkQuantized(const Tensor& t, const char* operand, bool perTensor, std::string& error);

// The clamp of a quantized result: q_lo and q_hi within the range of y's type.
struct QuantizedClamp {
  int32_t low = 0, high = 0;
};
bool readClamp(const Attrs& attrs, const Tensor& y, QuantizedClamp& clamp, std::string& error);

} // namespace burin::rt
