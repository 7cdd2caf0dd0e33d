// Saves and loads `nn` (and `qnn`) modules: text with a separate weights file, or one bytecode file in our
// envelope.
#pragma once

#include "lib/nn/builder.h"

namespace burin::nn {

// A module with the context that owns its types and weights.
struct Module {
  std::unique_ptr<mlir::MLIRContext> context; // declared first: destroyed last
  mlir::OwningOpRef<mlir::ModuleOp> op;

  GraphOp graph() const; // the first graph; every valid module has one
};

// A fresh context with all dialects.
std::unique_ptr<mlir::MLIRContext> makeContext();

// `path` ending in .mlirbc: one file. Otherwise text at `path` and weights at `path`.weights, both written
// whole or not at all.
Status saveModule(mlir::ModuleOp module, const std::string& path);

// Reads either form; weights are mapped and their checksum verified. Every error names the file.
Result<Module> loadModule(const std::string& path);

// True if the file's first bytes are one of our module formats.
bool isModuleFile(const std::string& path);

// Hash of structure, names and weights: calibration tables and plans carry it.
std::string moduleHash(mlir::ModuleOp module);

} // namespace burin::nn
