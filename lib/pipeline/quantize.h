// The quantized graph that a program is compiled from, for those who want the graph itself.
#pragma once

#include "lib/pipeline/pipeline.h"
#include "lib/quantize/quantizer.h"

namespace burin {

struct Quantized {
  mlir::OwningOpRef<mlir::ModuleOp> module; // nn + qnn
  quantize::QuantPlan plan;
  std::vector<std::string> notes;
};

// A prepared module in the precision int8, by a table or a plan, or as-is.
Result<Quantized> quantizeNetwork(mlir::ModuleOp module, const CompileOptions& options);

} // namespace burin
