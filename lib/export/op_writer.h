// One op on its way to ONNX nodes: its operands and results by name, its attributes, and what a handler may
// add.
#pragma once

#include "lib/export/onnx_graph.h"
#include "lib/nn/nn.h"

namespace burin::onnx_export {

class OpWriter {
public:
  OpWriter(OnnxGraph& onnx, mlir::Operation* written, Names inputs, Names outputs)
      : graph(onnx), op(written), in(std::move(inputs)), out(std::move(outputs)),
        name(nn::nodeName(written)) {}

  OnnxGraph& graph;
  mlir::Operation* op;
  Names in, out;
  std::string name;

  // Attributes of the op.
  bool has(llvm::StringRef attribute) const { return op->hasAttr(attribute); }
  int64_t integer(llvm::StringRef attribute, int64_t fallback = 0) const;
  float real(llvm::StringRef attribute, float fallback = 0) const;
  std::string text(llvm::StringRef attribute) const;
  std::vector<int64_t> ints(llvm::StringRef attribute) const;
  std::vector<float> floats(llvm::StringRef attribute) const;
  std::vector<int64_t> shape(size_t operand) const;
  std::vector<int64_t> resultShape(size_t result = 0) const;
  rt::DType dtype(size_t operand) const;
  rt::DType resultDType(size_t result = 0) const;

  // Adds a node with this op's name. The first form names its only output itself.
  std::string make(const std::string& type, const Names& inputs, const Attributes& attributes = {},
                   const std::string& suffix = {});
  void write(const std::string& type, const Names& inputs, const Attributes& attributes = {}) {
    write(type, inputs, {out[0]}, attributes);
  }
  void write(const std::string& type, const Names& inputs, const Names& outputs,
             const Attributes& attributes);
  // A new tensor name beside the result.
  std::string temporary(const std::string& suffix) { return graph.unique(out[0] + "/" + suffix); }

  std::string constInts(const std::string& what, std::span<const int64_t> values) {
    return graph.ints(out[0] + "/" + what, values);
  }
  // Scalars of the result's element type, and of any.
  std::string constFloat(const std::string& what, float value) {
    return constLike(what, resultDType(), value);
  }
  std::string constLike(const std::string& what, rt::DType dtype, double value);

  // Until the result's lo and hi are applied it has another name: out[0] becomes that name; finishClamp()
  // applies them.
  void beginClamp();
  void finishClamp();

private:
  std::string clamped_;
};

// Writes the op's nodes. False: ONNX cannot express it.
using Handler = bool (*)(OpWriter&);
Handler handlerFor(llvm::StringRef mnemonic); // "conv" for nn.conv and qnn.conv; null when there is none

// One table per file of handlers.
struct HandlerEntry {
  const char* mnemonic;
  Handler handler;
};
std::span<const HandlerEntry> convolutionHandlers();
std::span<const HandlerEntry> normalisationHandlers();
std::span<const HandlerEntry> elementwiseHandlers();
std::span<const HandlerEntry> reductionHandlers();
std::span<const HandlerEntry> movementHandlers();
std::span<const HandlerEntry> indexingHandlers();
std::span<const HandlerEntry> recurrentHandlers();

// nn.unary's function; also what a table of a quantized graph stands for.
bool writeFunction(OpWriter& w, const std::string& fn);
bool writeBinary(OpWriter& w, const std::string& fn, const std::string& a, const std::string& b);

} // namespace burin::onnx_export
