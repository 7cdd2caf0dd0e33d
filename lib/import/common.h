// What all importers share: options, the result, and how they speak about names and shapes.
#pragma once

#include "lib/nn/builder.h"
#include "lib/support/error.h"

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace burin {

// A tensor given from outside, row-major.
struct BoundTensor {
  rt::TensorType type;
  std::vector<char> bytes;
};

using InputShapes = std::map<std::string, std::vector<int64_t>>; // "" stands for the only input

struct ImportOptions {
  std::string weights; // the second file of a two-file format; empty: looked for beside the model
  InputShapes inputShapes;
  std::vector<std::string> inputs;                // cut at the front: these tensors become inputs
  std::vector<std::string> outputs;               // cut at the end: these tensors become the outputs
  std::map<std::string, BoundTensor> boundInputs; // inputs that become constants
  // Integer weights of an already quantized model stay behind their nn.dequantize instead of being folded to
  // float.
  bool keepQuantization = true;
  bool allowNonFinite = false;         // NaN and infinity in weights
  int64_t maxLoopIterations = 1024;    // loops are unrolled
  int64_t maxNodes = int64_t(1) << 18; // run in total, loop bodies and functions counted each time
  nn::FoldLimits foldLimits;
  // When set: the graph inputs behind every value that had to be known while importing and was not. Binding
  // them and importing again goes further.
  std::set<std::string>* unknownInputs = nullptr;
};

// How the file says that pictures were fed, in the form of the flags of the same names; empty: it does not.
struct PreprocessHint {
  std::string input, mean, scale, pixel;
  std::string source; // where in the file, for the user
};

struct ImportInfo {
  std::string format;   // "onnx"
  std::string opset;    // "13", or "13, com.microsoft 1"
  std::string producer; // "pytorch 2.1"
  std::string hash;     // of the model file's bytes, see hashBytes
  std::vector<std::string> warnings;
  std::vector<PreprocessHint> preprocess;
};

struct ImportedModule {
  mlir::OwningOpRef<mlir::ModuleOp> module; // carries ImportInfo as the dictionary attribute "nn.source"
  ImportInfo info;
};

// XXH3 (64 bit) as 16 hex digits.
std::string hashBytes(std::span<const char> bytes);

// Writes format, opset, producer and hash to the module.
void attachSource(mlir::ModuleOp module, const ImportInfo& info);

// "name:1x3x224x224,other:1x10", or "1x3x224x224" for the only input. Errors are ErrorCode::Usage.
Result<InputShapes> parseInputShapes(const std::string& text);
// The flag that fixes these dimensions; a dimension below 0 is written as N.
std::string inputShapesFlag(const std::string& name, std::span<const int64_t> dims);
std::string dimsText(std::span<const int64_t> dims); // "1x3x224x224", "scalar"

// At most `count` of `candidates` that look like `name`, best first; for "unknown tensor" errors.
std::vector<std::string> nearNames(const std::string& name, std::span<const std::string> candidates,
                                   size_t count = 5);
std::string joined(std::span<const std::string> parts, const std::string& separator);

// Collects everything a model needs that we do not have, to report it at once.
class UnsupportedReport {
public:
  // An operator that no table knows. `remedy` may be empty.
  void addOperator(const std::string& operatorName, const std::string& node, const std::string& remedy);
  // A known operator used in a way that is not supported.
  void addUse(const Error& error);
  bool empty() const { return operators_.empty() && uses_.empty(); }
  Error error() const;

private:
  struct Entry {
    size_t count = 0;
    std::vector<std::string> nodes; // the first few
    std::string remedy;
  };
  std::map<std::string, Entry> operators_;
  std::vector<Error> uses_;
  size_t useCount_ = 0;
};

} // namespace burin
