// Tables of a quantized graph as ONNX: the function a table was made from, or the table itself.
#pragma once

#include "mlir/IR/Operation.h"

#include <vector>

namespace burin::onnx_export {

// Whether every executor's float32 version of the function gives the table's integers: no entry lies so near
// to a tie between two integers that the last bits of the function decide. False for a table without a
// function.
bool functionGivesTable(mlir::Operation& lut);

// The table's entries by stored bits, one row or one per channel; `flipIn` and `flipOut` (0, or 0x80 of
// bytes) are what the export adds to the stored numbers.
std::vector<char> storedTable(mlir::Operation& lut, size_t flipIn, unsigned char flipOut);

} // namespace burin::onnx_export
