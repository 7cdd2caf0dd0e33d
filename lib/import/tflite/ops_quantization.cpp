// Between real numbers and integers, and from one scale to another.
#include "lib/import/tflite/operators.h"

namespace burin::tflite {

namespace {
void importQuantize(NodeContext& c) {
  const TensorFacts *to = c.outputTensor(0), *from = c.tensor(0);
  if (!to || !to->quantization) return c.invalid("its output has no scale");
  c.set(0, c.quantized(c.real(0), *to, from && !from->quantization));
}

// Of integers, or of half floats.
void importDequantize(NodeContext& c) { c.give(0, c.real(0)); }

const OperatorRow kRows[] = {
    {"QUANTIZE", importQuantize, 1, 1, "model"},
    {"DEQUANTIZE", importDequantize, 1, 1, "model"},
};
} // namespace

const OperatorTable<OperatorRow> kQuantizationOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite
