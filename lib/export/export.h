// Writes a graph as an ONNX model.
#pragma once

#include "lib/nn/module_io.h"

namespace burin {

struct ExportOptions {
  // How a quantized export stores activations. Unsigned integers are what executors have the fastest kernels
  // for on x86; signed ones are what some chips' own compilers ask for. The values are the same.
  bool signedActivations = false;
};

// The bytes of an ONNX file (opset 18) with the same inputs, outputs and names. A float graph gives float
// ONNX; a quantized one (nn and qnn ops, see lib/quantize) gives QDQ ONNX: float ops between QuantizeLinear
// and DequantizeLinear, stored integers as initializers. Fails with one error that lists every op ONNX cannot
// express.
Result<std::string> exportOnnx(nn::GraphOp graph, const ExportOptions& options = {});

} // namespace burin
