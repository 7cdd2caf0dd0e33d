// Quantized tensors.
#include "lib/import/torch/rules.h"

namespace burin::torch {
namespace {
const OperatorRow kRows[] = {{"quantized_placeholder()", nullptr}};
}
const OperatorTable kQuantizedOperators = {kRows, 0};
} // namespace burin::torch
