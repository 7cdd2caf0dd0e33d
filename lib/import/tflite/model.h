// A TensorFlow Lite file, verified and indexed: tensors under unique names, operators under theirs.
#pragma once

#include "lib/import/interface.h"
#include "lib/support/file.h"

#include "schema/tflite_generated.h"

#include <unordered_map>

namespace burin::tflite {

// real = (q - zero point) * scale; one pair, or one per index of `axis`.
struct Quantization {
  std::vector<float> scale;
  Ints zeroPoint;
  int64_t axis = 0;
  bool operator==(const Quantization&) const = default;
};

struct TensorFacts {
  std::string name;
  tfl::TensorType type = tfl::TensorType::FLOAT32;
  Ints shape;                               // as stored
  std::vector<DeclaredDim> dims;            // with open dimensions
  std::optional<Quantization> quantization; // of integers that stand for real numbers
  std::span<const char> data;               // empty: computed, or fed
  bool isVariable = false;
  bool isSparse = false;
};

struct OperatorFacts {
  std::string type; // "CONV_2D", "custom:NAME"
  const tfl::Operator* stored = nullptr;
  Ints inputs, outputs; // tensor indices, -1: left out
  Ints intermediates;   // of tensors without values
  // Of a convolution that took up the operators around it (dilation.h); empty: as its options say.
  Ints dilations, pads;
};

// Where the file's memory lives as long as constants view it.
struct ModelBytes {
  std::span<const char> bytes;
  std::shared_ptr<const void> owner;
};

class Model {
public:
  static Result<std::unique_ptr<Model>> open(ModelBytes file, int64_t maxNodes);

  const std::vector<TensorFacts>& tensors() const { return tensors_; }
  const std::vector<OperatorFacts>& operators() const { return operators_; }
  const Ints& inputs() const { return inputs_; }
  const Ints& outputs() const { return outputs_; }
  // Tensor index by name, or by the alias that a signature gives an input or output; -1 for an unknown one.
  int64_t find(const std::string& name) const;
  // The stored values as a constant.
  Result<Value> constant(const TensorFacts& tensor, ImportSession& session) const;
  const tfl::Model& stored() const { return *model_; }
  size_t subgraphs() const { return model_->subgraphs()->size(); }

private:
  Model() = default;
  Status verify();
  Status readTensors(const tfl::SubGraph& graph);
  Status readTensor(const tfl::Tensor* tensor, size_t index);
  Status readQuantization(const tfl::Tensor& tensor, TensorFacts& facts) const;
  Status readData(const tfl::Tensor& tensor, TensorFacts& facts) const;
  Status readOperators(const tfl::SubGraph& graph, int64_t maxNodes);
  Result<std::string> operatorType(uint32_t index) const;
  Result<Ints> indices(const flatbuffers::Vector<int32_t>* stored, const std::string& where);
  void readAliases();
  std::string uniqueName(std::string name, size_t index) const;

  ModelBytes file_;
  const tfl::Model* model_ = nullptr;
  std::vector<TensorFacts> tensors_;
  std::vector<OperatorFacts> operators_;
  std::unordered_map<std::string, int64_t> names_, aliases_;
  Ints inputs_, outputs_;
  uint64_t read_ = 0; // bytes of names and index lists so far; lists may share memory in a hostile file
};

// Null for a type that no graph holds.
std::optional<rt::DType> elementType(tfl::TensorType type);
std::string elementTypeName(tfl::TensorType type);
// "CONV_2D"; "BUILTIN_n" for codes newer than this list.
std::string builtinName(int32_t code);

} // namespace burin::tflite
