// Turns a graph (float `nn`, or `nn` + `qnn` after quantization) into a program: one program op per graph op,
// memory layouts, memory plan.
#pragma once

#include "lib/nn/module_io.h"
#include "lib/program/program.h"

namespace burin::compile {

struct Options {
  std::string tool = "burin";
  std::string target = "cpu";
  std::string precision = "f32";
  std::string source;
  bool keepAllTensors = false; // every tensor its own memory
};

// One op to one program op; layouts still row-major, no memory plan.
Result<ProgramGraph> lower(mlir::ModuleOp module);

// Chooses memory orders: activations of convolution-like ops are channels-last, everything else follows its
// operands; copies between orders are inserted as nn.reshape of equal shape. Inputs and outputs stay
// row-major.
void assignLayouts(ProgramGraph& graph);

// Every float tensor but inputs and outputs becomes F16 or BF16, with casts at the borders: each op computes
// in f32 and rounds its result.
void narrowFloats(ProgramGraph& graph, rt::DType dtype);

Result<ProgramFile> compileModule(mlir::ModuleOp module, const Options& options);

} // namespace burin::compile
